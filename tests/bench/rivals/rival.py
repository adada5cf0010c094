"""A server that can be compared."""

import socket

from tests.services.ports import HOST
from tests.services.program import Program

# What tells a reader of one message is so long in all servers, in bytes.
FRAME = 340
# The digits of a message's own time, and what stands around them.
_STAMP = len("at:= ") + 19


class NotHere(Exception):
    """A rival cannot be had on this machine: it is left out."""


class Rival(Program):
    """A server on a port of its own, which sends everybody what anybody sends it.

    Its sockets take `{"message": "…"}`; `name` is what the table calls it, `padding` makes its
    frames FRAME bytes long, and `marks` is how often a text stands in one.
    """

    name: str
    port: int
    marks = 1
    # Of those who post as fast as they are served.
    posters = 50
    # Of a fan-out: no more messages than are delivered within a few seconds.
    messages_max = 1000
    padding = FRAME - _STAMP - len('{"message": ""}')

    def address(self, room: str = "bench") -> str:
        """Return the address of a room's socket."""
        return f"ws://{HOST}:{self.port}/ws/chat/{room}/"

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0
