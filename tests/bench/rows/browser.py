"""Messages that come into a long log, in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser

from tests.bench.crowd import Crowd
from tests.bench.knobs import Knobs
from tests.bench.posters import post
from tests.bench.rivals import Ours
from tests.bench.tab import Tab
from tests.bench.table import Goal, Row, Values, medians

_POSTERS = 50
# So many that the page never falls behind: then its list would be replaced by a short one.
_AT_ONCE = 100
_TURNS = 3  # of one message, for each turn of many
OURS, BARE = "Rooms", "insertAdjacentHTML"
# The same elements once more, given to the browser's own parser and nothing around it.
_TAKE = """
taken = [...document.querySelectorAll('#lists .message')].slice(-{number});
copies = taken.map(item => item.outerHTML).join('');
taken.forEach(item => item.remove());
"""
_PUT = "document.querySelector('#lists > ol:last-child').insertAdjacentHTML('beforeend', copies)"


async def browser(server: Ours, chromium: Browser, knobs: Knobs) -> list[Row]:
    """Measure as many that come at once as are there, and one that comes where very many are."""
    some = knobs.log // 10
    many = await _measure(server, chromium, "some", some, some, knobs.repeat)
    one = await _measure(server, chromium, "long", knobs.log, 1, knobs.repeat * _TURNS)
    return [
        _row(f"{some:,} messages into a log of {some:,}", many, 1000),
        _row(f"one message into a log of {knobs.log:,}", one, 5),
    ]


def _row(what: str, found: Values, most: float) -> Row:
    cost = medians(found)
    unit = "ms of the browser's main thread"
    return Row(f"browser, {what}", unit, cost, [Goal(OURS, cost[OURS], "at most", most)])


async def _measure(
    server: Ours, chromium: Browser, name: str, log: int, more: int, repeat: int
) -> Values:
    found: Values = {OURS: [], BARE: []}
    async with _scene(server, chromium, name) as scene:
        await scene.fill(log)
        for _ in range(repeat):
            found[OURS].append(await scene.tab.busy(lambda: scene.say(more), scene.number + more))
            await scene.tab.ask(_TAKE.format(number=more))
            found[BARE].append(await scene.tab.busy(lambda: scene.tab.ask(_PUT), scene.number))
            await scene.tab.ask(_TAKE.format(number=more))
            await scene.check(log)
    return found


@dataclass
class _Scene:
    tab: Tab
    writers: Crowd
    padding: int
    number: int = 0

    async def say(self, number: int) -> None:
        """Post so many messages at once."""
        for turn in range(number):
            post(self.writers.seats[turn % _POSTERS], self.padding)
        self.number += number

    async def fill(self, number: int) -> None:
        """Let so many messages come, as a reader who was there all the time would hold them."""
        while self.number < number:
            await self.say(min(_AT_ONCE, number - self.number))
            await self.tab.shows(self.number)

    async def check(self, number: int) -> None:
        """Raise RuntimeError unless the log holds as many as it is measured for."""
        shown = await self.tab.ask("document.querySelectorAll('#lists .message').length")
        if shown != number:
            raise RuntimeError(f"{shown} messages in a log of {number}")


@asynccontextmanager
async def _scene(server: Ours, chromium: Browser, room: str) -> AsyncIterator[_Scene]:
    tab = await Tab.open(chromium, f"{server.url}/chat/{room}/")
    try:
        async with Crowd(Ours.marks) as writers:
            await writers.join(f"{server.address(room)}?events=deleted", _POSTERS)
            yield _Scene(tab, writers, server.padding)
    finally:
        await tab.close()
