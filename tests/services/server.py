"""Rooms itself, as `make run` starts it."""

import functools
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.services.ports import HOST, free_port
from tests.services.program import Program

_ROOT = Path(__file__).resolve().parents[2]

# All else that a developer may have set, DATABASE_URL say, would decide what is tested.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


class Rooms(Program):
    """A Rooms server on a port of its own, with data of its own.

    `database_url` and `redis_url` as in docs/settings.md, SQLite and no Redis by default; `env`
    sets anything else. Servers that are one chat share `data_dir`, for the secret key in it.
    `program` is what Python is to run in place of `manage.py`.
    """

    url: str
    ws: str
    port: int
    data_dir: Path

    def __init__(
        self,
        *,
        database_url: str | None = None,
        redis_url: str | None = None,
        data_dir: Path | None = None,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = ("manage.py",),
    ) -> None:
        self._stores = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        self._data_dir = data_dir
        self._settings = dict(env or {})
        self._program = program

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Run `manage.py` with this server's settings and return what it printed.

        RuntimeError, with its output, when it fails.
        """
        return _manage(self._environment, *arguments, stdin=stdin)

    def _prepare(self) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.ws = f"ws://{HOST}:{self.port}"
        self.data_dir = self._data_dir or self.folder / "data"
        self._environment = {
            **_inherited(),
            **{name: value for name, value in self._stores.items() if value is not None},
            "HOST": HOST,
            "PORT": str(self.port),
            "DATA_DIR": str(self.data_dir),
            **self._settings,
        }
        self._command = [sys.executable, *self._program, "serve"]
        self._cwd = _ROOT
        with _COLLECTING:
            _collect_static()
        self.manage("migrate", "--verbosity=0")

    def _answers(self) -> bool:
        try:
            with _DIRECT.open(f"{self.url}/healthz", timeout=2) as response:
                return bool(response.status == 200)
        except OSError:  # not listening yet, or listening and not well
            return False


# A proxy that the environment names is not for 127.0.0.1.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _inherited() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1"}


# Several servers may be started at once, each in a thread.
_COLLECTING = threading.Lock()


@functools.cache
def _collect_static() -> None:
    _manage(_inherited(), "collectstatic", "--no-input", "--verbosity=0")


def _manage(environment: Mapping[str, str], *arguments: str, stdin: str = "") -> str:
    ended = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        check=False,
        cwd=_ROOT,
        env=environment,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if ended.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{ended.stdout}")
    return ended.stdout
