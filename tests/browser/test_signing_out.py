"""Somebody signs out in one tab, and another still shows a room."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit, live, say
from tests.services import Rooms

_CAROL = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("carol", password="a long enough one")
"""


def test_a_page_of_who_signed_out_is_live_again_as_a_guest(visit: Visit, rooms: Rooms) -> None:
    rooms.manage("shell", "--command", _CAROL)
    admin = visit("/admin/login/?next=/admin/", complains=True)
    admin.locator("[name=username]").fill("carol")
    admin.locator("[name=password]").fill("a long enough one")
    admin.locator("[type=submit]").click()
    expect(admin.locator("#logout-form")).to_be_visible()
    tab = admin.context.new_page()
    tab.goto(f"{rooms.url}/chat/signed-out/")
    say(live(tab), "as carol")
    expect(tab.locator(".message").nth(0)).to_contain_text("carol")
    admin.locator("#logout-form button").click()
    expect(tab.locator("#status")).to_have_text("Offline")
    say(live(tab), "as a guest")
    expect(tab.locator(".message").nth(1)).to_contain_text("guest-")
