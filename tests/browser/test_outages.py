"""The server goes away and comes back."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, live, say, texts
from tests.services import Rooms


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    """A server of our own, to be killed."""
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


def test_after_a_kill_the_page_is_live_again_with_all_that_was_missed(
    visit: Visit, rooms: Rooms
) -> None:
    alice = live(visit("/chat/outage/", complains=True))
    bob = live(visit("/chat/outage/", complains=True))
    say(alice, "before")
    say(alice, "to be edited")
    expect(bob.locator(".message")).to_have_count(2)
    rooms.kill()
    rooms.manage("shell", "--command", _EDIT_AND_POST)
    expect(bob.locator("#status")).to_have_text("Offline")
    expect(bob.locator("#contact")).to_be_visible()
    for number in range(3):
        say(alice, f"typed while away {number}")
    alice.locator("#composer > form:last-child > .text").fill("a draft")
    assert alice.locator("#composer > form").count() == 4
    time.sleep(4)
    rooms.start()
    back = time.monotonic()
    live(bob)
    live(alice)
    assert time.monotonic() - back < 8
    expect(bob.locator(".message")).to_have_count(6)
    expect(alice.locator(".message")).to_have_count(6)
    assert texts(bob) == texts(alice)
    assert texts(bob)[:3] == ["before", "edited meanwhile", "posted in the shell"]
    assert [t for t in texts(bob) if t.startswith("typed")] == [
        f"typed while away {number}" for number in range(3)
    ]
    expect(alice.locator("#composer > form")).to_have_count(1)
    expect(alice.locator("#composer .text")).to_have_value("a draft")
    fresh = live(visit("/chat/outage/"))
    assert texts(fresh) == texts(bob) == texts(alice)


def test_after_a_restart_a_page_without_script_loads_its_log_anew(
    visit: Visit, rooms: Rooms
) -> None:
    # Its icon is asked for when all has loaded, so when the live log ends: with the server.
    alice = visit("/chat/restarted/", misses="icon", java_script_enabled=False)
    stream = alice.frame_locator("iframe")
    bob = live(visit("/chat/restarted/", complains=True))
    say(bob, "before")
    expect(stream.locator(".message .body")).to_have_text(["before"])
    rooms.restart()
    say(live(bob), "after")
    said = stream.locator(".message .body")
    expect(said).to_have_text(["before", "after"], timeout=30_000)


def test_a_page_that_missed_very_much_shows_the_newest_and_loads_the_rest(
    visit: Visit, rooms: Rooms
) -> None:
    alice = live(visit("/chat/missed/", complains=True))
    say(alice, "before")
    expect(alice.locator(".message")).to_have_count(1)
    rooms.kill()
    rooms.manage("shell", "--command", _POST_MANY)
    rooms.start()
    live(alice)
    expect(alice.locator(".message .body").last).to_have_text("many 299")
    alice.locator("#log").evaluate("log => log.scrollTop = -log.scrollHeight")
    expect(alice.locator(".message")).to_have_count(100)
    numbers = alice.locator(".message").evaluate_all("all => all.map(m => +m.id.slice(1))")
    assert numbers == list(range(202, 302))


def test_a_page_is_shown_to_be_lost_when_the_server_freezes(visit: Visit, rooms: Rooms) -> None:
    alice = live(visit("/chat/frozen/", complains=True))
    alice.locator("#beat").evaluate(
        "beat => beat.getAnimations()[0].currentTime = 24_900"  # no need to wait for 25 s
    )
    rooms.freeze()
    expect(alice.locator("#status")).not_to_have_text("Live")
    rooms.thaw()
    live(alice)


_EDIT_AND_POST = """
from rooms import posting
from rooms.authors import Author
from rooms.models import Message
m = Message.objects.get(body="to be edited")
a = Author(m.identity, m.author_name)
posting.edit_message("outage", a, m.pk, "edited meanwhile")
posting.post_message("outage", Author("name:carol", "carol"), "posted in the shell")
"""
_POST_MANY = """
from rooms import posting
from rooms.authors import Author
for number in range(300):
    posting.post_message("missed", Author("name:carol", "carol"), f"many {number}")
"""
