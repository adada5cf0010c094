import asyncio
import json
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Dialog, Page, Request, expect

from rooms.errors import Refused
from rooms.forms import clean_message
from rooms.names import display_name
from tests.browser.conftest import Visit, live, visit
from tests.fuzz.strings import NAUGHTY, VECTORS
from tests.services import Rooms
from tests.tool import new_room, tool

__all__ = ["visit"]

SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**9)
TIMES = int(os.environ.get("TIMES", "1"))
# All of both lists take a minute.
COUNT = 300 * TIMES

_TOPICS = """
import json, sys
from rooms.models import Room
for name, topic in json.load(sys.stdin).items():
    Room.objects.create(name=name, topic=topic)
"""
_SHOWN = """() => [...document.querySelectorAll("#log .message .body, .list .message .body")]
    .filter((body, at, all) => all.indexOf(body) === at)
    .map(body => {
        const copy = body.cloneNode(true);
        copy.querySelectorAll("br").forEach(line => line.replaceWith("\\n"));
        return copy.textContent;
    })"""
_TAGS = """() => [...document.querySelectorAll(".message .body *, .message bdi *, .topic *")]
    .map(element => element.tagName)"""
_LINKS = """() => [...document.querySelectorAll(".message .body a")].map(link => link.protocol)"""


@pytest.fixture
def hostile() -> list[str]:
    """Some of the strings that a message may be."""
    chosen = random.Random(SEED)
    strings = [text for text in [*NAUGHTY, *VECTORS] if _is_message(text)]
    return chosen.sample(strings, min(COUNT, len(strings)))


@pytest.fixture
def page(visit: Visit, rooms: Rooms) -> Iterator[Page]:
    """A page in which nothing may happen but what we do."""
    events: list[str] = []

    def dialog(opened: Dialog) -> None:
        events.append(f"a dialog: {opened.message}")
        opened.dismiss()

    def asked(request: Request) -> None:
        own = request.url.startswith((rooms.url, rooms.ws))
        if not own or (request.resource_type == "image" and "/icon." not in request.url):
            events.append(f"a request: {request.url}")

    found = visit("/chat/")
    found.on("dialog", dialog)
    found.on("request", asked)
    found.on("popup", lambda popup: events.append(f"a window: {popup.url}"))
    yield found
    assert events == [], f"SEED={SEED}"


def test_hostile_messages_are_shown_as_typed_and_do_nothing(
    page: Page, rooms: Rooms, hostile: list[str]
) -> None:
    room = new_room()
    page.goto(f"{rooms.url}/chat/{room}/")
    live(page)
    # A page that misses too much at once gets its list replaced, as it should.
    for start in range(0, len(hostile), 100):
        some = hostile[start : start + 100]
        post(rooms, room, some)
        expect(page.locator(f"#m{start + len(some)}")).to_be_attached()
    assert page.evaluate(_SHOWN) == hostile, f"pushed, SEED={SEED}"
    is_inert(page)
    for last in range(len(hostile), 0, -50):
        page.goto(f"{rooms.url}/chat/{room}/?before={last + 1}")
        assert page.evaluate(_SHOWN) == hostile[max(last - 50, 0) : last], f"SEED={SEED}"
        is_inert(page)


def test_hostile_names_and_topics_are_shown_as_typed_and_do_nothing(
    page: Page, rooms: Rooms, hostile: list[str]
) -> None:
    room = new_room()
    names = sorted({text for text in [*NAUGHTY, *VECTORS] if _is_name(text)})
    names = random.Random(SEED).sample(names, min(20 * TIMES, len(names)))
    topics = {f"{room}-{at}": text[:200] for at, text in enumerate(hostile[:40])}
    rooms.manage("shell", "--command", _TOPICS, stdin=json.dumps(topics))
    page.goto(f"{rooms.url}/chat/{room}/")
    live(page)
    for name in names:
        post(rooms, room, ["hello"], name=name)
    expect(page.locator(f"#m{len(names)}")).to_be_attached()
    assert page.locator(".message .by bdi").all_text_contents() == names, f"SEED={SEED}"
    page.goto(f"{rooms.url}/chat/{room}/")
    assert page.locator(".message .by bdi").all_text_contents() == names[-50:], f"SEED={SEED}"
    is_inert(page)
    page.goto(f"{rooms.url}/chat/")
    assert set(page.locator("bdi.topic").all_text_contents()) >= set(topics.values())
    is_inert(page)
    for name, topic in list(topics.items())[:5]:
        page.goto(f"{rooms.url}/chat/{name}/")
        assert page.locator(".head .topic").text_content() == topic
        is_inert(page)


def is_inert(page: Page) -> None:
    """Hold that nothing in the log is an element that was not ours."""
    assert set(page.evaluate(_TAGS)) <= {"P", "BR", "A"}, f"SEED={SEED}"
    assert set(page.evaluate(_LINKS)) <= {"http:", "https:", "mailto:"}, f"SEED={SEED}"


def post(rooms: Rooms, room: str, texts: list[str], **options: object) -> None:
    """Post the texts in order, from a thread: the browser's event loop stays in this one."""

    async def all_of_them() -> None:
        async with tool(rooms, room, headers=None, **options) as sender:
            for text in texts:
                await sender.send(message=text)
            await sender.send(message="", id="last")
            await sender.until("error", id="last")

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, all_of_them()).result()


def _is_message(text: str) -> bool:
    try:
        return clean_message(text) == text
    except Refused:
        return False


def _is_name(text: str) -> bool:
    try:
        return display_name(text) == text
    except Refused:
        return False
