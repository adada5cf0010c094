"""People with accounts: who signs out, and who moderates."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, live, say
from tests.services import Rooms

_ACCOUNT = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser({name!r}, password="a long enough one")
"""


def sign_in(visit: Visit, rooms: Rooms, name: str) -> Page:
    """Return the admin's page of somebody new who may do everything."""
    rooms.manage("shell", "--command", _ACCOUNT.format(name=name))
    admin = visit("/admin/login/?next=/admin/", complains=True)
    admin.locator("[name=username]").fill(name)
    admin.locator("[name=password]").fill("a long enough one")
    admin.locator("[type=submit]").click()
    expect(admin.locator("#logout-form")).to_be_visible()
    return admin


def test_a_page_of_who_signed_out_is_live_again_as_a_guest(visit: Visit, rooms: Rooms) -> None:
    admin = sign_in(visit, rooms, "carol")
    tab = admin.context.new_page()
    tab.goto(f"{rooms.url}/chat/signed-out/")
    say(live(tab), "as carol")
    expect(tab.locator(".message").nth(0)).to_contain_text("carol")
    admin.locator("#logout-form button").click()
    expect(tab.locator("#status")).to_have_text("Offline")
    say(live(tab), "as a guest")
    expect(tab.locator(".message").nth(1)).to_contain_text("guest-")


def test_a_moderator_deletes_what_others_cannot_touch(visit: Visit, rooms: Rooms) -> None:
    alice, bob = live(visit("/chat/moderated/")), live(visit("/chat/moderated/"))
    say(alice, "hello")
    expect(bob.locator("#m1 .body")).to_have_text("hello")
    bob.locator("#m1").hover()
    expect(bob.locator("#m1 .more")).to_be_hidden()
    dave = sign_in(visit, rooms, "dave")
    dave.goto(f"{rooms.url}/chat/moderated/")
    live(dave).locator("#m1").hover()
    dave.locator("#m1 .more").click()
    expect(dave.locator("#m1 .actions")).not_to_contain_text("Edit")
    dave.locator("#m1").get_by_role("button", name="Delete").click()
    expect(bob.locator("#m1 .body")).to_have_text("This message was deleted.")
