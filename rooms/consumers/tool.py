"""The tools' socket: JSON."""

from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from rooms import authors, database, frames, guests, posting
from rooms.consumers.room import TRY_AGAIN, RoomConsumer, parse_cursor, parse_object
from rooms.errors import InvalidFrame, RateLimited, Refused, Unavailable
from rooms.feeds import feeds
from rooms.forms import clean_client_id
from rooms.log import Receipt
from rooms.names import display_name
from rooms.rates import Limiter, Rate
from rooms.subscribers import ToolSubscriber

_KINDS = {
    "posted": "message.posted",
    "changed": "message.changed",
    "deleted": "message.deleted",
    "room": "room.changed",
    "presence": "presence.changed",
    "typing": "typing",
}


class JsonRoomConsumer(RoomConsumer):
    """The tools' socket: one JSON object a frame."""

    frame_max = "FRAME_MAX"
    _refusals: Limiter | None = None

    async def enter(self) -> None:
        """Accept; what the query string asks for and cannot be had is told, then closed."""
        try:
            options = parse_qs(self.scope["query_string"].decode(), keep_blank_values=True)
            cursor = parse_cursor(options["after"][-1]) if "after" in options else None
            kinds = _kinds(options.get("events", ["posted"])[-1])
            if "name" in options and self.author.identity.startswith("socket:"):
                named = authors.named_tool(display_name(options["name"][-1]))
                self.author = replace(named, address=self.author.address)
                await guests.claim_name(self.author.name, self.author.tag)
            self.subscriber = ToolSubscriber(
                self.room,
                self.author,
                self.send_text,
                self.line,
                kinds=kinds,
                resumes=cursor is not None,
            )
            await self.subscriber.begin(cursor, options.get("epoch", [""])[-1])
        except Refused as refused:
            await self.turn_away(refused)
        except database.AWAY:
            await self.turn_away(Unavailable())
        else:
            await self.accept()
            self.start_reading(self.subscriber)

    async def explain(self, refused: Refused, client_id: str | None = None) -> None:
        """Send the error that says what was refused and why."""
        await self.send_text(frames.encode(frames.error(refused, client_id)))

    async def read(self, text: str | None) -> None:
        """Carry out a frame; what is refused is told, and the socket stays open."""
        client_id: str | None = None
        try:
            frame = parse_object(text)
            if "id" in frame:
                client_id = clean_client_id(frame["id"])
            receipt = await self._carry_out(frame, client_id)
        except Refused as refused:
            await self.explain(refused, client_id)
            await self._bear_with()
        else:
            if receipt is not None and client_id is not None:
                await self.send_text(frames.encode(frames.ack(client_id, receipt)))

    async def _carry_out(self, frame: dict[str, Any], client_id: str | None) -> Receipt | None:
        room, author = self.room, self.author
        if isinstance(frame.get("message_id"), bool):
            raise InvalidFrame()
        match frame:
            case {"type": "edit", "message_id": int(message_id), "message": str(text)}:
                return await posting.aedit_message(room, author, message_id, text)
            case {"type": "delete", "message_id": int(message_id)}:
                return await posting.adelete_message(room, author, message_id)
            case {"type": "typing"}:
                feeds().type(room, author)
                return None
            case {"type": _}:
                raise InvalidFrame()
            case {"message": str(text)}:
                return await posting.apost_message(room, author, text, client_id)
        raise InvalidFrame()

    async def _bear_with(self) -> None:
        """Close a socket from which little but nonsense comes."""
        if settings.REFUSAL_RATE is None:
            return
        if self._refusals is None:
            self._refusals = Limiter()
        try:
            self._refusals.take({"": Rate(*settings.REFUSAL_RATE)})
        except RateLimited as refused:
            await self.explain(refused)
            await self.close(TRY_AGAIN)


@lru_cache(64)
def _kinds(wish: str) -> frozenset[str]:
    """Return what `events` asks for: the same object for the same words, compared in no time."""
    if wish == "all":
        return frozenset(_KINDS.values())
    known = _KINDS | {kind: kind for kind in _KINDS.values()}
    try:
        return frozenset(known[word.strip()] for word in wish.split(","))
    except KeyError:
        raise InvalidFrame("events names something that does not happen here.") from None
