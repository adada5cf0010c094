"""What the JSON socket refuses, with which code, and that it stays open after it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.services import Rooms
from tests.tool import Tool, new_room, tool

_CAST = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("carol", password="a long enough one")
"""


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        server.manage("shell", "-c", _CAST)
        yield server


async def _still_open(alice: Tool) -> None:
    posted = await alice.post("still here")
    assert posted["number"] == 1, "what was refused was stored"


# Frames


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{",
        '{"message": "hello"',
        "{'message': 'hello'}",
        '{"message": "hello", "x": NaN}',
        "[" * 60_000,
    ],
    ids=["nothing", "a word", "a brace", "unended", "single quotes", "no number", "deep"],
)
async def test_what_is_not_json_is_refused(rooms: Rooms, text: str) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.socket.send(text)
        assert await alice.refused() == "invalid_json"
        await _still_open(alice)


@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        5,
        None,
        True,
        ["hello"],
        {},
        {"text": "hello"},
        {"message": 5},
        {"message": None},
        {"message": ["hello"]},
        {"message": "hello", "id": 5},
        {"message": "hello", "id": None},
        {"message": "hello", "id": ""},
        {"message": "hello", "id": "i" * 65},
        {"message": "hello", "type": "unheard"},
        {"message": "hello", "type": 5},
        {"type": "hello"},
        {"type": "message.posted", "message": "hello"},
        {"type": "edit", "message": "hello"},
        {"type": "edit", "message_id": 1},
        {"type": "edit", "message_id": "1", "message": "hello"},
        {"type": "edit", "message_id": 1.0, "message": "hello"},
        {"type": "edit", "message_id": True, "message": "hello"},
        {"type": "edit", "message_id": 1, "message": 5},
        {"type": "delete"},
        {"type": "delete", "message_id": None},
        {"type": "delete", "message_id": [1]},
        {"type": "react", "message_id": 1, "emoji": "👍", "on": True},
    ],
    ids=json.dumps,
)
async def test_a_frame_of_another_shape_is_refused(rooms: Rooms, frame: Any) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.socket.send(json.dumps(frame))
        assert await alice.refused() == "invalid_frame"
        await _still_open(alice)


async def test_a_binary_frame_is_refused(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.socket.send(b'{"message": "hello"}')
        assert await alice.refused() == "invalid_frame"
        await _still_open(alice)


async def test_a_text_frame_that_is_not_utf_8_ends_its_own_socket_alone(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room) as alice, tool(rooms, room) as bob:
        await alice.socket.send(b'{"message": "\xff\xfe"}', text=True)
        assert await alice.closed() == 1007
        await _still_open(bob)


async def test_keys_that_nobody_knows_are_passed_over(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message="hello", colour="red")
        assert (await alice.next())["message"] == "hello"


async def test_an_error_names_the_id_that_it_is_about(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message=" ", id="c-1")
        error = await alice.next()
        assert (error["type"], error["code"], error["id"]) == ("error", "empty_message", "c-1")


async def test_an_error_is_one_human_sentence_and_goes_to_its_sender_alone(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room) as alice, tool(rooms, room) as bob:
        await alice.send(message="")
        error = await alice.next()
        assert error["error"][0].isupper()
        assert error["error"].endswith(".")
        await _still_open(alice)
        assert (await bob.next())["message"] == "still here"


# Ids


@pytest.mark.parametrize("length", [1, 64])
async def test_an_id_of_1_to_64_characters_is_good(rooms: Rooms, length: int) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message="hello", id="ı" * length)
        assert (await alice.until("ack"))["id"] == "ı" * length


async def test_an_id_with_another_text_is_a_conflict(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message="hello", id="c-1")
        await alice.until("ack")
        await alice.send(message="goodbye", id="c-1")
        error = await alice.until("error")
        assert (error["code"], error["id"]) == ("id_conflict", "c-1")
        assert (await alice.post("marker"))["number"] == 2


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\ud800"])
async def test_an_id_that_cannot_be_stored_is_refused(rooms: Rooms, bad: str) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message="hello", id=f"c{bad}1")
        assert await alice.refused() in {"invalid_frame", "invalid_text"}
        await _still_open(alice)


# Texts


@pytest.mark.parametrize("text", ["", " ", "\n\t \n", "\u3000\u00a0\u2003"])
async def test_nothing_but_white_space_is_refused(rooms: Rooms, text: str) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message=text)
        assert await alice.refused() == "empty_message"
        await _still_open(alice)


@pytest.mark.parametrize(
    "bad", ["\x00", "\x01", "\x08", "\x0b", "\x1b", "\x1f", "\x7f", "\x85", "\x9f"], ids=ascii
)
async def test_control_characters_are_refused(rooms: Rooms, bad: str) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message=f"hel{bad}lo")
        assert await alice.refused() == "invalid_text"
        await _still_open(alice)


@pytest.mark.parametrize("half", ["\\ud800", "\\udfff", "\\udc00\\ud800"])
async def test_half_a_surrogate_pair_is_refused(rooms: Rooms, half: str) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.socket.send(f'{{"message": "hel{half}lo"}}')
        assert await alice.refused() == "invalid_text"
        await _still_open(alice)


