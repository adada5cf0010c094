"""What the two sockets of a room share."""

import asyncio
import json
import logging
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import DenyConnection, StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from rooms import database, limits, wire
from rooms.authors import Author
from rooms.connections import connections
from rooms.consumers.visitor import visitor
from rooms.errors import (
    Forbidden,
    InvalidCursor,
    InvalidFrame,
    InvalidJson,
    InvalidRoom,
    RateLimited,
    Refused,
    Unavailable,
)
from rooms.names import canonical_room
from rooms.subscribers import Over, Revoked, Stuck, Subscriber

TOO_BIG = 1009
COME_ANEW = 4012
TRY_AGAIN = 4013
BAD_OPTION = 4400
FORBIDDEN = 4403

_CODES = {
    "rate_limited": TRY_AGAIN,
    "unavailable": TRY_AGAIN,
    "invalid_name": FORBIDDEN,
    "name_taken": FORBIDDEN,
}

logger = logging.getLogger(__name__)


class RoomConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A socket of a room: who, where, and the subscriber that reads for them."""

    # None keeps Channels from giving each socket a channel: the feed has one for all.
    channel_layer_alias = None
    frame_max: str

    room: str
    author: Author
    line: wire.Line
    subscriber: Subscriber | None = None
    _reading: asyncio.Task[None] | None = None
    _is_counted = False
    _is_closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket; however it ends, its reader leaves the room.

        Channels has a task wait for the socket, and another for the layer, which we have not.
        """
        self.scope, self.base_send = scope, send
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self.leave()
            if self._reading is not None:
                self._reading.cancel()
            if self.subscriber is not None:
                self.subscriber.end()
            if self._is_counted:
                connections().close("socket", self.author.address)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the method for the event.

        Without Channels' thread hop on each: what we ask of the database has threads and
        connections of its own.
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Accept a socket of a room; a name that is no room is refused."""
        self.line = wire.of(self.scope)
        try:
            self.room = canonical_room(self.scope["url_route"]["kwargs"]["room"])
        except InvalidRoom:
            raise DenyConnection() from None
        try:
            self.author = await visitor(self.scope)
            await limits.take(("join", self.author.address, settings.JOIN_RATE))
            await connections().open("socket", self.author.address)
            self._is_counted = True
        except RateLimited as refused:
            await self.turn_away(refused)
        except database.AWAY:
            await self.turn_away(Unavailable())
        else:
            await self.enter()

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Read one frame, unless it is too big, or came after the end."""
        if self._is_closed or (self.subscriber is not None and self.subscriber.is_revoked):
            return
        text, most = message.get("text"), getattr(settings, self.frame_max)
        size = len(text.encode()) if text is not None else len(message["bytes"])
        if most and size > most:
            await self.close(TOO_BIG)
            return
        await self.read(text)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """End the application."""
        raise StopConsumer()

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the socket; what still comes over it is not read."""
        self._is_closed = True
        self.line.holds += 1
        await super().close(code, reason)

    async def enter(self) -> None:
        """Accept the socket."""
        raise NotImplementedError

    async def turn_away(self, refused: Refused) -> None:
        """Accept the socket, for a refused handshake cannot say why, and close it."""
        await self.accept()
        await self.explain(refused)
        await self.close(_CODES.get(refused.code, BAD_OPTION))

    async def explain(self, refused: Refused) -> None:
        """Say what was refused and why, if the reader can be told."""

    async def read(self, text: str | None) -> None:
        """Take a text frame, or None for a binary one."""
        raise NotImplementedError

    def leave(self) -> None:
        """End what `enter` began."""

    async def send_text(self, text: str) -> None:
        """Send one frame; waits while the reader's own buffers are full, if the server can."""
        self.line.holds += 1
        try:
            await self.base_send({"type": "websocket.send", "text": text})
        finally:
            self.line.holds -= 1

    def start_reading(self, subscriber: Subscriber) -> None:
        """Let the subscriber, which has begun, read for this socket."""
        self._reading = asyncio.create_task(self._read_on(subscriber))

    async def _read_on(self, subscriber: Subscriber) -> None:
        try:
            await subscriber.run()
        except Stuck:
            await self.close(TRY_AGAIN)
        except Over:
            await self.close(COME_ANEW)
        except Revoked:
            self.leave()
            await self.explain(Forbidden("You were signed out. Connect again."))
            await self.close(FORBIDDEN)
        except Exception:
            logger.exception("A subscriber stumbled")
            await self.close(TRY_AGAIN)


def parse_object(text: str | None) -> dict[str, Any]:
    """Return the object that a text frame holds. Raises InvalidJson or InvalidFrame."""
    if text is None:
        raise InvalidFrame()
    try:
        frame = _json.decode(text)
    except (ValueError, RecursionError):
        raise InvalidJson() from None
    if not isinstance(frame, dict):
        raise InvalidFrame()
    return frame


def parse_cursor(raw: str) -> int:
    """Return a cursor. Raises InvalidCursor unless it is a number from 0."""
    if not (raw.isascii() and raw.isdigit()):
        raise InvalidCursor()
    return int(raw[:30])  # longer than any cursor, and short enough for int()


def _no_constant(word: str) -> None:
    raise ValueError(word)


# Python's own would read NaN and Infinity, which are no JSON.
_json = json.JSONDecoder(parse_constant=_no_constant)
