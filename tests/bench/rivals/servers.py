"""How each of them is started."""

import os
import subprocess
import sys
from pathlib import Path

from tests.bench.rivals.rival import NotHere, Rival
from tests.services import Rooms
from tests.services.ports import HOST, free_port

_ROOT = Path(__file__).resolve().parents[3]
_WS = "ws@8.23.0"
_NPM_SECONDS = 60
# Somebody else's twenty lines: what the manual of `ws` says a broadcast is.
_NODE = """
const { WebSocketServer, WebSocket } = require('ws');
const port = Number(process.env.PORT), host = process.env.HOST;
const server = new WebSocketServer({ host, port, backlog: 2048, perMessageDeflate: false });
server.on('connection', socket => {
  socket.on('error', () => {});
  socket.on('message', data => {
    const text = JSON.stringify({ message: JSON.parse(data).message });
    server.clients.forEach(client => {
      if (client.readyState === WebSocket.OPEN) client.send(text);
    });
  });
});
"""
# Nobody here is too fast or too many; the protection from slow readers stays.
LIMITS = (
    "POST_RATE",
    "ADDRESS_POST_RATE",
    "ROOM_RATE",
    "NAME_RATE",
    "PAGE_RATE",
    "JOIN_RATE",
    "REFUSAL_RATE",
    "SOCKETS_MAX",
    "ADDRESS_SOCKETS_MAX",
    "ADDRESS_STREAMS_MAX",
)


class Ours(Rooms):
    """Rooms, with the limits off that are a matter of manners; SQLite unless told otherwise."""

    # The text stands in a tool's frame twice: as typed, and as HTML.
    marks = 2
    padding = 30
    posters = Rival.posters
    messages_max = Rival.messages_max

    def __init__(
        self,
        name: str = "Rooms",
        redis_url: str | None = None,
        database_url: str | None = None,
        data_dir: Path | None = None,
    ) -> None:
        self.name = name
        super().__init__(
            redis_url=redis_url,
            database_url=database_url,
            data_dir=data_dir,
            env=dict.fromkeys(LIMITS, "off"),
            program=("-m", "tests.bench.server"),
        )

    def address(self, room: str = "bench") -> str:
        """Return the address of a room's socket."""
        return f"ws://{HOST}:{self.port}/ws/chat/{room}/"


class Tutorial(Rival):
    """The chat of the Channels tutorial under Daphne."""

    # More would only wait longer: it is no faster with them, and loses what waits.
    posters = 5
    messages_max = 10

    def __init__(self, name: str = "tutorial", redis_url: str | None = None) -> None:
        self.name = name
        self._redis_url = redis_url

    def _prepare(self) -> None:
        self.port = free_port()
        self._cwd = _ROOT
        self._environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        self._environment.pop("REDIS_URL", None)
        if self._redis_url:
            self._environment["REDIS_URL"] = self._redis_url
        # With Daphne's own backlog a storm of sockets would overflow it, and nothing be measured.
        endpoint = f"tcp:port={self.port}:interface={HOST}:backlog=2048"
        application = "tests.bench.rivals.tutorial:application"
        quiet = ("--verbosity", "0", "--websocket_timeout", "-1")
        self._command = [sys.executable, "-m", "daphne", *quiet, "-e", endpoint, application]


class Broadcast(Rival):
    """`websockets`' own broadcast."""

    name = "websockets"

    def _prepare(self) -> None:
        self.port = free_port()
        self._cwd = _ROOT
        self._command = [sys.executable, "-m", "tests.bench.rivals.broadcast", str(self.port)]


class Raw(Rival):
    """One `send` for each socket, and nothing else."""

    name = "raw writer"

    def _prepare(self) -> None:
        self.port = free_port()
        self._cwd = _ROOT
        self._command = [sys.executable, "-m", "tests.bench.rivals.raw", str(self.port)]


class NodeWs(Rival):
    """Node's `ws`; raises NotHere where Node is not there, or npm cannot bring it."""

    name = "Node ws"
    padding = Rival.padding + 1  # JSON.stringify leaves no space behind the colon

    def _prepare(self) -> None:
        self.port = free_port()
        install = ("npm", "install", "--silent", "--no-audit", "--no-fund", _WS)
        try:
            subprocess.run(
                [*install, "--prefix", self.folder],
                check=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_NPM_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NotHere(f"{self.name} is left out: npm could not bring it here") from error
        self._environment = {**os.environ, "HOST": HOST, "PORT": str(self.port)}
        self._command = ["node", "-e", _NODE]