async def test_a_whole_surrogate_pair_is_one_character(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.socket.send('{"message": "\\ud83d\\udc4d"}')
        assert (await alice.next())["message"] == "👍"


@pytest.mark.parametrize("text", ["tab\there", "two\nlines", "bidi \u202eabc\u202c", "z\u200dw"])
async def test_what_only_looks_odd_is_stored(rooms: Rooms, text: str) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.send(message=text)
        assert (await alice.next())["message"] == text


@pytest.mark.parametrize("letter", ["a", "é", "👍"])
async def test_a_message_may_have_4000_characters_and_no_more(rooms: Rooms, letter: str) -> None:
    async with tool(rooms, new_room()) as alice:
        for length in (3999, 4000):
            await alice.send(message=letter * length)
            assert (await alice.next())["message"] == letter * length
        await alice.send(message=letter * 4001)
        assert await alice.refused() == "message_too_long"


async def test_an_edit_obeys_the_same_rules(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        message_id = (await alice.post("hello"))["message_id"]
        for text, code in (
            (" ", "empty_message"),
            ("a" * 4001, "message_too_long"),
            ("a\x00", "invalid_text"),
        ):
            await alice.send(type="edit", message_id=message_id, message=text)
            assert await alice.refused() == code


# Size of frames


@pytest.mark.parametrize("size", [65_535, 65_536])
async def test_a_frame_of_64_kib_is_read(rooms: Rooms, size: int) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.socket.send(json.dumps({"message": "hello"}).rjust(size))
        assert (await alice.next())["message"] == "hello"


@pytest.mark.parametrize("size", [65_537, 1_048_577, 3_000_000])
async def test_a_larger_frame_closes_with_1009(rooms: Rooms, size: int) -> None:
    room = new_room()
    async with tool(rooms, room) as alice, tool(rooms, room) as bob:
        await _send_until_closed(alice, json.dumps({"message": "hello"}).rjust(size))
        assert await alice.closed() == 1009
        await _still_open(bob)


async def test_a_frame_is_measured_in_bytes_and_in_all_its_parts(rooms: Rooms) -> None:
    async with tool(rooms, new_room()) as alice:
        await alice.socket.send(['{"message": "', "é" * 20_000, "é" * 20_000, '"}'])
        assert await alice.closed() == 1009


async def _send_until_closed(alice: Tool, text: str) -> None:
    try:
        await alice.socket.send(text)
    except ConnectionClosed:
        return  # the server does not read to the end what it refuses


# Names


@pytest.mark.parametrize("name", ["a", "Alice", "n" * 32, "Zoë", "李雷", "two words"])
async def test_a_name_of_1_to_32_characters_is_good(rooms: Rooms, name: str) -> None:
    async with tool(rooms, new_room(), name=name) as alice:
        assert (await alice.post("hello"))["author"]["name"] == name


@pytest.mark.parametrize(
    "name",
    ["n" * 33, " ", "a\x00b", "a\nb", "a\u200bb", "a\u202eb", "\u2060", "a\ufeff", "a\u00adb"],
    ids=ascii,
)
async def test_what_is_not_a_name_is_told_and_closed(rooms: Rooms, name: str) -> None:
    async with tool(rooms, new_room(), name=name) as alice:
        assert await alice.refused() == "invalid_name"
        assert await alice.closed() == 4403


@pytest.mark.parametrize("name", ["carol", "Carol", "CAROL", "ｃarol", "cаrol", "саrоl"])
async def test_what_looks_like_an_account_s_name_is_taken(rooms: Rooms, name: str) -> None:
    async with tool(rooms, new_room(), name=name) as alice:
        assert await alice.refused() == "name_taken"
        assert await alice.closed() == 4403


async def test_several_sockets_share_one_name(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as one, tool(rooms, room, name="alice") as other:
        assert (await one.post("hello"))["author"]["name"] == "alice"
        assert (await other.post("hello again"))["author"]["name"] == "alice"


# Rates


async def test_the_eleventh_message_in_ten_seconds_is_too_fast() -> None:
    room = new_room()
    with Rooms() as own:
        async with tool(own, room, name="alice") as alice, tool(own, room, name="bob") as bob:
            for number in range(10):
                await alice.send(message=f"message {number}")
            await alice.until("message.posted", message="message 9")
            await alice.send(message="one more", id="c-11")
            error = await alice.next()
            assert (error["code"], error["id"]) == ("rate_limited", "c-11")
            assert 0 < error["retry_after"] <= 10
            assert (await bob.post("my first"))["number"] == 11


async def test_after_the_time_told_the_message_is_taken() -> None:
    with Rooms(env={"POST_RATE": "2/3s"}) as own:
        async with tool(own, new_room(), name="alice") as alice:
            for text in ("one", "two"):
                await alice.send(message=text)
            await alice.send(message="three", id="c-3")
            error = await alice.until("error")
            assert 0 < error["retry_after"] <= 3
            await asyncio.sleep(error["retry_after"])
            await alice.send(message="three", id="c-3")
            assert not (await alice.until("ack"))["duplicate"]


async def test_a_new_connection_of_the_same_name_has_no_new_allowance() -> None:
    room = new_room()
    with Rooms(env={"POST_RATE": "2/1h"}) as own:
        for text in ("one", "two"):
            async with tool(own, room, name="alice") as alice:
                await alice.post(text)
        async with tool(own, room, name="alice") as alice:
            await alice.send(message="three")
            assert await alice.refused() == "rate_limited"


async def test_limits_are_what_the_settings_say_and_off_is_no_limit() -> None:
    with Rooms(env={"MESSAGE_MAX": "5", "FRAME_MAX": "off", "POST_RATE": "off"}) as own:
        async with tool(own, new_room()) as alice:
            assert (await alice.post("12345"))["message"] == "12345"
            await alice.send(message="123456")
            assert await alice.refused() == "message_too_long"
            await alice.socket.send(json.dumps({"message": "large"}).rjust(200_000))
            assert (await alice.next())["message"] == "large"
    with Rooms(env={"MESSAGE_MAX": "off", "POST_RATE": "off"}) as own:
        async with tool(own, new_room()) as alice:
            assert len((await alice.post("a" * 20_000))["message"]) == 20_000
