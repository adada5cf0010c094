"""Resuming on the JSON socket: never a silent gap, nothing twice, the exact state."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.services import Rooms
from tests.tool import Frame, Tool, new_room, tool


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


class _State:
    """What a client knows of a room, made of frames alone."""

    def __init__(self) -> None:
        self.cursor = 0
        self.texts: dict[int, str | None] = {}

    def take(self, frames: list[Frame]) -> None:
        for frame in frames:
            if frame["type"].startswith("message."):
                assert frame["seq"] > self.cursor
                self.cursor = frame["seq"]
                self.texts[frame["number"]] = frame.get("message")

    def shown(self) -> dict[int, str]:
        return {number: text for number, text in self.texts.items() if text is not None}


async def _backlog(rooms: Rooms, room: str, **options: Any) -> list[Frame]:
    async with tool(rooms, room, **options) as reader:
        return await reader.all_until("live")


@asynccontextmanager
async def _room_of(rooms: Rooms, room: str, *texts: str) -> AsyncIterator[tuple[Tool, list[Frame]]]:
    async with tool(rooms, room, name="alice", events="all") as alice:
        yield alice, [await alice.post(text) for text in texts]


async def _change(alice: Tool, message: Frame, text: str) -> Frame:
    await alice.send(type="edit", message_id=message["message_id"], message=text)
    return await alice.until("message.changed", message=text)


async def _delete(alice: Tool, message: Frame) -> Frame:
    await alice.send(type="delete", message_id=message["message_id"])
    return await alice.until("message.deleted", message_id=message["message_id"])


async def test_the_whole_room_comes_between_hello_and_live(rooms: Rooms) -> None:
    room = new_room()
    async with _room_of(rooms, room, "one", "two", "three") as (_, posted):
        frames = await _backlog(rooms, room, after=0, name="bob")
    hello, *backlog, live = frames
    assert hello["type"] == "hello"
    assert hello["room"] == room
    assert hello["head"] == posted[-1]["seq"]
    assert isinstance(hello["epoch"], str)
    assert hello["you"] == {"id": None, "name": "bob", "kind": "guest"}
    assert backlog == posted
    assert live == {"type": "live", "seq": posted[-1]["seq"]}


async def test_a_cursor_brings_what_lies_after_it_and_then_what_happens(rooms: Rooms) -> None:
    room = new_room()
    async with (
        _room_of(rooms, room, "one", "two", "three") as (alice, posted),
        tool(rooms, room, after=posted[0]["seq"]) as bob,
    ):
        frames = await bob.all_until("live")
        assert frames[1:-1] == posted[1:]
        four = await alice.post("four")
        assert await bob.next() == four


async def test_at_the_head_there_is_nothing_to_bring(rooms: Rooms) -> None:
    room = new_room()
    async with _room_of(rooms, room, "one") as (_, posted):
        frames = await _backlog(rooms, room, after=posted[0]["seq"])
    assert [frame["type"] for frame in frames] == ["hello", "live"]


async def test_a_room_that_is_not_there_is_empty(rooms: Rooms) -> None:
    hello, live = await _backlog(rooms, new_room(), after=0)
    assert (hello["type"], hello["head"]) == ("hello", 0)
    assert live == {"type": "live", "seq": 0}


async def test_the_epoch_that_was_given_resumes(rooms: Rooms) -> None:
    room = new_room()
    async with _room_of(rooms, room, "one", "two") as (_, posted):
        epoch = (await _backlog(rooms, room, after=0))[0]["epoch"]
        frames = await _backlog(rooms, room, after=posted[0]["seq"], epoch=epoch)
    assert [frame["type"] for frame in frames] == ["hello", "message.posted", "live"]


async def test_another_epoch_means_reset(rooms: Rooms) -> None:
    room = new_room()
    async with (
        _room_of(rooms, room, "one", "two") as (alice, posted),
        tool(rooms, room, after=posted[0]["seq"], epoch="another") as bob,
    ):
        _is_reset(await bob.all_until("live"), posted[-1]["seq"])
        assert await alice.post("three") == await bob.next()


@pytest.mark.parametrize("beyond", [1, 10**6, 10**30])
async def test_a_cursor_beyond_the_head_means_reset(rooms: Rooms, beyond: int) -> None:
    room = new_room()
    async with _room_of(rooms, room, "one") as (_, posted):
        head = posted[0]["seq"]
        _is_reset(await _backlog(rooms, room, after=head + beyond), head)


def _is_reset(frames: list[Frame], head: int) -> None:
    kinds = [frame["type"] for frame in frames]
    assert kinds[-2:] == ["reset", "live"]
    assert "message.posted" not in kinds
    reset, live = frames[-2:]
    assert reset["reason"]
    assert (reset["head"], live["seq"]) == (head, head)
    assert isinstance(reset["epoch"], str)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "0x10", "1 2", "٣x", "1e3", "null"])
async def test_what_is_not_a_number_from_0_is_told_and_closed(rooms: Rooms, cursor: str) -> None:
    async with tool(rooms, new_room(), after=cursor) as alice:
        assert await alice.refused() == "invalid_cursor"
        assert await alice.closed() == 4400


# Changes in the backlog


async def test_an_edited_message_comes_once_in_its_latest_state_at_its_place(rooms: Rooms) -> None:
    room = new_room()
    async with _room_of(rooms, room, "one", "two") as (alice, (one, two)):
        await _change(alice, one, "one, first edit")
        await _change(alice, one, "one, second edit")
        frames = (await _backlog(rooms, room, after=0))[1:-1]
    assert [(frame["type"], frame["message"]) for frame in frames] == [
        ("message.posted", "one, second edit"),
        ("message.posted", "two"),
    ]
    assert [frame["seq"] for frame in frames] == [one["seq"], two["seq"]]


async def test_a_change_after_the_cursor_comes_at_the_place_of_the_latest(rooms: Rooms) -> None:
    room = new_room()
    async with _room_of(rooms, room, "one", "two") as (alice, (one, two)):
        await _change(alice, one, "one, first edit")
        three = await alice.post("three")
        latest = await _change(alice, one, "one, second edit")
        frames = (await _backlog(rooms, room, after=two["seq"], events="all"))[1:]
    replayed = [frame for frame in frames if "seq" in frame and frame["type"] != "live"]
    assert [(frame["type"], frame["seq"]) for frame in replayed] == [
        ("message.posted", three["seq"]),
        ("message.changed", latest["seq"]),
    ]
    assert replayed[-1]["message"] == "one, second edit"


async def test_what_was_deleted_does_not_come_unasked(rooms: Rooms) -> None:
    room = new_room()
    async with _room_of(rooms, room, "one", "two") as (alice, (one, two)):
        await _delete(alice, one)
        frames = (await _backlog(rooms, room, after=0))[1:-1]
    assert frames == [two]


async def test_what_was_deleted_comes_as_a_deletion_to_who_asked_for_all(rooms: Rooms) -> None:
    room = new_room()
    async with _room_of(rooms, room, "secret", "two") as (alice, (one, two)):
        deleted = await _delete(alice, one)
        whole = await _backlog(rooms, room, after=0, events="all")
        tail = await _backlog(rooms, room, after=two["seq"], events="all")
    assert "secret" not in str(whole)
    numbers = {frame["number"]: frame["type"] for frame in whole if "number" in frame}
    assert numbers == {1: "message.deleted", 2: "message.posted"}
    assert deleted in tail


async def test_events_and_a_cursor_from_anywhere_give_the_exact_state(rooms: Rooms) -> None:
    chance = random.Random(2)
    room = new_room()
    parted: list[_State] = []
    async with tool(rooms, room, name="alice", events="all") as alice:
        messages: list[Frame] = []
        for step in range(40):
            kind = chance.choice(["post", "post", "edit", "delete"])
            if kind == "post" or not messages:
                messages.append(await alice.post(f"step {step}"))
            elif kind == "edit":
                await _change(alice, chance.choice(messages), f"step {step}")
            else:
                await _delete(alice, messages.pop(chance.randrange(len(messages))))
            if step % 8 == 0:
                state = _State()
                state.take(await _backlog(rooms, room, after=0, events="all"))
                parted.append(state)
    fresh = _State()
    fresh.take(await _backlog(rooms, room, after=0, events="all"))
    assert len(fresh.shown()) == len(messages)
    for state in parted:
        state.take(await _backlog(rooms, room, after=state.cursor, events="all"))
        assert state.shown() == fresh.shown()


# While others write


async def test_joining_in_the_middle_of_a_burst_misses_and_doubles_nothing(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as alice:

        async def burst() -> None:
            for number in range(150):
                await alice.send(message=f"message {number}")

        writing = asyncio.create_task(burst())
        await alice.until("message.posted", message="message 20")
        async with tool(rooms, room, after=0) as bob:
            frames = await bob.all_until("message.posted", message="message 149")
        await writing
    posted = [frame for frame in frames if frame["type"] == "message.posted"]
    assert [frame["number"] for frame in posted] == list(range(1, 151))
    seqs = [frame["seq"] for frame in posted]
    assert seqs == sorted(set(seqs))
    assert [frame["type"] for frame in frames].count("live") == 1


async def test_a_long_backlog_comes_whole_and_in_order(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as alice:
        for number in range(600):
            await alice.send(message=f"message {number}")
        await alice.until("message.posted", message="message 599")
    frames = await _backlog(rooms, room, after=0)
    assert [frame["number"] for frame in frames[1:-1]] == list(range(1, 601))


async def test_a_cursor_outlives_the_server(rooms: Rooms) -> None:
    room = new_room()
    with Rooms(env={"POST_RATE": "off"}) as own:
        async with _room_of(own, room, "one", "two") as (_, posted):
            epoch = (await _backlog(own, room, after=0))[0]["epoch"]
        await asyncio.to_thread(own.kill)
        await asyncio.to_thread(own.start)
        frames = await _backlog(own, room, after=posted[0]["seq"], epoch=epoch)
        assert frames[1:-1] == posted[1:]
        async with tool(own, room) as bob:
            assert (await bob.post("three"))["seq"] > posted[-1]["seq"]


async def test_a_server_that_stops_tells_its_sockets_to_come_back() -> None:
    with Rooms() as own:
        async with tool(own, new_room()) as alice:
            await alice.post("hello")
            await asyncio.to_thread(own.stop)
            assert await alice.closed() == 4012
