"""The raw JSON socket as docs/protocol.md tells a stranger: black box, from outside."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Iterator

import pytest

from tests.services import Rooms
from tests.tool import Frame, new_room, tool


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


# Posting


async def test_the_smallest_client_hears_itself_and_so_does_everyone_in_the_room(
    rooms: Rooms,
) -> None:
    room = new_room()
    async with tool(rooms, room) as alice, tool(rooms, room) as bob:
        await alice.send(message="hello")
        assert (await alice.next())["message"] == "hello"
        assert (await bob.next())["message"] == "hello"


async def test_a_posted_message_has_all_its_keys(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as alice:
        posted = await alice.post("hello")
    assert posted["type"] == "message.posted"
    assert posted["room"] == room
    assert posted["number"] == 1
    assert type(posted["seq"]) is int
    assert type(posted["message_id"]) is int
    assert posted["html"] == "<p>hello</p>"
    assert posted["author"] == {"id": None, "name": "alice", "kind": "guest"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", posted["sent_at"])
    assert posted["reply_to"] is None
    assert posted["edited_at"] is None


async def test_an_anonymous_tool_is_a_guest_with_four_characters(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        name = (await alice.post("hello"))["author"]["name"]
    assert re.fullmatch(r"guest-\w{4}", name)


async def test_numbers_have_no_gap_and_seq_rises(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room) as alice, tool(rooms, room) as bob:
        for number in range(20):
            await (alice if number % 2 else bob).send(message=f"message {number}")
        frames = [await alice.next() for _ in range(20)]
    assert [frame["number"] for frame in frames] == list(range(1, 21))
    seqs = [frame["seq"] for frame in frames]
    assert seqs == sorted(set(seqs))


async def test_one_sender_s_messages_keep_their_order(rooms: Rooms) -> None:
    room = new_room()
    texts = [f"message {number}" for number in range(100)]
    async with tool(rooms, room) as alice, tool(rooms, room) as bob:
        for text in texts:
            await alice.send(message=text)
        assert [(await bob.next())["message"] for _ in texts] == texts


async def test_message_ids_are_unique_across_rooms(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice, tool(rooms, new_room()) as bob:
        one, other = await alice.post("hello"), await bob.post("hello")
    assert (one["number"], other["number"]) == (1, 1)
    assert one["message_id"] != other["message_id"]


async def test_rooms_do_not_hear_each_other(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room) as alice, tool(rooms, new_room()) as bob:
        await bob.post("elsewhere")
        await alice.post("here")
        assert (await bob.post("marker"))["number"] == 2
        assert await alice.is_silent()


@pytest.mark.parametrize(("typed", "canonical"), [("ÄPFEL", "äpfel"), ("Ｒｏｏｍ", "room")])
async def test_a_socket_on_another_spelling_is_in_the_canonical_room(
    rooms: Rooms, typed: str, canonical: str
) -> None:
    suffix = secrets.token_hex(3)
    async with (
        tool(rooms, f"{typed}-{suffix}") as alice,
        tool(rooms, f"{canonical}-{suffix}") as bob,
    ):
        await alice.send(message="hello")
        assert (await bob.next())["room"] == f"{canonical}-{suffix}"


async def test_what_was_typed_comes_back_to_the_character(rooms: Rooms) -> None:
    typed = "  two lines\n\tand a tab, 👩‍👩‍👧‍👦, שלום, e\u0301 and <b>&amp;</b>"
    async with tool(rooms, new_room()) as alice:
        await alice.send(message=typed)
        assert (await alice.next())["message"] == typed


# Nothing that was not asked for


async def test_a_plain_connection_receives_messages_and_nothing_else(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room) as plain, tool(rooms, room, events="all") as alice:
        first = await alice.post("first")
        await alice.send(type="typing")
        await alice.send(type="edit", message_id=first["message_id"], message="edited")
        await alice.until("message.changed")
        async with tool(rooms, room, name="bob"):
            pass
        await alice.send(type="delete", message_id=first["message_id"])
        await alice.until("message.deleted")
        await alice.post("marker")
        assert (await plain.next())["message"] == "first"
        assert (await plain.next())["message"] == "marker"


async def test_a_message_without_an_id_is_not_acknowledged(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.post("first")
        await alice.post("marker")
        assert await alice.is_silent()


async def test_events_selects_what_comes(rooms: Rooms) -> None:
    room = new_room()
    async with (
        tool(rooms, room, name="alice") as alice,
        tool(rooms, room, events="message.deleted") as bob,
        tool(rooms, room, events="message.posted,message.changed") as carol,
    ):
        posted = await alice.post("hello")
        await alice.send(type="edit", message_id=posted["message_id"], message="hello!")
        assert (await carol.next())["type"] == "message.posted"
        assert (await carol.next())["type"] == "message.changed"
        await alice.send(type="delete", message_id=posted["message_id"])
        assert (await bob.next())["type"] == "message.deleted"
        assert await carol.is_silent()
        assert await bob.is_silent()


# Posting once


async def test_an_id_is_answered_with_an_ack_of_where_it_was_posted(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message="hello", id="c-1")
        frames = {frame["type"]: frame for frame in [await alice.next(), await alice.next()]}
    posted = frames["message.posted"]
    assert frames["ack"] == {
        "type": "ack",
        "id": "c-1",
        "seq": posted["seq"],
        "message_id": posted["message_id"],
        "duplicate": False,
    }


async def test_the_ack_goes_to_the_sender_alone(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room) as alice, tool(rooms, room, events="all") as bob:
        await alice.send(message="hello", id="c-1")
        await alice.until("ack")
        await alice.post("marker")
        kinds = {frame["type"] for frame in await bob.all_until("message.posted", message="marker")}
    assert "ack" not in kinds


async def test_the_same_id_again_posts_nothing_and_gets_the_first_ack(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message="hello", id="c-1")
        first = await alice.until("ack")
        await alice.send(message="hello", id="c-1")
        again = await alice.until("ack", duplicate=True)
        assert again == {**first, "duplicate": True}
        assert (await alice.post("marker"))["number"] == 2


async def test_an_id_holds_across_connections_of_one_name(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as alice:
        await alice.send(message="hello", id="c-1")
        first = await alice.until("ack")
    async with tool(rooms, room, name="alice") as alice:
        await alice.send(message="hello", id="c-1")
        assert await alice.next() == {**first, "duplicate": True}


async def test_two_sockets_of_one_name_sending_one_id_at_once_post_once(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as one, tool(rooms, room, name="alice") as other:
        await asyncio.gather(*(alice.send(message="hello", id="c-1") for alice in (one, other)))
        acks = [await one.until("ack"), await other.until("ack")]
        assert sorted(ack["duplicate"] for ack in acks) == [False, True]
        assert (await one.post("marker"))["number"] == 2


async def test_another_sender_s_same_id_is_another_message(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as alice, tool(rooms, room, name="bob") as bob:
        await alice.send(message="hello", id="c-1")
        await alice.until("ack")
        await bob.send(message="hello", id="c-1")
        assert not (await bob.until("ack"))["duplicate"]


async def test_a_retry_after_an_edit_is_still_a_duplicate(rooms: Rooms) -> None:
    async with tool(rooms, new_room(), events="all") as alice:
        await alice.send(message="hello", id="c-1")
        first = await alice.until("ack")
        await alice.send(type="edit", message_id=first["message_id"], message="hello!")
        await alice.until("message.changed")
        await alice.send(message="hello", id="c-1")
        assert await alice.until("ack") == {**first, "duplicate": True}


async def test_a_retry_after_a_deletion_does_not_bring_the_message_back(rooms: Rooms) -> None:
    async with tool(rooms, new_room(), events="all") as alice:
        await alice.send(message="hello", id="c-1")
        first = await alice.until("ack")
        await alice.send(type="delete", message_id=first["message_id"])
        await alice.until("message.deleted")
        await alice.send(message="hello", id="c-1")
        assert await alice.until("ack") == {**first, "duplicate": True}


# Changing


async def test_an_edit_shows_the_latest_state_with_the_same_keys(rooms: Rooms) -> None:
    async with tool(rooms, new_room(), events="all") as alice:
        posted = await alice.post("hello")
        await alice.send(type="edit", message_id=posted["message_id"], message="hello!")
        changed = await alice.until("message.changed")
    assert set(posted) <= set(changed)
    assert (changed["message"], changed["html"]) == ("hello!", "<p>hello!</p>")
    assert changed["edited_at"].endswith("Z")
    assert changed["seq"] > posted["seq"]
    same = ("message_id", "number", "author", "sent_at")
    assert [changed[key] for key in same] == [posted[key] for key in same]


async def test_a_deletion_carries_nothing_of_what_was_said(rooms: Rooms) -> None:
    async with tool(rooms, new_room(), events="all") as alice:
        posted = await alice.post("hello")
        await alice.send(type="delete", message_id=posted["message_id"])
        deleted = await alice.until("message.deleted")
    assert (deleted["message_id"], deleted["number"]) == (posted["message_id"], posted["number"])
    assert deleted["seq"] > posted["seq"]
    assert not {"message", "html", "author"} & set(deleted)


@pytest.mark.parametrize("change", [{"type": "edit", "message": "mine now"}, {"type": "delete"}])
async def test_only_the_author_changes_a_message(rooms: Rooms, change: Frame) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as alice, tool(rooms, room, name="bob") as bob:
        posted = await alice.post("hello")
        await bob.until("message.posted")
        await bob.send(**change, message_id=posted["message_id"])
        assert await bob.refused() == "forbidden"
    async with tool(rooms, room, after=0) as carol:
        assert (await carol.until("message.posted"))["message"] == "hello"


@pytest.mark.parametrize("change", [{"type": "edit", "message": "hello"}, {"type": "delete"}])
async def test_a_message_that_is_not_in_the_room_is_not_found(rooms: Rooms, change: Frame) -> None:
    async with tool(rooms, new_room(), name="alice") as elsewhere:
        posted = await elsewhere.post("hello")
    async with tool(rooms, new_room(), name="alice") as alice:
        for message_id in (posted["message_id"], 10**9, 10**30, 0, -1):
            await alice.send(**change, message_id=message_id)
            assert await alice.refused() == "not_found"


@pytest.mark.parametrize("change", [{"type": "edit", "message": "hello"}, {"type": "delete"}])
async def test_what_was_deleted_is_not_found(rooms: Rooms, change: Frame) -> None:
    async with tool(rooms, new_room(), events="all") as alice:
        posted = await alice.post("hello")
        await alice.send(type="delete", message_id=posted["message_id"])
        await alice.until("message.deleted")
        await alice.send(**change, message_id=posted["message_id"])
        assert (await alice.until("error"))["code"] == "not_found"


# Passing things


async def test_typing_reaches_the_others_who_asked_within_half_a_second(rooms: Rooms) -> None:
    room, took = new_room(), []
    async with tool(rooms, room, events="all") as bob:
        for name in ("alice", "carol", "dave"):  # each is told once a second
            async with tool(rooms, room, name=name) as typist:
                began = time.monotonic()
                await typist.send(type="typing")
                typing = await bob.until("typing")
                took.append(time.monotonic() - began)
            assert name in json.dumps(typing)
            assert "seq" not in typing
    assert min(took) < 0.5, "a busy machine may be late once, or twice"
    assert max(took) < 1


async def test_presence_is_told_when_someone_comes_and_goes(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, events="all", name="alice") as alice:
        async with tool(rooms, room, events="all", name="bob"):
            frame = await alice.until("presence.changed")
            while "bob" not in json.dumps(frame):
                frame = await alice.until("presence.changed")
            assert "seq" not in frame
        while "bob" in json.dumps(frame):
            frame = await alice.until("presence.changed")
