"""Our page's socket: HTML fragments."""

import asyncio
from dataclasses import replace
from typing import Any

from rooms import database
from rooms.consumers.room import (
    BAD_OPTION,
    TRY_AGAIN,
    RoomConsumer,
    parse_cursor,
    parse_object,
)
from rooms.errors import InvalidFrame, Refused
from rooms.feeds import feeds
from rooms.forms import whole_number
from rooms.outbox import Outbox
from rooms.subscribers import PageSubscriber

# A page that was replaced can leave a socket behind that never speaks.
FIRST_FRAME_SECONDS = 4.0


class HtmlRoomConsumer(RoomConsumer):
    """Our page's socket. It says nothing until the page's first frame brings its cursor."""

    frame_max = "PAGE_FRAME_MAX"
    _silence: asyncio.TimerHandle | None = None
    _outbox: Outbox | None = None

    async def enter(self) -> None:
        """Accept, and wait for the first frame for a while."""
        await self.accept()
        loop = asyncio.get_running_loop()
        self._silence = loop.call_later(FIRST_FRAME_SECONDS, self._hang_up)

    def leave(self) -> None:
        """Post no more; what is pending stands in the page and comes again."""
        if self._silence is not None:
            self._silence.cancel()
        if self._outbox is not None:
            self._outbox.close()

    async def read(self, text: str | None) -> None:
        """Take the page's cursor, its pending texts, or a sign of the reader."""
        try:
            frame = parse_object(text)
            if self._silence is not None:
                await self._begin(frame)
            assert isinstance(self.subscriber, PageSubscriber)
            assert self._outbox is not None
            match frame:
                case {"typing": _}:
                    feeds().type(self.room, self.author)
                case {"looking": "on"}:
                    self.subscriber.look()
                case {"looking": "off"}:
                    self.subscriber.look_away()
                case {"acked": str(acked)}:
                    self._outbox.take(_number(acked), _texts(frame.get("message", [])))
                case _:
                    raise InvalidFrame()
        except Refused:
            # Only a page of another release, or somebody's experiment, speaks like this.
            await self.close(BAD_OPTION)
        except database.AWAY:
            await self.close(TRY_AGAIN)

    def _hang_up(self) -> None:
        # Nothing is read yet; what stands in its place is cancelled if the socket ends before.
        self._reading = asyncio.create_task(self.close(BAD_OPTION))

    async def _begin(self, frame: dict[str, Any]) -> None:
        match frame:
            case {"page": str(page), "acked": str(acked), "after": str(after)}:
                cursor, _, epoch = after.partition(".")
                if self.author.identity.startswith("socket:"):
                    # Without cookies the page's key makes its texts known again.
                    self.author = replace(self.author, identity=f"page:{page}")
                subscriber = PageSubscriber(self.room, self.author, self.send_text, self.line)
                self._outbox = Outbox(self.room, self.author, page, _number(acked), self.send_text)
            case _:
                raise InvalidFrame()
        assert self._silence is not None
        self._silence.cancel()
        self._silence = None
        self.subscriber = subscriber
        await subscriber.begin(parse_cursor(cursor), epoch)
        unseen = frame.get("unseen")
        subscriber.unseen = _number(unseen) if unseen else None
        self.start_reading(subscriber)


def _number(raw: object) -> int:
    number = whole_number(raw, digits=9)
    if number is None:
        raise InvalidFrame()
    return number


def _texts(raw: object) -> list[str]:
    texts: list[Any] = raw if isinstance(raw, list) else [raw]
    if not all(isinstance(text, str) for text in texts):
        raise InvalidFrame()
    return texts
