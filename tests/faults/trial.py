"""One run in one world: everybody acts, things break, all is healed, and the records are closed."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random

from playwright.async_api import Browser, async_playwright

from tests.faults import faults
from tests.faults.faults import CONNECTIONS, NEEDS, Fault
from tests.faults.page import RoomPage
from tests.faults.poster import Poster
from tests.faults.reader import Habit, Reader, storm
from tests.faults.records import Records
from tests.faults.world import Name, World, world
from tests.services import Rooms
from tests.services.chromium import alaunch

# Pages are open in the lobby, where people write; in the other room tools talk.
_ROOMS = LOBBY, BUSY = "lobby", "busy"
_POSTERS = (("ada", LOBBY), ("ben", LOBBY), ("cleo", BUSY), ("dan", BUSY), ("eve", BUSY))
_HABITS: tuple[Habit, ...] = ("stays", "drops", "drops", "stops")
_PAGES = ("alice", "bob")
_STORM_EVERY = 20

_SETTLE_SECONDS = 45
# What a process may need to finish, once all have what they wait for.
_QUIET_SECONDS = 1.5

# The faults that matter to each rule of the design, and where.
SABOTAGED: dict[int, tuple[Name, frozenset[str]]] = {
    1: ("single", frozenset({"server killed"})),
    2: ("several", frozenset()),
    3: ("single", frozenset({"rings dropped", "rings doubled"})),
    4: ("single", frozenset()),
}


async def trial(
    name: Name,
    seconds: float,
    seed: str,
    only: Collection[str] = (),
    without: int | None = None,
) -> Records:
    """Run for so many seconds and return what was seen; `only` names the faults, if not all.

    Without a rule of the design, only the faults that matter to it happen, and no pages are open.
    """
    if without is not None:
        only = SABOTAGED[without][1]
    records = Records()
    async with world(name, without) as broken, AsyncExitStack() as audience:
        pages: list[RoomPage] = []
        browser: Browser | None = None
        if without is None:
            browser = await audience.enter_async_context(_chromium())
            pages = [
                await RoomPage(broken.front.url, LOBBY, who, records).open(browser)
                for who in _PAGES
            ]
        watch = await audience.enter_async_context(_running(_watch_memory(broken, records)))
        drawn = [fault for fault in faults.of(name) if fault.kind in only or not (only or without)]
        play = _Play(broken, records, pages, Random(f"{seed} {name}"), seconds, drawn)
        readers = await play.run(audience)
        await asyncio.gather(*(page.settle() for page in pages))
        await _settle(broken, readers, _SETTLE_SECONDS if without is None else 4)
        records.rows = {room: broken.rows(room) for room in _ROOMS}
        records.readings += [replace(reader.reading) for reader in readers]
        if browser is not None:
            head = _head(broken, LOBBY)[0]
            records.showings = [await page.show(browser, head) for page in pages]
        watch.cancel()
        records.complaints += broken.complaints
        records.logs = {_called(broken, server): server.log() for server in broken.servers}
    return records


class _Play:
    def __init__(
        self,
        broken: World,
        records: Records,
        pages: list[RoomPage],
        dice: Random,
        seconds: float,
        drawn: list[Fault],
    ) -> None:
        self._world, self._records, self._pages = broken, records, pages
        self._dice, self._seconds, self._drawn = dice, seconds, drawn
        self._end = asyncio.Event()

    async def run(self, audience: AsyncExitStack) -> list[Reader]:
        """Act and break for the seconds, heal; returns the readers, who go on reading."""
        front = self._world.front.ws
        readers = [
            Reader(front, room, f"{habit} {n} in {room}, {events}", habit, events, self._fork())
            for room in _ROOMS
            for events in ("all", "posted")
            for n, habit in enumerate(_HABITS)
        ]
        for reader in readers:
            await audience.enter_async_context(_running(reader.run(self._end)))
        async with asyncio.TaskGroup() as acting:
            for name, room in _POSTERS:
                poster = Poster(front, room, name, room == BUSY, self._fork(), self._records)
                acting.create_task(poster.run(self._end))
            if self._pages:
                acting.create_task(self._pages[0].type(self._fork(), self._end))
            lanes = [
                acting.create_task(self._break([f for f in self._drawn if f.lane == lane]))
                for lane in (CONNECTIONS, NEEDS)
            ]
            if self._pages:
                lanes.append(acting.create_task(self._storm(readers[0])))
            await asyncio.wait(lanes)
            self._end.set()
        return readers

    def _fork(self) -> Random:
        # Everybody has dice of their own: the faults do not depend on who comes first.
        return Random(self._dice.random())

    async def _break(self, kinds: list[Fault]) -> None:
        dice = self._fork()
        clock = asyncio.get_running_loop().time
        until = clock() + self._seconds
        for fault in faults.drawn(kinds, dice):
            await asyncio.sleep(min(dice.uniform(0.5, 2.5), max(until - clock(), 0)))
            low, high = fault.seconds
            # Short runs have short faults, or they would have few.
            high = min(high, max(low, self._seconds / 8))
            lasts = dice.uniform(min(low, high), high)
            if clock() + lasts > until:
                break
            self._records.faults.append(fault.kind)
            async with fault.strike(self._world, dice):
                await asyncio.sleep(lasts)
            if fault.kind == "all connections half-open":
                await asyncio.gather(*(page.hasten() for page in self._pages))
        await asyncio.sleep(max(until - clock(), 0))

    async def _storm(self, reader: Reader) -> None:
        for _ in range(int(self._seconds / _STORM_EVERY)):
            await asyncio.sleep(self._dice.uniform(0.2, 0.7) * _STORM_EVERY)
            self._records.faults.append("storm of 300 sockets")
            await storm(self._world.front.ws, LOBBY, reader.cursor, self._records)


async def _settle(broken: World, readers: list[Reader], seconds: float) -> None:
    """Wait until every reader has what is stored; whoever has not in time is for the judge."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            heads: dict[str, tuple[int, int]] = {}
            while True:
                found = {room: await asyncio.to_thread(_head, broken, room) for room in _ROOMS}
                if found == heads and all(_is_there(reader, heads) for reader in readers):
                    break
                heads = found
                await asyncio.sleep(_QUIET_SECONDS)


def _head(broken: World, room: str) -> tuple[int, int]:
    """Return the last entry, and the last of those that every reader is told of."""
    rows = broken.rows(room)
    posted = (row.posted_seq for row in rows if row.text is not None)
    return max((row.seq for row in rows), default=0), max(posted, default=0)


def _is_there(reader: Reader, heads: dict[str, tuple[int, int]]) -> bool:
    # Who hears of posts alone cannot know that a change was the last entry.
    head, posted = heads[reader.reading.room]
    wanted = head if reader.reading.hears_changes else posted
    return reader.reading.is_live and reader.cursor >= wanted


async def _watch_memory(broken: World, records: Records) -> None:
    while True:
        for server in broken.servers:
            if server.is_running:
                name = _called(broken, server)
                records.memory[name] = max(records.memory.get(name, 0), _resident(server.pid))
        await asyncio.sleep(1)


def _called(broken: World, server: Rooms) -> str:
    return f"server {broken.servers.index(server) + 1} of {broken.name}"


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:  # it was killed just now
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await alaunch(playwright)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def _running(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
