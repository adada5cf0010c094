"""Two processes are restarted one after the other, while people talk."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from playwright.async_api import Page, async_playwright

from tests.faults.page import RoomPage
from tests.faults.poster import Poster
from tests.faults.records import Records
from tests.faults.world import world
from tests.services.chromium import alaunch

pytestmark = [pytest.mark.services, pytest.mark.browser]

# A page tries again after 3 s at the latest, and a busy machine takes its time.
AWAY_SECONDS = 5.0


def test_a_rolling_restart_is_no_more_than_a_reconnect() -> None:
    # In a thread of its own: in this one Playwright's event loop may run already.
    with ThreadPoolExecutor(1) as beside:
        beside.submit(asyncio.run, _restart_one_after_the_other()).result()


async def _restart_one_after_the_other() -> None:
    records, end = Records(), asyncio.Event()
    async with world("several") as rolling, async_playwright() as playwright:
        browser = await alaunch(playwright)
        alice = await RoomPage(rolling.front.url, "lobby", "alice", records).open(browser)
        watching = asyncio.create_task(_longest_away(alice._page, end))
        posters = [
            asyncio.create_task(
                Poster(rolling.front.ws, "lobby", name, False, Random(name), records).run(end)
            )
            for name in ("ada", "ben", "cleo")
        ]
        typing = asyncio.create_task(alice.type(Random("alice"), end))
        for server in rolling.servers:
            await asyncio.sleep(2)
            await asyncio.to_thread(server.restart)
        await asyncio.sleep(2)
        end.set()
        await asyncio.gather(*posters, typing)
        away = await watching
        await alice.settle()

        rows = rolling.rows("lobby")
        ids = Counter((row.identity, row.client_id) for row in rows)
        assert set(ids.values()) == {1}
        assert all(wish.is_acknowledged for wish in records.wishes)
        assert {(wish.identity, wish.client_id) for wish in records.wishes} <= set(ids)
        assert {text for _, text in records.typed} <= {row.text for row in rows}
        shown = await alice.show(browser, max(row.seq for row in rows))
        assert shown.items[-len(shown.fresh) :] == shown.fresh
        assert records.complaints == []
        assert away < AWAY_SECONDS
        for server in rolling.servers:
            assert "ERROR" not in server.log()
        await browser.close()


async def _longest_away(page: Page, end: asyncio.Event) -> float:
    """Return the longest time, in seconds, for which the page was not live."""
    clock = asyncio.get_running_loop().time
    longest, since = 0.0, clock()
    while not end.is_set():
        if await page.locator("#status").text_content() == "Live":
            since = clock()
        longest = max(longest, clock() - since)
        await asyncio.sleep(0.05)
    return longest
