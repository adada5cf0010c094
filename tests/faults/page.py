"""A page of a room in a real Chromium; somebody may type there."""

import asyncio
import re
from collections.abc import Awaitable
from random import Random

from playwright.async_api import Browser, Error, Page, expect

from tests.faults.connection import pause
from tests.faults.records import Item, Records, Showing

# What makes a page look as it does; htmx adds classes of its own for a moment.
_ITEMS = """
all => all.map(one => [
  +one.id.slice(1),
  one.querySelector('.body').textContent,
  [...one.classList].filter(name => !name.startsWith('htmx')).sort().join(' ')
    + ' | ' + one.querySelector('.by').textContent + ' | ' + one.querySelector('.meta').textContent,
])
"""
# The dead-man's switch, 25 s after the last beat: nobody needs to wait for it.
_HASTEN = "beat => beat.getAnimations().forEach(one => one.currentTime = 24_900)"
_MILLISECONDS = 30_000

expect.set_options(timeout=_MILLISECONDS)


class RoomPage:
    """Somebody's page, open all the time."""

    def __init__(self, url: str, room: str, who: str, records: Records) -> None:
        self.who = who
        self._room, self._url = room, f"{url}/chat/{room}/"
        self._records = records
        self._page: Page

    async def open(self, browser: Browser) -> "RoomPage":
        """Open it as somebody new; returns the page once it is live."""
        context = await browser.new_context()
        self._page = await context.new_page()
        self._page.on("pageerror", self._complain)
        await self._page.goto(self._url, wait_until="domcontentloaded", timeout=_MILLISECONDS)
        await self.settle()
        return self

    async def type(self, dice: Random, end: asyncio.Event) -> None:
        """Type a message now and then, whatever the page says of its connection."""
        count = 0
        while not end.is_set():
            count += 1
            text = f"{self.who} types {count}"
            await self._page.locator("#composer > form:last-child > .text").fill(text)
            await self._page.keyboard.press("Enter")
            self._records.typed.append((self._room, text))
            await pause(dice.uniform(0.5, 3), end)

    async def hasten(self) -> None:
        """Let the page doubt its connection now rather than in a while."""
        try:
            await self._page.locator("#beat").evaluate(_HASTEN, timeout=1_000)
        except Error:  # it is being replaced: the page doubts already
            return

    async def settle(self) -> None:
        """Wait until it is live and nothing that was typed is pending."""
        await self._wait(expect(self._page.locator("#status")).to_have_text("Live"))
        await self._wait(expect(self._page.locator("#composer > form")).to_have_count(1))

    async def items(self) -> list[Item]:
        """Return the messages that it shows, in its order."""
        found = await self._page.locator("#log .message").evaluate_all(_ITEMS)
        return [Item(int(number), str(text), str(look)) for number, text, look in found]

    async def show(self, browser: Browser, head: int) -> Showing:
        """Return what it shows at the room's head, beside what a fresh page shows."""
        reached = re.compile(rf"{head}\.")
        await self._wait(expect(self._page.locator("#cursor")).to_have_value(reached))
        fresh = await RoomPage(self._url.split("/chat/")[0], self._room, "a fresh page",
                               self._records).open(browser)  # fmt: skip
        return Showing(self.who, self._room, await self.items(), await fresh.items())

    async def _wait(self, expected: Awaitable[None]) -> None:
        try:
            await expected
        except AssertionError as error:
            said = " ".join(str(error).split())
            self._records.complaints.append(f"{self.who} does not come to rest: {said}")

    def _complain(self, error: Error) -> None:
        self._records.complaints.append(f"{self.who} has an error in its console: {error}")
