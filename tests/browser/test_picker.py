"""The room picker."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit, live, say


def test_typing_a_name_and_enter_lands_in_the_room(visit: Visit) -> None:
    alice = visit("/chat/")
    expect(alice.get_by_role("textbox")).to_be_focused()
    alice.keyboard.type("Lobby")
    alice.keyboard.press("Enter")
    expect(alice).to_have_url(re.compile("/chat/lobby/$"))
    live(alice)


def test_the_list_of_open_rooms_follows_what_one_types(visit: Visit) -> None:
    for room in ("apples", "pears"):
        say(live(visit(f"/chat/{room}/")), "hello")
    alice = visit("/chat/")
    expect(alice.get_by_role("link", name="apples")).to_be_visible()
    expect(alice.get_by_role("link", name="pears")).to_contain_text("1 here")
    expect(alice.get_by_role("textbox")).to_be_focused()
    alice.keyboard.type("app")
    expect(alice.get_by_role("link", name="pears")).to_have_count(0)
    alice.keyboard.press("Tab")
    alice.keyboard.press("Tab")
    alice.keyboard.press("Enter")
    expect(alice).to_have_url(re.compile("/chat/apples/$"))


def test_a_name_that_is_no_room_is_refused_in_place(visit: Visit) -> None:
    alice = visit("/chat/", complains=True)
    expect(alice.get_by_role("textbox")).to_be_focused()
    alice.keyboard.type("no such/room")
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("alert")).to_be_visible()
    expect(alice.get_by_role("textbox")).to_have_value("no such/room")
