"""A room's page in a real browser, and the time of its main thread."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self

from playwright.async_api import Browser, CDPSession, Page

_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.05
# A message fades in for 160 ms, which is a part of what it costs.
_REST_SECONDS = 0.4


class Tab:
    """One page in a browser.

    Its main thread's time is the processor's, not the clock's: the machine is shared.
    """

    def __init__(self, page: Page, tools: CDPSession) -> None:
        self._page = page
        self._tools = tools

    @classmethod
    async def open(cls, browser: Browser, address: str) -> Self:
        """Open the address as somebody new, and wait until the page is live."""
        page = await (await browser.new_context()).new_page()
        tools = await page.context.new_cdp_session(page)
        await tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        await page.goto(address)
        await page.wait_for_selector("#status.on-air", timeout=_PATIENCE_SECONDS * 1000)
        return cls(page, tools)

    async def close(self) -> None:
        """Close it."""
        await self._page.context.close()

    async def shows(self, number: int) -> None:
        """Wait until message `number` is there. Raises TimeoutError."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                if await self.ask(f"document.getElementById('m{number}') !== null"):
                    return
                await asyncio.sleep(_LOOK_SECONDS)

    async def busy(self, work: Callable[[], Awaitable[Any]], number: int) -> float:
        """Return the milliseconds of main thread that it takes until message `number` is there."""
        await asyncio.sleep(_REST_SECONDS)  # what was done before has to be drawn, too
        before = await self._time()
        await work()
        await asyncio.sleep(_REST_SECONDS)
        await self.shows(number)
        return await self._time() - before

    async def ask(self, expression: str) -> Any:
        """Return what a line of JavaScript gives; the page's own policy would not let it run."""
        answer = await self._tools.send(
            "Runtime.evaluate", {"expression": expression, "returnByValue": True}
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def _time(self) -> float:
        told = await self._tools.send("Performance.getMetrics")
        [seconds] = [one["value"] for one in told["metrics"] if one["name"] == "TaskDuration"]
        return float(seconds) * 1000
