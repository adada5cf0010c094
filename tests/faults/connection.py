"""A tool's connections through the front: they break, and another one is made."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

# What a connection that breaks, or cannot be made, raises.
BROKEN = (OSError, TimeoutError, WebSocketException)

RETRY_SECONDS = 0.3
_HANDSHAKE_SECONDS = 5
# A half-open connection is noticed after this much silence, twice.
_PING_SECONDS = 2.5
_NARROW = 4_096


@asynccontextmanager
async def connection(
    front: str, room: str, *, stops: bool = False, **options: object
) -> AsyncIterator[ClientConnection]:
    """Connect to the room at the front's address, with the options of the query string.

    One that stops reading for a while has small buffers, and no pings to notice a dead connection.
    Raises one of BROKEN. However it ends, the socket is gone at once, without a good-bye.
    """
    ways: dict[str, Any] = {"ping_interval": _PING_SECONDS, "ping_timeout": _PING_SECONDS}
    if stops:
        ways = {"ping_interval": None, "sock": _narrow(front)}
    opened = await connect(
        f"{front}/ws/chat/{quote(room)}/?{urlencode(options)}",
        proxy=None,
        open_timeout=_HANDSHAKE_SECONDS,
        max_size=None,
        max_queue=4,
        compression=None,
        **ways,
    )
    try:
        yield opened
    finally:
        opened.transport.abort()
        await opened.wait_closed()


def _narrow(front: str) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW)
    address = urlsplit(front)
    made.connect((address.hostname, address.port))  # to our own event loop's backlog: at once
    return made


async def pause(seconds: float, unless: asyncio.Event) -> None:
    """Wait for so many seconds, or until the event."""
    try:
        async with asyncio.timeout(seconds):
            await unless.wait()
    except TimeoutError:
        return
