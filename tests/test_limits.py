"""Every limit of a time or an address: below it, at it, above it, and for all processes."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator

import httpx
import pytest
from pytest_django import Settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rooms import limits
from rooms.errors import RateLimited
from tests.services import Postgres, Redis, Rooms
from tests.tool import Tool, new_room, tool
from tests.visitor import Visitor

# Long enough that nothing is allowed again while a test runs.
LIMITS = {
    "POST_RATE": "5/1h",
    "ADDRESS_POST_RATE": "12/1h",
    "ROOM_RATE": "2/1h",
    "NAME_RATE": "2/1h",
    "PAGE_RATE": "30/1h",
    "SIGN_IN_RATE": "3/1h",
    "JOIN_RATE": "20/1h",
    "REFUSAL_RATE": "10/1h",
    "ADDRESS_SOCKETS_MAX": "4",
    "ADDRESS_STREAMS_MAX": "2",
    "TRUSTED_PROXIES": "127.0.0.1",
}
_places = iter(range(1, 255))


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env=LIMITS) as server:
        yield server


@pytest.fixture
def home() -> dict[str, str]:
    """The headers of an address that no other test has, as our proxy tells it."""
    return {"X-Forwarded-For": f"192.0.2.{next(_places)}"}


def browser(rooms: Rooms, headers: dict[str, str]) -> Visitor:
    visitor = Visitor(rooms)
    visitor.carries(headers)
    return visitor


async def turned_away(rooms: Rooms, headers: dict[str, str], page: bool = False) -> float:
    """Connect one socket too many; return when it may come again (0 for a page: not told)."""
    path = "/ws/chat/lobby/html/" if page else "/ws/chat/lobby/"
    told = 0.0
    async with connect(rooms.ws + path, additional_headers=headers) as socket:
        with contextlib.suppress(ConnectionClosed):
            while True:
                frame = json.loads(await asyncio.wait_for(socket.recv(), 5))
                assert frame["code"] == "rate_limited"
                told = frame["retry_after"]
        assert socket.close_code == 4013
    return told


# Posts


async def test_one_author_posts_up_to_the_rate(rooms: Rooms, home: dict[str, str]) -> None:
    async with tool(rooms, new_room(), headers=home, name="alice") as alice:
        for n in range(5):
            await alice.post(f"hello {n}")
        await alice.send(message="one more")
        frame = await alice.next()
        assert frame["code"] == "rate_limited"
        assert 3500 < frame["retry_after"] <= 3600.1


async def test_new_names_from_one_address_do_not_help(rooms: Rooms, home: dict[str, str]) -> None:
    room = new_room()
    for who in range(3):
        async with tool(rooms, room, headers=home) as one:
            for n in range(4):
                await one.post(f"{who} {n}")
    async with tool(rooms, room, headers=home) as another:
        await another.send(message="a thirteenth")
        assert await another.refused() == "rate_limited"
    async with tool(rooms, room, headers={"X-Forwarded-For": "198.51.100.1"}) as elsewhere:
        await elsewhere.post("from another address")


async def test_edits_count_for_the_address_too(rooms: Rooms, home: dict[str, str]) -> None:
    room = new_room()
    async with tool(rooms, room, headers=home, name="bob", events="all") as bob:
        mine = await bob.post("hello")
        for who in range(2):
            async with tool(rooms, room, headers=home) as one:
                for n in range(5):
                    await one.post(f"{who} {n}")
        await bob.send(type="edit", message_id=mine["message_id"], message="edited")
        await bob.until("message.changed", message="edited")
        await bob.send(type="edit", message_id=mine["message_id"], message="edited again")
        assert (await bob.until("error"))["code"] == "rate_limited"


def test_over_http_it_is_429_and_the_text_comes_back(rooms: Rooms, home: dict[str, str]) -> None:
    room = new_room()
    with browser(rooms, home) as alice:
        for n in range(5):
            assert alice.post(room, f"hello {n}").status_code == 303
        answer = alice.post(room, "one more")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 3500
    assert "one more" in answer.text


# Rooms and names


async def test_one_author_brings_so_many_rooms_into_being(
    rooms: Rooms, home: dict[str, str]
) -> None:
    there = new_room()
    async with tool(rooms, there, headers=home) as somebody:
        await somebody.post("the first")
    for _ in range(2):
        async with tool(rooms, new_room(), headers=home, name="carol") as carol:
            await carol.post("hello")
    third = new_room()
    async with tool(rooms, third, headers=home, name="carol") as carol:
        await carol.send(message="hello", id="c-1")
        assert await carol.refused() == "rate_limited"
    async with tool(rooms, there, headers=home, name="carol") as carol:
        await carol.post("in a room that was there")
    async with tool(rooms, third, headers=home, after=0) as reader:
        assert (await reader.next())["head"] == 0


def test_one_guest_changes_the_name_so_often(rooms: Rooms, home: dict[str, str]) -> None:
    with browser(rooms, home) as guest:
        for name in ("dora", "dorothea"):
            guest.is_called("lobby", name)
        answer = guest.submit("/chat/lobby/name/", {"name": "dorothy"})
        assert answer.status_code == 429
        assert answer.headers["Retry-After"]
        assert 'value="dorothy"' in answer.text
        assert ">dorothea<" in guest.get("/chat/lobby/").text


# Requests and connections


def test_one_address_asks_for_so_many_pages(rooms: Rooms, home: dict[str, str]) -> None:
    with browser(rooms, home) as visitor:
        answers = [visitor.get("/chat/") for _ in range(31)]
        assert [answer.status_code for answer in answers] == [200] * 30 + [429]
        assert int(answers[-1].headers["Retry-After"]) > 3500
        assert "Content-Security-Policy" in answers[-1].headers
        assert visitor.get("/chat/lobby/form/", htmx=True).headers["HX-Reswap"] == "none"


def test_one_address_tries_so_often_to_sign_in(rooms: Rooms, home: dict[str, str]) -> None:
    with browser(rooms, home) as mallory:
        guess = {"username": "alice", "password": "letmein"}
        for _ in range(2):
            assert mallory.submit("/admin/login/", guess).status_code == 200
        spelt = mallory.submit("/admin/login/", guess, to="/admin/%6Cogin/")
        assert spelt.status_code == 200
        answer = mallory.submit("/admin/login/", {**guess, "username": "bob"})
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 3500
        assert "letmein" not in answer.text
        assert mallory.get("/admin/login/").status_code == 200
        assert mallory.post(new_room(), "hello").status_code == 303


async def test_one_address_opens_so_many_sockets_in_a_time(
    rooms: Rooms, home: dict[str, str]
) -> None:
    for _ in range(20):
        async with tool(rooms, "lobby", headers=home):
            pass
    assert await turned_away(rooms, home) > 3500


@pytest.mark.parametrize("page", [False, True])
async def test_one_address_holds_so_many_sockets(
    rooms: Rooms, home: dict[str, str], page: bool
) -> None:
    async with contextlib.AsyncExitStack() as held:
        for _ in range(4):
            await held.enter_async_context(tool(rooms, "lobby", headers=home))
        await turned_away(rooms, home, page)
        async with tool(rooms, "lobby", headers={"X-Forwarded-For": "198.51.100.2"}) as other:
            await other.post("from another address")
    # Those places are free again.
    async with tool(rooms, "lobby", headers=home) as again:
        await again.post("back")


async def test_one_address_holds_so_many_streams(rooms: Rooms, home: dict[str, str]) -> None:
    address = f"{rooms.url}/chat/lobby/stream/"
    async with httpx.AsyncClient(headers=home, trust_env=False) as client:
        async with client.stream("GET", address) as one, client.stream("GET", address) as two:
            # An iterator that is let go closes its response.
            parts = one.aiter_text(), two.aiter_text()
            for part in parts:
                assert "<!doctype html>" in await anext(part)
            third = await client.get(address)
            assert third.status_code == 429
            assert third.headers["Retry-After"]
        for _ in range(100):
            async with client.stream("GET", address) as later:
                if later.status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError("closed streams are counted for ever")


async def test_a_process_that_is_full_says_so(home: dict[str, str]) -> None:
    with Rooms(env={"SOCKETS_MAX": "2"}) as rooms:
        async with tool(rooms, "lobby"), tool(rooms, "lobby"):
            assert await turned_away(rooms, {}) > 0
        async with tool(rooms, "lobby") as again:
            await again.post("there is room again")


async def test_a_tool_that_floods_nonsense_is_closed(rooms: Rooms, home: dict[str, str]) -> None:
    async with connect(f"{rooms.ws}/ws/chat/lobby/", additional_headers=home) as socket:
        codes = await _flood(socket)
        assert socket.close_code == 4013
    assert codes == ["invalid_json"] * 11 + ["rate_limited"]
    async with tool(rooms, "lobby", headers=home) as other:
        for _ in range(10):
            await other.socket.send("nonsense")
            assert await other.refused() == "invalid_json"
        await other.post("ten mistakes are forgiven")


async def _flood(socket: ClientConnection) -> list[str]:
    codes = []
    with contextlib.suppress(ConnectionClosed):
        for _ in range(1000):
            await socket.send("nonsense")
    with contextlib.suppress(ConnectionClosed):
        while True:
            codes.append(json.loads(await asyncio.wait_for(socket.recv(), 5))["code"])
    return codes


# All processes


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    """A Redis that may be stopped."""
    with Redis() as server:
        yield server


@pytest.fixture(scope="module")
def pair(postgres: Postgres, own_redis: Redis) -> Iterator[tuple[Rooms, Rooms]]:
    database_url = postgres.database()
    with (
        Rooms(database_url=database_url, redis_url=own_redis.url, env=LIMITS) as first,
        Rooms(database_url=database_url, redis_url=own_redis.url, env=LIMITS) as second,
    ):
        yield first, second


@pytest.mark.services
async def test_processes_on_one_redis_count_together(
    pair: tuple[Rooms, Rooms], home: dict[str, str]
) -> None:
    room = new_room()
    async with (
        tool(pair[0], room, headers=home, name="erin") as one,
        tool(pair[1], room, headers=home, name="erin") as other,
    ):
        for n in range(5):
            await (one, other)[n % 2].send(message=f"hello {n}", id=str(n))
            await (one, other)[n % 2].until("ack", id=str(n))
        for erin in (one, other):
            await erin.send(message="one more", id="more")
            assert (await erin.until("error"))["code"] == "rate_limited"
        async with tool(pair[0], room, headers=home), tool(pair[1], room, headers=home):
            await turned_away(pair[0], home)
            await turned_away(pair[1], home)


@pytest.mark.services
async def test_what_a_killed_process_held_is_free_after_a_while(
    pair: tuple[Rooms, Rooms], home: dict[str, str]
) -> None:
    async with contextlib.AsyncExitStack() as held:
        for _ in range(4):
            await held.enter_async_context(tool(pair[1], "lobby", headers=home))
        await turned_away(pair[0], home)
        pair[1].kill()
        try:
            deadline = time.monotonic() + 25
            while time.monotonic() < deadline:
                async with connect(
                    f"{pair[0].ws}/ws/chat/lobby/?after=0", additional_headers=home
                ) as it:
                    if json.loads(await it.recv())["type"] == "hello":
                        return
                await asyncio.sleep(2)
        finally:
            pair[1].start()
    raise AssertionError("a dead process's sockets are counted for ever")


@pytest.mark.services
@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_without_redis_each_counts_alone_and_nobody_waits_for_it(
    pair: tuple[Rooms, Rooms], own_redis: Redis, home: dict[str, str], how: str
) -> None:
    if how == "frozen":
        own_redis.freeze()
    else:
        own_redis.kill()
    try:
        async with tool(pair[0], new_room(), headers=home, name=f"faye-{how}") as faye:
            slowest = max([await _time_of(faye, f"hello {n}") for n in range(5)])
            assert slowest < 1.5, "the first may wait for what is away, the others must not"
            await faye.send(message="one more")
            assert await faye.refused() == "rate_limited"
    finally:
        if how == "frozen":
            own_redis.thaw()
        else:
            own_redis.start()


async def _time_of(poster: Tool, text: str) -> float:
    started = time.monotonic()
    await poster.post(text)
    return time.monotonic() - started


@pytest.mark.services
async def test_a_redis_that_is_late_once_is_not_away(
    own_redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = own_redis.url
    monkeypatch.setattr(limits, "AWAY_SECONDS", 60.0)
    alice, bob = (("hello", name, (1, 3600.0)) for name in ("alice", "bob"))
    with monkeypatch.context() as patient:
        patient.setattr(limits, "PATIENCE_SECONDS", 10.0)
        await limits.take(alice)
    own_redis.freeze()
    await limits.take(bob)
    own_redis.thaw()
    monkeypatch.setattr(limits, "PATIENCE_SECONDS", 10.0)
    with pytest.raises(RateLimited):
        await limits.take(alice)
