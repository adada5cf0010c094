"""People in front of browsers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.services import Rooms

expect.set_options(timeout=10_000)

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    """A server where nobody is too fast."""
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


@pytest.fixture
def visit(browser: Browser, rooms: Rooms) -> Iterator[Visit]:
    """Open a page of the server as somebody new, with a clean console at the end.

    What it `misses`, a part of an address, may be refused to it; who `complains` is not judged.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def take(message: ConsoleMessage, misses: str) -> None:
        url = message.location["url"]
        is_forgiven = misses and misses in url and message.text.endswith("ERR_CONNECTION_REFUSED")
        if not is_forgiven:
            complaints.append(f"{message.text} ({url})")

    def open_page(path: str, complains: bool = False, misses: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        if not complains:
            page.on("console", lambda message: take(message, misses))
            page.on("pageerror", lambda error: complaints.append(str(error)))
        # Without script the live log loads for ever.
        page.goto(rooms.url + path, wait_until="domcontentloaded")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def live(page: Page) -> Page:
    """Return the page once its socket is live."""
    expect(page.locator("#status")).to_have_text("Live")
    return page


def say(page: Page, text: str) -> None:
    """Type a text and press Enter; return when the next field is there."""
    forms = page.locator("#composer > form")
    before = forms.count()
    page.locator("#composer > form:last-child > .text").fill(text)
    page.keyboard.press("Enter")
    page.wait_for_function(
        "before => document.querySelectorAll('#composer > form').length > before"
        " || document.querySelector('#composer > form:last-child > .text').value === ''",
        arg=before,
    )


def texts(page: Page) -> list[str]:
    """Return what the messages of the log say, in order."""
    return page.locator("#log .message .body").all_inner_texts()


def fill(rooms: Rooms, room: str, count: int) -> None:
    """Put messages into a room, three in a row from each of two people."""
    rooms.manage(
        "shell",
        "--command",
        "from rooms import posting; from rooms.authors import Author\n"
        f"for n in range({count}):\n"
        f"    posting.post_message({room!r}, Author(f'name:{{n // 3 % 2}}', f'bob {{n // 3 % 2}}'),"
        " f'message {n}, of some length, as people write them')",
    )
