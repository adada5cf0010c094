"""How a reader further up in the log comes back to its end."""

import json

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from websockets.sync.client import connect

from tests.browser.conftest import Visit, fill, live, say
from tests.services import Rooms

_SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
_LINK = "Newest messages"


@pytest.mark.parametrize("size", _SIZES.values(), ids=_SIZES)
def test_ones_own_message_takes_one_to_the_end_and_the_log_stays_there(
    visit: Visit, rooms: Rooms, size: ViewportSize
) -> None:
    room = f"own-{size['width']}"
    fill(rooms, room, 60)
    alice = live(visit(f"/chat/{room}/", viewport=size))
    with connect(f"{rooms.ws}/ws/chat/{room}/?events=deleted", proxy=None) as bob:
        for number in range(10):
            _read(alice, 100 + 150 * number)
            # In one breath, so that some come before the browser has drawn its new place.
            alice.locator("#composer .text").last.fill(f"own {number}")
            alice.keyboard.press("Enter")
            bob.send(json.dumps({"message": f"meanwhile {number}"}))
            expect(alice.locator(".message .body", has_text=f"own {number}")).to_be_attached()
            expect(alice.locator(".message .body", has_text=f"meanwhile {number}")).to_be_attached()
            bob.send(json.dumps({"message": f"more {number}"}))
            _sees(alice, f"more {number}")
            expect(alice.locator("#composer .text")).to_be_focused()


@pytest.mark.parametrize("size", _SIZES.values(), ids=_SIZES)
def test_the_link_to_the_newest_leads_to_the_end_and_the_log_stays_there(
    visit: Visit, rooms: Rooms, size: ViewportSize
) -> None:
    room = f"link-{size['width']}"
    fill(rooms, room, 60)
    alice = live(visit(f"/chat/{room}/", viewport=size))
    bob = live(visit(f"/chat/{room}/"))
    link = alice.get_by_role("link", name=_LINK)
    for number in range(10):
        _read(alice, 100 + 150 * number)
        link.click()
        say(bob, f"more {number}")
        _sees(alice, f"more {number}")
        expect(link).to_be_hidden()


def test_the_link_to_the_newest_is_there_only_while_the_end_is_out_of_sight(
    visit: Visit, rooms: Rooms
) -> None:
    fill(rooms, "away", 60)
    alice = live(visit("/chat/away/"))
    link = alice.get_by_role("link", name=_LINK)
    expect(link).to_have_count(0)
    alice.locator("#composer .text").focus()
    alice.keyboard.press("Shift+Tab")
    assert alice.evaluate("document.activeElement.className") != "newest"
    _read(alice, 400)
    expect(link).to_be_in_viewport(ratio=1)
    alice.locator("#composer .text").focus()
    alice.keyboard.press("Shift+Tab")
    expect(link).to_be_focused()
    alice.keyboard.press("Enter")
    expect(link).to_have_count(0)
    alice.keyboard.press("Tab")
    expect(alice.locator("#composer .text")).to_be_focused()


def test_a_log_that_is_hardly_longer_than_its_place_has_no_link_to_the_newest(
    visit: Visit, rooms: Rooms
) -> None:
    fill(rooms, "few", 5)
    alice = live(visit("/chat/few/"))
    log = alice.locator("#log")
    for longer in (-40, 1, 40):
        room = log.evaluate("log => log.clientHeight - log.querySelector('#lists').offsetHeight")
        height = alice.evaluate("innerHeight") - room - longer
        alice.set_viewport_size({"width": 1280, "height": height})
        log.evaluate("log => log.scrollTop = -log.scrollHeight")
        alice.wait_for_timeout(200)
        expect(alice.get_by_role("link", name=_LINK)).to_have_count(0)


def test_the_link_to_the_newest_lets_the_browser_rest(visit: Visit, rooms: Rooms) -> None:
    fill(rooms, "rest", 60)
    alice = live(visit("/chat/rest/"))
    tools = alice.context.new_cdp_session(alice)
    tools.send("Performance.enable")

    def drawn() -> int:
        told = tools.send("Performance.getMetrics")["metrics"]
        return int(next(one["value"] for one in told if one["name"] == "RecalcStyleCount"))

    _read(alice, 400)
    expect(alice.get_by_role("link", name=_LINK)).to_be_visible()
    alice.wait_for_timeout(500)
    before = drawn()
    alice.wait_for_timeout(1000)
    # A frame of the socket may come meanwhile, sixty of the screen must not.
    assert drawn() - before < 10


def test_without_script_the_link_takes_no_place_from_the_log(visit: Visit) -> None:
    reader = visit("/chat/frame/", java_script_enabled=False)
    log, place = (reader.locator(what).bounding_box() for what in ("iframe.log", "main"))
    assert log
    assert place
    assert abs(log["height"] - place["height"]) < 1


# Private


def _read(page: Page, up: int) -> None:
    page.locator("#log").evaluate("(log, up) => log.scrollTop = -up", up)
    page.wait_for_timeout(200)


def _sees(page: Page, text: str) -> None:
    expect(page.locator(".message .body").last).to_have_text(text)
    page.wait_for_timeout(100)
    assert page.locator("#log").evaluate("log => log.scrollTop") == 0
    expect(page.locator(".message").last).to_be_in_viewport(ratio=1)
