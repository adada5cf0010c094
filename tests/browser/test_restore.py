"""A backup is restored while pages are open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, live, say, texts
from tests.services import Rooms


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    """A server of our own, whose history changes."""
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


def test_a_page_loads_itself_anew_and_shows_what_a_fresh_one_shows(
    visit: Visit, rooms: Rooms, tmp_path: Path
) -> None:
    alice = live(visit("/chat/restored/"))
    say(alice, "kept")
    say(alice, "kept too")
    expect(alice.locator(".message")).to_have_count(2)
    rooms.manage("backup", str(tmp_path / "backup"))
    say(alice, "lost")
    expect(alice.locator(".message")).to_have_count(3)
    rooms.manage("restore", str(tmp_path / "backup"))
    expect(alice.locator(".message")).to_have_count(2)
    live(alice)
    bob = live(visit("/chat/restored/"))
    assert texts(alice) == texts(bob) == ["kept", "kept too"]
    say(alice, "after it")
    expect(bob.locator(".message .body").last).to_have_text("after it")
    expect(alice.locator(".message .body").last).to_have_text("after it")
    fresh = live(visit("/chat/restored/"))
    assert texts(fresh) == texts(bob) == texts(alice) == ["kept", "kept too", "after it"]


def test_without_script_the_log_loads_itself_anew(
    visit: Visit, rooms: Rooms, tmp_path: Path
) -> None:
    alice = visit("/chat/plainly-restored/", java_script_enabled=False)
    bob = live(visit("/chat/plainly-restored/"))
    stream = alice.frame_locator("iframe")
    say(bob, "kept")
    expect(stream.locator(".message .body")).to_have_text(["kept"])
    rooms.manage("backup", str(tmp_path / "backup"))
    say(bob, "lost")
    expect(stream.locator(".message .body")).to_have_text(["kept", "lost"])
    rooms.manage("restore", str(tmp_path / "backup"))
    expect(stream.locator(".message .body")).to_have_text(["kept"])
    expect(bob.locator(".message .body")).to_have_text(["kept"])
    say(live(bob), "after it")
    expect(stream.locator(".message .body")).to_have_text(["kept", "after it"])
