"""The small cast of the tests, and readers without a socket."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from rooms import doorbell, posting
from rooms.authors import Author
from rooms.log import Receipt
from rooms.subscribers import Over, PageSubscriber, StreamSubscriber, Subscriber, ToolSubscriber
from rooms.wire import Line

alice = Author("guest:alice", "alice")
bob = Author("guest:bob", "bob")
carol = Author("guest:carol", "carol")
dave = Author("guest:dave", "dave", moderates=True)

ALL = frozenset(
    {
        "message.posted",
        "message.changed",
        "message.deleted",
        "room.changed",
        "presence.changed",
        "typing",
    }
)


@pytest.fixture(autouse=True)
def unhurried(settings: Settings) -> None:
    """Let everybody post as fast as the test likes."""
    settings.POST_RATE = settings.ROOM_RATE = None


@pytest.fixture(autouse=True, params=[True, False], ids=["short way", "long way"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every reader of the test be written to by the short way, and again by the long one."""
    monkeypatch.setattr(_Reader, "has_wire", request.param)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no feed hear of what is posted, but by the tick."""
    monkeypatch.setattr(doorbell, "ring", lambda *_: None)


async def say(*texts: str) -> Receipt:
    """Post the texts in the lobby, as alice; returns where the last one stands."""
    receipts = [await posting.apost_message("lobby", alice, text) for text in texts]
    return receipts[-1]


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Return as soon as the condition is true; TimeoutError after so many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (conditions of many kinds)
            await asyncio.sleep(0.005)


def texts(frames: bytes) -> list[str]:
    """Return the texts of whole WebSocket frames, as a client reads them."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
    client.receive_data(frames)
    read = client.events_received()
    assert all(isinstance(one, Frame) and one.fin and one.opcode is Opcode.TEXT for one in read)
    return [bytes(one.data).decode() for one in read if isinstance(one, Frame)]


class _Reader:
    """Somebody who reads a room; takes nothing while `free` is cleared.

    With `has_wire` the short way leads here too.
    """

    has_wire = True
    subscriber: Subscriber
    task: asyncio.Task[None]

    def __init__(self, room: str = "lobby", author: Author = carol) -> None:
        self.room = room
        self.author = author
        self.texts: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    async def leave(self) -> None:
        """Go, as a closed socket does."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        self.subscriber.end()

    @property
    def is_over(self) -> bool:
        """Whether it was told to come anew, and is told nothing more."""
        return self.task.done()

    @property
    def is_live(self) -> bool:
        """Whether it is at the feed's cursor and everything was taken."""
        return self.subscriber in self.subscriber.feed.live and not self.subscriber._pending

    async def _begin(self, after: int | None, epoch: str) -> None:
        await self.subscriber.begin(after, epoch)
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(Over):
            await self.subscriber.run()

    async def _send(self, text: str) -> None:
        await self.free.wait()
        self.texts.append(text)


class _Line(Line):
    """A line that leads to a reader's texts; held as long as the reader takes nothing."""

    def __init__(self, reader: _Reader) -> None:
        super().__init__()
        self.holds = 0 if reader.has_wire else 1
        self._reader = reader

    def write(self, frames: bytes) -> bool:
        if self.holds or not self._reader.free.is_set():
            return False
        self._reader.texts += texts(frames)
        return True


class Tool(_Reader):
    """A tool that asked for everything."""

    async def join(self, after: int | None = None, epoch: str = "") -> "Tool":
        """Join at a cursor, or at now."""
        self.subscriber = ToolSubscriber(
            self.room, self.author, self._send, _Line(self), kinds=ALL, resumes=after is not None
        )
        await self._begin(after, epoch)
        return self

    @property
    def frames(self) -> list[dict[str, Any]]:
        """What it was sent."""
        return [json.loads(text) for text in self.texts]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The frames of one type."""
        return [frame for frame in self.frames if frame["type"] == kind]

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The entries of the log that it was sent."""
        return [frame for frame in self.frames if frame["type"].startswith("message.")]

    @property
    def said(self) -> list[str]:
        """The texts of the posts that it was sent, in order."""
        return [frame["message"] for frame in self.of("message.posted")]

    @property
    def seen(self) -> int:
        """The cursor from which it resumes."""
        return max((frame["seq"] for frame in self.entries), default=0)

    @property
    def state(self) -> dict[int, str]:
        """What it holds of the room, by number."""
        held: dict[int, str] = {}
        for frame in self.entries:
            if frame["type"] == "message.deleted":
                held.pop(frame["number"], None)
            else:
                held[frame["number"]] = frame["message"]
        return held


class Page(_Reader):
    """A page's socket."""

    subscriber: PageSubscriber

    async def join(self, after: int, epoch: str) -> "Page":
        """Join at the cursor of the page as it was loaded."""
        self.subscriber = PageSubscriber(self.room, self.author, self._send, _Line(self))
        await self._begin(after, epoch)
        return self


class Stream(_Reader):
    """A page without script."""

    async def join(self, after: int, epoch: str) -> "Stream":
        """Join at the cursor of the page as it was loaded."""
        self.subscriber = StreamSubscriber(self.room, self.author, self._send)
        await self._begin(after, epoch)
        return self
