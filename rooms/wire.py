"""The short way to a reader: frames built once for all, and handed to the system in place.

On the long way each reader's copy of a frame waits in a queue, wakes a task, passes the consumer,
middleware, Daphne and Autobahn, which builds it anew, and waits in a buffer for the event loop. The
short way goes around all of that, and is taken only while nothing else is under way to the same
reader, so that nothing is overtaken and no frame is torn. Each of three knows a part of that: the
subscriber that its task sleeps and nothing is pending, the consumer that it is not sending and has
not closed, and `write` that the socket is open and nothing waits in the protocol or its transport.
All of it runs in the event loop's thread, without an await in between.

Otherwise nothing is written, and the long way is taken, with its bounds on what waits. What the
system leaves of the last frames waits in the transport, where all that follows queues up behind it.

The server offers `write` as an ASGI extension in the scope, for middleware wraps `send`. A server
that has none is served the long way.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

from twisted.internet.tcp import Connection

EXTENSION = "rooms.wire"
_TEXT = 0x81  # a whole text message; what a server sends is not masked

# Takes frames, and returns whether they were written: all of them, or none.
Write = Callable[[bytes], bool]


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


def extensions(socket: Any) -> dict[str, Write]:
    """Return what a socket of our Daphne offers: nothing under TLS, which sends no bytes bare."""
    transport = socket.transport
    if isinstance(transport, Connection) and not transport.TLS:
        return {EXTENSION: partial(write, socket)}
    return {}


def of(scope: Mapping[str, Any]) -> Write:
    """Return the connection's short way; where the server has none, one that never writes."""
    way: Write = (scope.get("extensions") or {}).get(EXTENSION, never)
    return way


def never(frames: bytes) -> bool:
    """Write nothing."""
    return False


def write(socket: Any, frames: bytes) -> bool:
    """Hand the frames to the system if nothing waits before them; return whether it was done."""
    transport = socket.transport
    if (
        transport.dataBuffer
        or transport._tempDataBuffer
        or socket.state != socket.STATE_OPEN
        or socket.send_state != socket.SEND_STATE_GROUND
        or socket.send_queue
        or transport.disconnecting
        # What is left of more than that would have to be waited for.
        or len(frames) > transport.bufferSize
    ):
        return False
    try:
        sent = transport.socket.send(frames)
    except OSError:  # full, or gone: the transport finds out which
        return False
    if sent < len(frames):
        transport.write(frames[sent:])
    return True
