"""Gap-free fan-out of one room inside one process.

Rung by the doorbell, a feed reads what is new once, has it rendered once, and offers the same
bytes to every subscriber that is *live*. While it is busy, and in a full room for a moment more,
changes gather, and the next round takes them all. What this process wrote itself comes with the
ring; it is read only where other processes' entries stand in between.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from rooms import database, fragments, frames, log, typists
from rooms.authors import Author, tag_of
from rooms.batches import Batch
from rooms.doorbell import Bell, News
from rooms.log import Entry, Head
from rooms.names import group_name
from rooms.presence import Presence
from rooms.typists import Typists
from rooms.wire import Texts

# When to read again after the database was away.
RETRY_SECONDS = 1.0
# Nothing waits longer than that for others to be told together.
GATHER_SECONDS_MAX = 0.05
# Changes of presence gather: a storm of joins is one piece of news.
PRESENCE_SECONDS = 0.25
# In a full room for longer: each piece is written to all, and would be again for each who comes.
PRESENCE_SECONDS_EACH = 0.0005
# Answers of the log that are kept for those who ask the same after a restart.
KEPT_READS = 8

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """What a feed knows of a subscriber."""

    author: Author

    def offer(self, batch: Batch) -> None:
        """Take a batch; called only while live."""

    def tell(self, kind: str, fragment: Texts, frame: Texts) -> None:
        """Take ephemeral news, as a page shows it and as a tool reads it."""

    def reset(self) -> None:
        """Hear that the history was replaced by another one."""


class Feed:
    """One room, as far as this process has read it."""

    def __init__(self, room: str, bell: Bell, presence: Presence) -> None:
        self.room = room
        self.head = Head(None, -1, "")
        self.readers: set[Reader] = set()
        self.live: set[Reader] = set()
        self._bell = bell
        self._presence = presence
        self._reached = -1
        self._rung = asyncio.Event()
        self._lock = asyncio.Lock()
        self._reads: dict[tuple[int, int], asyncio.Task[Any]] = {}
        self._written: dict[int, Entry] = {}
        self._typists = Typists()
        self._timers: set[asyncio.TimerHandle] = set()
        self._people: dict[str, str] = {}
        self._gathering = False
        bell.listen(group_name(room), self._hear)
        presence.watch(room, self._people_changed)
        self._task = bell.loop.create_task(self._run(), name=f"feed {room}")

    async def open(self) -> Head:
        """Return the head from which the feed goes on: all that it has heard of is handed on."""
        if self.head.seq < 0:
            async with self._lock:
                if self.head.seq < 0:
                    self.head = await database.read(log.head, self.room)
                    self._reached = max(self._reached, self.head.seq)
        await self._advance(self._reached)
        return self.head

    async def refresh(self) -> None:
        """Read the head anew, and hand on what is new."""
        since = self.head.seq
        head = await database.read(log.head, self.room)
        self.find(head.seq, head.epoch, since)
        await self._advance(self._reached)

    async def read(self, low: int, high: int) -> Batch:
        """Return what lies between two cursors; asked by many, it is read once."""
        batch: Batch = await self._once((low, high), lambda: self._read(low, high))
        return batch

    async def newest(self, head: Head) -> str:
        """Return what replaces all that a page holds by the newest messages up to the head."""
        whole: str = await self._once((-1, head.seq), lambda: self._newest(head))
        return whole

    def reach(self, seq: int) -> None:
        """Hear from the doorbell how far the room has come."""
        if seq > self._reached:
            self._reached = seq
            self._rung.set()

    def find(self, seq: int, epoch: str, since: int) -> None:
        """Hear from the database how far the room has come, and in which history.

        `since` is the feed's head when the database was asked: the feed may have gone on while
        the answer was on its way, and only an answer below that tells of another history.
        """
        if self.head.epoch and (epoch != self.head.epoch or seq < min(since, self.head.seq)):
            self._reached = -1
            self.head = Head(None, -1, "")
            self._reads.clear()
            self._written.clear()
            self.live.clear()
            for reader in list(self.readers):
                reader.reset()
        else:
            self.reach(seq)

    def type(self, author: Author) -> None:
        """Say, here and in the other processes, that the author is typing."""
        if self._typists.has_just_told(author.tag, self._bell.loop.time()):
            return
        typist = frames.author(author.user_id, author.name, author.kind)
        news = {"type": "room.typing", "group": group_name(self.room), "tag": author.tag}
        self._bell.tell({**news, "typist": typist})

    def beat(self) -> None:
        """Give every page a sign of life."""
        self._reads.clear()  # a storm is over by now
        self._tell("beat", fragments.beat(self.room), "")

    def state(self) -> str:
        """Return the fragments of what is ephemeral, for a page that has just come."""
        # As it was told last, for counting takes longer the more are here; it is told to this page
        # too when it changes, and by its coming it does.
        people = self._people or self._presence.here(self.room)
        here = fragments.here(len(people))
        return here + fragments.typing(self._typists.shown())

    def close(self) -> None:
        """Stop: nobody reads here any more."""
        self._bell.unlisten(group_name(self.room), self._hear)
        self._presence.unwatch(self.room)
        self._task.cancel()
        for timer in self._timers:
            timer.cancel()

    async def _run(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                took = await self._advance(self._reached)
            except Exception as error:
                if not isinstance(error, database.AWAY):
                    logger.exception("A feed stumbled")
                await asyncio.sleep(RETRY_SECONDS)
                self._rung.set()
            else:
                # In a full room changes gather: a third of the time is for telling them, the rest
                # for those who write, and each message costs less the more there are.
                await asyncio.sleep(min(2 * took, GATHER_SECONDS_MAX))

    async def _advance(self, seq: int) -> float:
        """Hand on what there is, up to `seq` or further; returns the seconds that telling took.

        It does not go on to what is reached meanwhile: each of many who come at once would take a
        round of its own.
        """
        took = 0.0
        if self.head.seq >= seq:
            return took
        async with self._lock:
            while 0 <= self.head.seq < min(seq, self._reached):
                before = self.head
                if before.room_id is None:
                    found = await database.read(log.head, self.room)
                    if self.head is not before:
                        break  # reset meanwhile
                    before = self.head = Head(found.room_id, before.seq, before.epoch)
                high = min(before.seq + log.WINDOW, self._reached)
                batch = self._handed(before, high) or await self.read(before.seq, high)
                if self.head is not before:
                    break  # reset meanwhile
                self.head = Head(before.room_id, high, before.epoch)
                self._reads.clear()
                # What came while it was being read, too.
                self._written = {seq: one for seq, one in self._written.items() if seq > high}
                began = self._bell.loop.time()
                for reader in list(self.live):
                    reader.offer(batch)
                took += self._bell.loop.time() - began
                self._stop_typing(batch)
        return took

    def _handed(self, head: Head, high: int) -> Batch | None:
        """Return what lies between, if all of it was written here."""
        found = [self._written.get(seq) for seq in range(head.seq + 1, high + 1)]
        entries = [entry for entry in found if entry is not None]
        return Batch(self.room, entries, high, head.epoch) if len(entries) == len(found) else None

    async def _once(
        self, span: tuple[int, int], read: Callable[[], Coroutine[Any, Any, Any]]
    ) -> Any:
        """Return the answer, read once for a storm of readers who come back with one cursor.

        Kept only until the room moves on: then a message may have changed, or been deleted.
        """
        task = self._reads.get(span)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._reads[span] = asyncio.ensure_future(read())
            # Whoever asked may be gone when it fails: nobody is left to hear of it then.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            if len(self._reads) > KEPT_READS:
                del self._reads[next(iter(self._reads))]
        return await asyncio.shield(task)

    async def _newest(self, head: Head) -> str:
        messages = await database.read(log.page, head.room_id, head.seq)
        return fragments.whole(self.room, messages, f"{head.seq}.{head.epoch}")

    async def _read(self, low: int, high: int) -> Batch:
        head = self.head
        found = await database.read(log.after, head.room_id, low, high) if head.room_id else []
        return Batch(self.room, found, high, head.epoch)

    def _hear(self, news: News) -> None:
        if news["type"] == "room.rang":
            written = (entry for entry in news.get("written", ()) if entry.seq > self.head.seq >= 0)
            self._written.update((entry.seq, entry) for entry in written)
            self.reach(news["seq"])
        elif news["type"] == "room.typing":
            self._typists.begin(news["tag"], news["typist"], self._bell.loop.time())
            self._tell_typing(frames.encode(frames.typing(self.room, news["typist"])))
            self._later(typists.LASTS, self._expire_typing)

    def _stop_typing(self, batch: Batch) -> None:
        if self._typists.end({tag_of(entry.message.identity) for entry in batch.entries}):
            self._tell_typing("")

    def _expire_typing(self) -> None:
        if self._typists.expire(self._bell.loop.time()):
            self._tell_typing("")

    def _tell_typing(self, frame: str) -> None:
        self._tell("typing", fragments.typing(self._typists.shown()), frame)

    def _people_changed(self) -> None:
        if not self._gathering:
            self._gathering = True
            seconds = max(PRESENCE_SECONDS, len(self.readers) * PRESENCE_SECONDS_EACH)
            self._later(seconds, self._tell_people)

    def _tell_people(self) -> None:
        self._gathering = False
        people = self._presence.here(self.room)
        if people != self._people:
            self._people = people
            frame = frames.encode(frames.presence(self.room, people.values()))
            self._tell("presence.changed", fragments.here(len(people)), frame)

    def _tell(self, kind: str, fragment: str, frame: str) -> None:
        shown, said = Texts([fragment]), Texts([frame] if frame else ())
        for reader in list(self.live):
            reader.tell(kind, shown, said)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        def act() -> None:
            self._timers.discard(timer)
            action()

        timer = self._bell.loop.call_later(seconds, act)
        self._timers.add(timer)
