"""JavaScript is off."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit, fill, live, say
from tests.services import Rooms


def test_one_posts_by_form_and_reads_the_live_log(visit: Visit) -> None:
    alice = visit("/chat/plain/", java_script_enabled=False)
    bob = live(visit("/chat/plain/"))
    alice.get_by_role("textbox", name="Message").fill("without script")
    alice.keyboard.press("Enter")
    expect(bob.locator(".message .body")).to_have_text("without script")
    stream = alice.frame_locator("iframe")
    expect(stream.locator(".message .body")).to_have_text("without script")
    say(bob, "hello, alice")
    expect(stream.locator(".message .body").last).to_have_text("hello, alice")
    expect(bob.locator("#here")).to_have_text("2 here")


def test_one_edits_and_deletes_ones_own_message_by_forms(visit: Visit) -> None:
    alice = visit("/chat/plainer/", java_script_enabled=False)
    bob = live(visit("/chat/plainer/"))
    alice.get_by_role("textbox", name="Message").fill("frist")
    alice.keyboard.press("Enter")
    stream = alice.frame_locator("iframe")
    stream.locator(".message .more").click()
    alice.get_by_role("link", name="Edit", exact=True).click()
    alice.get_by_role("textbox", name="Message").fill("first")
    alice.get_by_role("button", name="Save").click()
    expect(bob.locator(".message .body")).to_have_text("first")
    alice.get_by_role("button", name="Delete", exact=True).click()
    expect(bob.locator(".message .body")).to_have_text("This message was deleted.")
    expect(alice.locator(".message .body")).to_have_text("This message was deleted.")


def test_a_refused_text_stands_in_the_form_again_with_the_reason(visit: Visit) -> None:
    alice = visit("/chat/plainest/", java_script_enabled=False, complains=True)
    box = alice.get_by_role("textbox", name="Message")
    box.fill("x" * 4001)
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("alert")).to_contain_text("4,000")
    expect(box).to_have_value("x" * 4001)


def test_a_name_is_changed_and_the_people_are_listed(visit: Visit) -> None:
    alice = visit("/chat/plain-name/", java_script_enabled=False)
    alice.locator("a.you").click()
    alice.get_by_role("textbox", name="Your name").fill("Alice without script")
    alice.keyboard.press("Enter")
    expect(alice).to_have_url(re.compile("/chat/plain-name/$"))
    expect(alice.locator("a.you")).to_have_text("Alice without script")
    alice.locator(".people summary").click()
    alice.get_by_role("link", name="Who is here?").click()
    expect(alice.get_by_role("heading")).to_contain_text("Who is in")


def test_older_messages_are_a_link_away(visit: Visit, rooms: Rooms) -> None:
    fill(rooms, "old", 70)
    alice = visit("/chat/old/", java_script_enabled=False)
    alice.frame_locator("iframe").get_by_role("link", name="Older messages").click()
    expect(alice.locator("#m20")).to_be_visible()
    expect(alice.locator("#m21")).to_have_count(0)
    alice.get_by_role("link", name="Newer messages").first.click()
    expect(alice.locator("#m70")).to_be_visible()
