"""Who reads a room: live, or behind and reading the log until caught up.

The same state machine serves a fresh page, a resumed tool and a slow reader; there is no other
path. What waits for a reader is bounded: past PENDING_MAX characters it falls behind, and one that
takes nothing for STUCK_SECONDS ends.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from django.conf import settings

from rooms import database, log
from rooms.authors import Author
from rooms.batches import Batch
from rooms.feed import Feed
from rooms.feeds import feeds
from rooms.log import Head
from rooms.wire import Line, Texts

RETRY_SECONDS = 1.0
# A page that missed more entries than this gets its list replaced.
REPLACE_AFTER = 200

_RESTORED = "The room was restored from a backup."
_BEYOND = "The cursor lies beyond the end of the room."

Send = Callable[[str], Awaitable[None]]

logger = logging.getLogger(__name__)


class Stuck(Exception):
    """The reader takes nothing any more."""


class Over(Exception):
    """The reader has to come anew, and is told nothing more."""


class Revoked(Exception):
    """The reader is not signed in any more as whom it reads."""


class Subscriber:
    """One reader of one room; the kinds of reader say how it is shown.

    `send` takes a text when there is room for it; `line` is the short way, where there is one.
    """

    def __init__(self, room: str, author: Author, send: Send, line: Line | None = None) -> None:
        self.room = room
        self.author = author
        self.cursor = 0
        self.is_revoked = False
        self.feed: Feed
        self._send = send
        self._line = line or Line()
        self._pending: deque[str] = deque()
        self._size = 0
        # Cleared only while the task has nothing to do. Awake, it has something to say, or to find
        # out, before anything else may be said, and so holds the line.
        self._wake = asyncio.Event()
        self._rouse()
        self._arrived = False
        self._lost = ""

    async def begin(self, cursor: int | None = None, epoch: str = "") -> None:
        """Join the room's feed at a cursor (of an epoch, if given), else at now.

        What is posted after this returns is read. Raises what the database raises when it is away.
        """
        self.feed = feeds().join(self.room, self)
        feeds().presence.join(self.room, self.author)
        feeds().accounts.join(self)
        head = await self.feed.open()
        if cursor is not None and cursor > head.seq:
            # Another process told of it before this one heard.
            await self.feed.refresh()
            head = await self.feed.open()
        self._put(self._greeting(head))
        self.cursor = head.seq if cursor is None else cursor
        if cursor is not None and epoch and epoch != head.epoch:
            self._lost = _RESTORED
        elif self.cursor > head.seq:
            self._lost = _BEYOND  # now: the room may reach it before this reader looks again

    async def run(self) -> None:
        """Read until cancelled.

        Raises Stuck when the reader takes nothing any more, Over when it has to come anew, and
        Revoked when it may not read any more as whom it came.
        """
        while True:
            await self._flush()
            if self.is_revoked:
                raise Revoked()
            try:
                if self._lost:
                    await self._start_over()
                elif self not in self.feed.live:
                    await self._catch_up()
                else:
                    # No await since all was found done: what comes now wakes it.
                    self._wake.clear()
                    self._line.holds -= 1
                    await self._wake.wait()
            except database.AWAY:
                await asyncio.sleep(RETRY_SECONDS)

    def end(self) -> None:
        """Leave the feed."""
        if hasattr(self, "feed"):
            feeds().presence.leave(self.room, self.author)
            feeds().accounts.leave(self)
            feeds().leave(self.feed, self)

    def offer(self, batch: Batch) -> None:
        """Take a batch, or fall behind when too much is waiting."""
        try:
            taken = self._put(self._live(batch), bounded=True)
        except Exception:
            # Reading it again ends this reader alone; raised here, all others would miss it.
            logger.exception("A batch could not be shown")
            taken = False
        if taken:
            self.cursor = batch.high
        else:
            self.feed.live.discard(self)
            self._rouse()

    def tell(self, kind: str, fragment: Texts, frame: Texts) -> None:
        """Take ephemeral news; it is lost when too much is waiting."""
        self._put(self._news(kind, fragment, frame))

    def reset(self) -> None:
        """Hear that the history was replaced by another one."""
        self._lost = _RESTORED
        self._rouse()

    def revoke(self) -> None:
        """Hear that the author is not signed in any more: from now on, nothing more is said."""
        self.is_revoked = True
        self._rouse()

    # What the kinds of reader say

    def _live(self, batch: Batch) -> Texts:
        raise NotImplementedError

    def _backlog(self, batch: Batch) -> Texts:
        return self._live(batch)

    def _news(self, kind: str, fragment: Texts, frame: Texts) -> Texts:
        return Texts()

    def _greeting(self, head: Head) -> Texts:
        return Texts()

    def _arrival(self) -> Texts:
        return Texts()

    def _restart(self, head: Head, reason: str) -> Texts:
        return Texts()

    async def _leap(self, head: Head) -> str:
        """Return what replaces all that the reader holds, or nothing: read everything instead."""
        return ""

    # The state machine

    async def _start_over(self) -> None:
        head = await self.feed.open()
        reason, self._lost = self._lost, ""
        self._arrived = False
        self.cursor = head.seq
        self._put(self._restart(head, reason))

    async def _catch_up(self) -> None:
        feeds().accounts.look(self)
        await self.feed.open()
        while self.cursor < self.feed.head.seq and not self._lost:
            head = self.feed.head
            if head.seq - self.cursor > REPLACE_AFTER and (whole := await self._leap(head)):
                await self._deliver(whole)
                self.cursor = head.seq
                continue
            high = min(self.cursor + log.WINDOW, head.seq)
            for frame in self._backlog(await self.feed.read(self.cursor, high)):
                await self._deliver(frame)
            self.cursor = high
        # No await between the check above and this: whatever comes next is offered.
        if self.cursor == self.feed.head.seq and not self._lost:
            self.feed.live.add(self)
            if not self._arrived:
                self._arrived = True
                self._put(self._arrival())
        else:
            # No reader may stay ahead of its feed: looking again and again would stop the process.
            self._lost = self._lost or _BEYOND

    def _put(self, texts: Texts, bounded: bool = False) -> bool:
        if not texts or self._line.write(texts.frames):
            return True
        most = settings.PENDING_MAX
        # What is in no log cannot be read again: one for whom nothing waits takes it whole.
        if most and (bounded or self._pending) and self._size + texts.size > most:
            return False
        self._pending.extend(texts)
        self._size += texts.size
        self._rouse()
        return True

    def _rouse(self) -> None:
        if not self._wake.is_set():
            self._line.holds += 1
            self._wake.set()

    async def _flush(self) -> None:
        while self._pending:
            frame = self._pending.popleft()
            self._size -= len(frame)
            await self._deliver(frame)

    async def _deliver(self, frame: str) -> None:
        if self.is_revoked:
            raise Revoked()
        try:
            async with asyncio.timeout(settings.STUCK_SECONDS):
                await self._send(frame)
        except TimeoutError:
            raise Stuck() from None
