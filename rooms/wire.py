"""The short way to a reader: frames built once for all, and handed to the system in place.

On the long way each reader's copy of a frame waits in a queue, wakes a task, passes the consumer,
middleware, Daphne and Autobahn, which builds it anew, and waits in a buffer for the event loop. The
short way goes around all of that, and is taken only while nothing else is under way to the same
reader, so that nothing is overtaken and no frame is torn. Whoever has something under way holds the
line meanwhile: the subscriber while its task is awake, the consumer while it sends, the socket
before it is open and from its close frame on. What the transport buffers, the line sees itself. All
of it runs in the event loop's thread, without an await in between.

While the line is held nothing is written, and the long way is taken, with its bounds on what waits.
What the system leaves of the last frames waits in the transport, where all that follows queues up
behind it.

The server offers the line as an ASGI extension in the scope, for middleware wraps `send`. A server
that has none is served the long way.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from twisted.internet.tcp import Connection

EXTENSION = "rooms.wire"
_TEXT = 0x81  # a whole text message; what a server sends is not masked
# What is left of more than that would have to be waited for.
_AT_ONCE_MAX = Connection.bufferSize


class Texts(tuple[str, ...]):
    """Texts for any number of readers, counted and framed once."""

    @cached_property
    def size(self) -> int:
        """How many characters they have."""
        return sum(map(len, self))

    @cached_property
    def frames(self) -> bytes:
        """Each text as a WebSocket frame, one after the other."""
        return b"".join(map(frame, self))

    def then(self, more: "Texts") -> "Texts":
        """Return these and more, without counting and framing any of them again."""
        both = Texts((*self, *more))
        both.size, both.frames = self.size + more.size, self.frames + more.frames
        return both


def frame(text: str) -> bytes:
    """Return the WebSocket frame of a text."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        head = bytes((_TEXT, size))
    elif size < 1 << 16:
        head = bytes((_TEXT, 126)) + size.to_bytes(2)
    else:
        head = bytes((_TEXT, 127)) + size.to_bytes(8)
    return head + payload


class Line:
    """One socket's short way. `holds` counts those who have something under way."""

    __slots__ = ("_transport", "holds")

    def __init__(self, transport: Any = None, holds: int = 0) -> None:
        # TLS sends no bytes bare.
        is_bare = isinstance(transport, Connection) and not transport.TLS
        self._transport: Any = transport if is_bare else None
        self.holds = holds if is_bare else holds + 1

    def write(self, frames: bytes) -> bool:
        """Hand the frames to the system, if nobody holds the line; return whether it was done."""
        if self.holds:
            return False
        transport = self._transport
        if (
            transport.dataBuffer
            or transport._tempDataBuffer
            or transport.disconnecting
            or len(frames) > _AT_ONCE_MAX
        ):
            return False
        try:
            sent = transport.socket.send(frames)
        except OSError:  # full, or gone: the transport finds out which
            return False
        if sent < len(frames):
            transport.write(frames[sent:])
        return True


def of(scope: Mapping[str, Any]) -> Line:
    """Return the connection's short way; where the server has none, one that is always held."""
    return (scope.get("extensions") or {}).get(EXTENSION) or Line()
