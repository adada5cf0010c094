"""A program that runs beside the tests, with its output in a file."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.services.ports import wait_until

_START_SECONDS = 20
_STOP_SECONDS = 10


class Program:
    """One program, started and stopped any number of times; a context manager.

    A subclass says in `_prepare` what to run and in `_answers` how it is known to be up. What is
    made in `self.folder` is gone afterwards.
    """

    folder: Path
    _process: subprocess.Popen[bytes] | None = None
    _folder: tempfile.TemporaryDirectory[str]

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="rooms-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        try:
            self._prepare()
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """The process id; RuntimeError when it does not run."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._process is not None

    def start(self) -> None:
        """Start it and wait until it answers.

        RuntimeError, with its output, when it ends before that; TimeoutError after 20 seconds.
        """
        if self._process is not None:
            raise RuntimeError(f"{self._name} runs already")
        with self._log_file.open("ab") as output:
            self._process = self._spawn(output.fileno())
        try:
            wait_until(self._is_up, _START_SECONDS, f"{self._name} does not answer")
        except TimeoutError as late:
            self.kill()
            raise TimeoutError(f"{late}:\n{self.log()}") from None

    def stop(self) -> None:
        """End it as its operator would, politely; after 10 seconds with SIGKILL."""
        self._end_with(self._stop_signal)

    def kill(self) -> None:
        """End it with SIGKILL, as a power failure would."""
        self._end_with(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again, on the same port and data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let it hang: it keeps its connections and does nothing."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._running().send_signal(signal.SIGCONT)

    def log(self) -> str:
        """Return all it has written so far to its output and error output."""
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    # What a subclass says

    _command: Sequence[str | Path]
    _cwd: Path | None = None
    _environment: Mapping[str, str] = os.environ
    _stop_signal = signal.SIGTERM
    _user: int | None = None
    _group: int | None = None

    def _prepare(self) -> None:
        """Set `_command`, and whatever it needs in `folder`."""
        raise NotImplementedError

    def _answers(self) -> bool:
        """Whether the program can be used now."""
        raise NotImplementedError

    # How it is done

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    def _log_file(self) -> Path:
        return self.folder / "log"

    def _spawn(self, output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            cwd=self._cwd or self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=self._user,
            group=self._group,
            extra_groups=None if self._user is None else [],
        )

    def _is_up(self) -> bool:
        if (code := self._running().poll()) is not None:
            self._process = None
            raise RuntimeError(f"{self._name} ended with {code}:\n{self.log()}")
        return self._answers()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self._name} does not run")
        return self._process

    def _end_with(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _end(self) -> None:
        self.stop()
        self._folder.cleanup()
