"""What has come over a socket and waits for its application."""

import asyncio
from collections import deque

from rooms.server.work import Event, Work


class Inbox:
    """A queue with one reader: `asyncio.Queue` holds 3 kB where nearly always nothing waits."""

    __slots__ = ("_events", "_reader", "_work")

    def __init__(self, work: Work) -> None:
        self._work = work
        self._events: deque[Event] | None = None
        self._reader: asyncio.Future[None] | None = None
        work.begin(self)

    def qsize(self) -> int:
        """Return how many events wait."""
        return len(self._events or ())

    def put_nowait(self, event: Event) -> None:
        """Let an event wait."""
        if self._events is None:
            self._events = deque()
        self._events.append(event)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> Event:
        """Return the next event; until then its reader is not at work."""
        while not self._events:
            self._events = None
            self._work.end(self)
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        self._work.begin(self)
        return self._events.popleft()
