"""How the pages look: for everybody, at every size, and without moving under one's eyes."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit, live, say
from tests.services import Rooms

_PAGES = {
    "picker": "",
    "room, empty": "nobody/",
    "room, full": "full/",
    "archive": "full/?before=60",
    "message": "full/30/",
    "name": "full/name/",
    "people": "full/people/",
}
# The second is a desktop's 1440x900 at 200 %.
_SIZES = {"phone": (390, 844), "zoomed": (720, 450)}

_FILL = r"""
from rooms import posting
from rooms.authors import named_tool

hostile = [
    "x" * 400, "שלום לכולם, what is this?", "H" + "\u0337\u0321\u031b" * 900 + "i",
    "\u202eturned around", "lorem ipsum " * 300, "https://example.org/" + "a" * 300,
]
for number in range(120):
    text = hostile[number // 2 % len(hostile)] if number % 2 else f"Message {number}"
    posting.post_message("full", named_tool("W" * 28 + f"{number:04}"), text)
"""

Look = Callable[..., Page]


@pytest.fixture(scope="module")
def full(rooms: Rooms) -> Rooms:
    """The server, with a room full of hostile texts and wide names."""
    rooms.manage("shell", stdin=_FILL)
    return rooms


@pytest.fixture
def look(visit: Visit, full: Rooms) -> Look:
    """Open a page, live if it can be, with nothing under way that a measure would meet."""

    def look(path: str, size: tuple[int, int] = (1440, 900), scheme: str = "light") -> Page:
        viewport = {"width": size[0], "height": size[1]}
        page = visit(
            f"/chat/{path}", viewport=viewport, color_scheme=scheme, reduced_motion="reduce"
        )
        return live(page) if page.locator("#status").count() else page

    return look


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", _PAGES.values(), ids=_PAGES)
def test_axe_finds_nothing(look: Look, path: str, scheme: str) -> None:
    found = Axe().run(look(path, scheme=scheme))
    assert not found.response["violations"], found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_further_up_in_a_log(look: Look, scheme: str) -> None:
    page = look("full/", scheme=scheme)
    page.locator("#log").evaluate("log => log.scrollBy(0, -900)")
    expect(page.get_by_role("link", name="Newest messages")).to_be_visible()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


@pytest.mark.parametrize("size", _SIZES.values(), ids=_SIZES)
@pytest.mark.parametrize("path", _PAGES.values(), ids=_PAGES)
def test_nothing_is_wider_than_the_window(look: Look, path: str, size: tuple[int, int]) -> None:
    page = look(path, size=size)
    for scroller in ("html", "#log, html"):
        box = page.locator(scroller).last
        assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0


def test_the_log_starts_at_its_end_and_stays_there(look: Look) -> None:
    reader, writer = look("full/"), look("full/")
    assert _to_the_end(reader) < 1
    say(writer, "news for those at the end")
    expect(reader.get_by_text("news for those at the end")).to_be_in_viewport()
    assert _to_the_end(reader) < 1


def test_the_log_does_not_move_while_one_reads_further_up(look: Look) -> None:
    reader, writer = look("full/"), look("full/")
    reader.locator("#log").evaluate("log => log.scrollBy(0, -900)")
    read = reader.locator(f"#{_first_in_view(reader)}")
    before = _end(read)
    for number in range(5):
        say(writer, f"news for nobody, {number}")
    expect(reader.get_by_text("news for nobody, 4")).to_be_attached()
    # Scroll positions are whole device pixels, heights of lines are not.
    assert abs(_end(read) - before) < 1


def test_older_messages_come_without_moving_what_one_reads(look: Look) -> None:
    reader = look("full/")
    messages = reader.locator("#lists .message")
    shown = messages.count()
    read = reader.locator(f"#{messages.first.get_attribute('id')}")
    # Measured in the same breath: the scrolling is what brings them.
    before = read.evaluate(
        "item => { item.closest('.log').scrollTo(0, -1e6);"
        " return item.getBoundingClientRect().bottom }"
    )
    expect(messages).not_to_have_count(shown)
    assert abs(_end(read) - before) < 1


def test_the_heartbeat_runs_when_no_motion_is_wanted(look: Look) -> None:
    page = look("full/")
    running = page.locator("#beat").evaluate("beat => beat.getAnimations().length")
    assert running == 1


def test_a_page_in_which_nothing_happens_lets_the_browser_rest(look: Look) -> None:
    page = look("full/")
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")

    def drawn() -> int:
        told = tools.send("Performance.getMetrics")["metrics"]
        return int(next(one["value"] for one in told if one["name"] == "RecalcStyleCount"))

    page.wait_for_timeout(500)  # what appeared has faded in
    before = drawn()
    page.wait_for_timeout(1000)
    # A frame of the socket may come meanwhile, sixty of the screen must not.
    assert drawn() - before < 10


# Private


def _first_in_view(page: Page) -> str:
    return str(
        page.locator("#lists .message").evaluate_all(
            "items => items.find(item => item.getBoundingClientRect().top > 60).id"
        )
    )


def _to_the_end(page: Page) -> float:
    return float(page.locator("#log").evaluate("log => Math.abs(log.scrollTop)"))


def _end(message: Locator) -> float:
    # Not its top: a message that is first no longer loses its day above what is read.
    return float(message.evaluate("item => item.getBoundingClientRect().bottom"))
