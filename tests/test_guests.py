"""Who one is without an account, what one may be called, and who is signed in."""

import asyncio
import re
import secrets
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from tests.services import Rooms
from tests.tool import Frame, new_room, tool
from tests.visitor import Page, Visitor

_PASSWORD = "a long enough one"
_CAST = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("carol", password={_PASSWORD!r})
"""


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        server.manage("shell", "-c", _CAST)
        yield server


def _name_form(visitor: Visitor, name: str, *, htmx: bool = False) -> httpx.Response:
    return visitor.submit("/chat/lobby/name/", {"name": name}, htmx=htmx)


def _is_named(visitor: Visitor, name: str) -> bool:
    """Whether the room page greets the visitor by that name."""
    return f">{name}<" in unescape(visitor.get("/chat/lobby/").text)


def _last_post(rooms: Rooms, room: str) -> Frame:
    async def last() -> Frame:
        async with tool(rooms, room, after=0) as reader:
            return (await reader.all_until("live"))[-2]

    return asyncio.run(last())


# Names


def test_a_visitor_is_a_guest_with_four_characters_and_stays_it(alice: Visitor) -> None:
    first, again = (
        re.findall(r">(guest-\w{4})<", alice.get("/chat/lobby/").text) for _ in range(2)
    )
    assert first
    assert first == again


def test_two_visitors_are_two_guests(rooms: Rooms, alice: Visitor) -> None:
    room = new_room()
    alice.post(room, "hello")
    one = _last_post(rooms, room)["author"]
    with Visitor(rooms) as bob:
        bob.post(room, "hello")
    assert one["name"] != _last_post(rooms, room)["author"]["name"]


def test_the_cookie_cannot_be_forged(rooms: Rooms) -> None:
    room = new_room()
    with Visitor(rooms) as bob:
        bob.is_called(room, name := f"bob-{secrets.token_hex(3)}")
        cookies = bob.cookie_header()
    # A signature of another key, as it were.
    forged = re.sub(r"(guest=[^;]*)[\w-](;|$)", r"\1!\2", cookies)
    assert forged != cookies
    page = httpx.get(f"{rooms.url}/chat/{room}/", headers={"Cookie": forged}, trust_env=False).text
    assert f">{name}<" not in page


@pytest.mark.parametrize("name", ["a", "n" * 32, "Zoë", "李雷", "two words"])
def test_a_name_of_1_to_32_characters_is_taken_on(rooms: Rooms, name: str) -> None:
    room = new_room()
    with Visitor(rooms) as alice:
        assert _name_form(alice, name).status_code == 303
        assert _is_named(alice, name)
        alice.post(room, "hello")
    author = _last_post(rooms, room)["author"]
    assert author == {"id": None, "name": name, "kind": "guest"}


def test_a_name_is_normalised(alice: Visitor) -> None:
    mark = secrets.token_hex(2)
    _name_form(alice, f"  e\u0301va-{mark}  ")
    assert _is_named(alice, f"éva-{mark}")


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    "name",
    ["", " ", "n" * 33, "a\u200bb", "a\u2060b", "a\u202eb", "\u00ad", "a\tb", "a\x1bb", "a\x00b"],
    ids=ascii,
)
def test_what_is_not_a_name_is_refused_with_a_reason(alice: Visitor, name: str, htmx: bool) -> None:
    before = re.findall(r">(guest-\w{4})<", alice.get("/chat/lobby/").text)
    answer = _name_form(alice, name, htmx=htmx)
    assert answer.status_code == 400
    page = Page(answer.text)
    assert any(found.get("role") == "alert" for _, found in page.elements)
    assert ("<html" in answer.text) is not htmx
    assert re.findall(r">(guest-\w{4})<", alice.get("/chat/lobby/").text) == before


@pytest.mark.parametrize("name", ["carol", "CAROL", "Carol", "ｃarol", "cаrol", "саrоl"])
def test_what_looks_like_an_account_s_name_is_refused(alice: Visitor, name: str) -> None:
    answer = _name_form(alice, name)
    assert answer.status_code == 400
    assert not _is_named(alice, name)


@pytest.mark.parametrize("lookalike", ["same", "upper", "cyrillic"])
async def test_the_name_of_a_guest_who_is_present_is_refused_until_they_go(
    rooms: Rooms, lookalike: str
) -> None:
    room = new_room()
    name = f"bea-{secrets.token_hex(3)}"
    wanted = {
        "same": name,
        "upper": name.upper(),
        "cyrillic": name.replace("a", "а", 1),
    }[lookalike]
    with Visitor(rooms) as bea, Visitor(rooms) as alice:
        await asyncio.to_thread(bea.is_called, room, name)
        headers = {"Cookie": bea.cookie_header(), "Origin": rooms.url}
        async with tool(rooms, room, headers=headers, events="all") as present:
            frame = await present.until("presence.changed")
            assert name in str(frame), "for this test to mean anything bea must be present"
            refused = await asyncio.to_thread(_name_form, alice, wanted)
            assert refused.status_code == 400
            async with tool(rooms, room, name=wanted) as other:
                assert await other.refused() == "name_taken"
                assert await other.closed() == 4403


async def test_one_keeps_one_s_own_name_while_present(rooms: Rooms) -> None:
    room = new_room()
    name = f"bea-{secrets.token_hex(3)}"
    with Visitor(rooms) as bea:
        await asyncio.to_thread(bea.is_called, room, name)
        headers = {"Cookie": bea.cookie_header(), "Origin": rooms.url}
        async with tool(rooms, room, headers=headers, events="all") as present:
            await present.until("presence.changed")
            again = await asyncio.to_thread(_name_form, bea, name.capitalize())
            assert again.status_code == 303


# Signed in


def _signed_in(rooms: Rooms) -> Visitor:
    carol = Visitor(rooms)
    answer = carol.submit(
        "/admin/login/", {"username": "carol", "password": _PASSWORD, "next": "/chat/"}
    )
    assert answer.status_code == 302, answer.text
    return carol


def test_who_is_signed_in_posts_as_that_user_by_form(rooms: Rooms) -> None:
    room = new_room()
    with _signed_in(rooms) as carol:
        assert carol.post(room, "hello").status_code == 303
        assert _is_named(carol, "carol")
    author = _last_post(rooms, room)["author"]
    assert (author["name"], author["kind"]) == ("carol", "member")
    assert type(author["id"]) is int


async def test_who_is_signed_in_posts_as_that_user_by_socket(rooms: Rooms) -> None:
    with await asyncio.to_thread(_signed_in, rooms) as carol:
        headers = {"Cookie": carol.cookie_header(), "Origin": rooms.url}
    async with tool(rooms, new_room(), headers=headers, after=0) as socket:
        you = (await socket.next())["you"]
        assert (you["name"], you["kind"]) == ("carol", "member")
        assert (await socket.post("hello"))["author"] == you


async def test_an_edit_by_socket_is_open_to_who_posted_by_form(rooms: Rooms) -> None:
    room = new_room()
    with await asyncio.to_thread(_signed_in, rooms) as carol:
        await asyncio.to_thread(carol.post, room, "hello")
        headers = {"Cookie": carol.cookie_header(), "Origin": rooms.url}
    async with tool(rooms, room, headers=headers, after=0, events="all") as socket:
        posted = await socket.until("message.posted")
        await socket.send(type="edit", message_id=posted["message_id"], message="hello!")
        assert (await socket.until("message.changed"))["message"] == "hello!"
