"""Tools that only read: one drops and resumes, one stops reading for a while, 300 come at once."""

import asyncio
import json
import sys
from random import Random
from typing import Any, Literal

from tests.faults.connection import BROKEN, RETRY_SECONDS, connection
from tests.faults.records import Reading, Records, Sight

Habit = Literal["stays", "drops", "stops"]

# What a reader without pings takes for a dead connection.
_SILENCE_SECONDS = 4
_STORM = 300
_STORM_READS_SECONDS = 3


class Reader:
    """Reads one room from its beginning, along as many sockets as it takes."""

    def __init__(
        self, front: str, room: str, who: str, habit: Habit, events: str, dice: Random
    ) -> None:
        self.reading = Reading(who, room, hears_changes=events == "all")
        self.cursor = 0
        self._front, self._events = front, events
        self._habit, self._dice = habit, dice
        self._epoch = ""

    async def run(self, end: asyncio.Event) -> None:
        """Read until cancelled; after the end it drops and stops no more."""
        while True:
            try:
                await self._read(end)
            except BROKEN:
                await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, end: asyncio.Event) -> None:
        self.reading.is_live = False
        options = {"after": self.cursor, "events": self._events}
        if self._epoch:
            options["epoch"] = self._epoch
        stops = self._habit == "stops" and not end.is_set()
        async with connection(self._front, self.reading.room, stops=stops, **options) as socket:
            clock = asyncio.get_running_loop().time
            until = clock() + self._dice.uniform(1, 6)
            while True:
                async with asyncio.timeout(_SILENCE_SECONDS if stops else None):
                    text = await socket.recv()
                self._take(json.loads(text))
                if clock() > until and not end.is_set():
                    if self._habit == "drops":
                        return
                    if stops:
                        await asyncio.sleep(self._dice.uniform(3, 6))
                        until = clock() + self._dice.uniform(1, 6)

    def _take(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind.startswith("message."):
            self.reading.sights.append(_sight(frame))
            self.cursor = frame["seq"]
        elif kind == "hello":
            self._epoch = frame["epoch"]
        elif kind == "live":
            self.cursor = frame["seq"]
            self.reading.is_live = True
        elif kind == "reset":
            self.reading.resets += 1


async def storm(front: str, room: str, cursor: int, records: Records) -> int:
    """Let 300 sockets join at one cursor at once and read for a moment; how many got in."""
    readings = [
        Reading(f"socket {n} of a storm", room, False, cursor, stays=False) for n in range(_STORM)
    ]
    joined = await asyncio.gather(*(_visit(front, reading) for reading in readings))
    records.readings += readings
    return sum(joined)


async def _visit(front: str, reading: Reading) -> bool:
    try:
        async with (
            connection(front, reading.room, after=reading.after) as socket,
            asyncio.timeout(_STORM_READS_SECONDS),
        ):
            while True:
                frame = json.loads(await socket.recv())
                if frame["type"] == "message.posted":
                    reading.sights.append(_sight(frame))
                reading.is_live |= frame["type"] == "live"
    except BROKEN:
        return reading.is_live


def _sight(frame: dict[str, Any]) -> Sight:
    text = frame.get("message")
    # All readers are told the same texts, for a long time.
    return Sight(
        frame["seq"], frame["type"], frame["number"], None if text is None else sys.intern(text)
    )
