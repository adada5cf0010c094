"""Bytes to the server, and what comes back: for what no client would send."""

import os
import socket
import struct
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.services import Rooms
from tests.services.ports import HOST

_SECONDS = 5.0

Header = tuple[bytes, bytes]


@contextmanager
def connected(rooms: Rooms) -> Iterator[socket.socket]:
    """Open a connection."""
    with socket.create_connection((HOST, rooms.port), timeout=_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def request(
    method: bytes, target: bytes, headers: Sequence[Header] = (), body: bytes = b""
) -> bytes:
    """Return a request, whatever stands in its parts."""
    lines = [method + b" " + target + b" HTTP/1.1", *(b": ".join(header) for header in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def answer(rooms: Rooms, sent: bytes, seconds: float = _SECONDS) -> int | None:
    """Send the bytes and return the answer's status; None when there is none in time."""
    with connected(rooms) as connection:
        connection.settimeout(seconds)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        return status(connection)


def status(connection: socket.socket) -> int | None:
    """Return the status of the answer that comes; None when there is none in time."""
    head = b""
    with suppress(TimeoutError, ConnectionResetError):
        while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
            head += more
    if not head:
        return None
    version, number, *_ = head.split(b" ", 2)
    assert version.startswith(b"HTTP/1."), head[:80]
    return int(number)


def handshake(rooms: Rooms, room: str = "wire", *more: Header) -> bytes:
    """Return the handshake of a socket."""
    headers = (
        *((b"Host", f"{HOST}:{rooms.port}".encode()), (b"Upgrade", b"websocket")),
        *((b"Connection", b"Upgrade"), (b"Sec-WebSocket-Version", b"13")),
        (b"Sec-WebSocket-Key", b64encode(os.urandom(16))),
        *more,
    )
    return request(b"GET", f"/ws/chat/{room}/".encode(), headers)


def frame(
    opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, mask: bool = True
) -> bytes:
    """Return a WebSocket frame, whether there may be such a one or not."""
    size = len(payload)
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if mask else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    masked = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    return head + key + masked
