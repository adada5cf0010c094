"""The room picker as a browser asks for it, with and without htmx."""

import secrets
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from django.test import AsyncClient
from django.utils import timezone

from rooms.models import Room
from rooms.views import picker
from tests.services import Rooms
from tests.tool import new_room
from tests.visitor import Page, Visitor


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


def test_the_root_leads_to_the_picker(alice: Visitor) -> None:
    answer = alice.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/chat/")


def test_the_picker_has_one_form_with_one_required_field(alice: Visitor) -> None:
    answer = alice.get("/chat/")
    assert answer.status_code == 200
    page = Page(answer.text)
    assert len(page.all("form")) == 1
    required = [field["name"] for field in page.all("input") if "required" in field]
    assert required == ["room"]
    assert "autofocus" in page.all("input", name="room")[0]


def test_a_name_and_enter_land_in_the_room(alice: Visitor) -> None:
    answer = alice.get("/chat/?room=lobby")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/chat/lobby/")


@pytest.mark.parametrize("typed", ["LOBBY", "%20lobby%20", "%EF%BC%ACobby"])
def test_another_spelling_lands_in_the_canonical_room(alice: Visitor, typed: str) -> None:
    answer = alice.get(f"/chat/?room={typed}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/chat/lobby/")


def test_a_room_in_any_script_has_an_address(alice: Visitor) -> None:
    answer = alice.get("/chat/?room=Цех")
    assert answer.status_code == 302
    assert alice.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize("typed", ["no room", "a/b", "", "a" * 65, "<b>", 'say "hi"', "a.b"])
def test_what_is_no_room_comes_back_with_the_reason(alice: Visitor, typed: str) -> None:
    answer = alice.get(str(httpx.URL("/chat/", params={"room": typed})))
    assert answer.status_code == 400
    page = Page(answer.text)
    assert page.all("input", name="room")[0]["value"] == typed
    assert any(found.get("role") == "alert" for _, found in page.elements)


def test_open_rooms_are_listed_with_what_was_last_there(rooms: Rooms, alice: Visitor) -> None:
    room = new_room()
    assert room not in alice.get("/chat/").text
    alice.post(room, "hello")
    page = Page(alice.get("/chat/").text)
    assert room in page.text
    assert f"/chat/{room}/" in [link["href"] for link in page.all("a")]
    assert page.all("time")


def test_typing_filters_the_list(alice: Visitor) -> None:
    for room in (f"red-{(mark := secrets.token_hex(3))}", f"blue-{mark}"):
        alice.post(room, "hello")
    whole, part = alice.get(f"/chat/?q=red-{mark}"), alice.get(f"/chat/?q=RED-{mark}", htmx=True)
    assert whole.status_code == part.status_code == 200
    for answer in (whole, part):
        assert f"red-{mark}" in answer.text
        assert f"blue-{mark}" not in answer.text
    assert "<html" in whole.text
    assert "<html" not in part.text


def test_a_filter_that_nothing_fits_says_so(alice: Visitor) -> None:
    answer = alice.get("/chat/?q=nothing-fits-this", htmx=True)
    assert answer.status_code == 200
    assert Page(answer.text).text.strip()


@pytest.mark.django_db(transaction=True)
async def test_the_room_one_asks_for_comes_first_however_long_it_has_been_quiet(
    async_client: AsyncClient,
) -> None:
    now = timezone.now()
    for days, name in enumerate(("room-55", "my-room-5", "room-5")):
        await Room.objects.acreate(name=name, active_at=now - timedelta(days=days))
    page = Page((await async_client.get("/chat/?q=Room-5")).content.decode())
    found = [link["href"] for link in page.all("a")]
    assert found == ["/chat/room-5/", "/chat/room-55/", "/chat/my-room-5/"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_a_list_that_does_not_hold_all_rooms_says_so(
    async_client: AsyncClient, more: int
) -> None:
    rooms = [Room(name=f"room-{number}") for number in range(picker.SHOWN + more)]
    await Room.objects.abulk_create(rooms)
    page = Page((await async_client.get("/chat/")).content.decode())
    assert len(page.all("li")) == min(len(rooms), picker.SHOWN)
    assert ("There are more." in page.text) == (more > 0)
