"""Our Daphne: a restart that loses nothing, bounds, and readers who do not read."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rooms.server.sockets import Socket, SocketFactory
from tests.services import Rooms
from tests.tool import new_room, tool
from tests.visitor import csrf_token

# More than the buffers of the system, the transport and the subscriber hold together.
COUNT, SIZE = 1500, 4000
HEADERS_MAX, FORM_MAX = 2000, 5000

either_way = pytest.mark.parametrize(
    "program", [["manage.py"], ["-m", "tests.long_way"]], ids=["short way", "long way"]
)


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    """A server with little room."""
    with Rooms(env={"HEADERS_MAX": str(HEADERS_MAX), "FORM_MAX": str(FORM_MAX)}) as server:
        yield server


@pytest.fixture(scope="module")
def slow() -> Iterator[Rooms]:
    """A server with little patience."""
    with Rooms(env={"REQUEST_SECONDS": "2"}) as server:
        yield server


# Stopping


async def test_a_server_that_stops_tells_its_sockets_and_ends_in_peace() -> None:
    with Rooms() as rooms:
        async with connect(rooms.ws + "/ws/chat/lobby/") as tool:
            os.kill(rooms.pid, signal.SIGTERM)
            assert await _code(tool) == 4012
        rooms.stop()
        assert "Traceback" not in rooms.log()
        assert "Segmentation" not in rooms.log()


async def test_posts_under_way_are_acknowledged_before_the_server_stops() -> None:
    with Rooms(env={"POST_RATE": "off"}) as rooms:
        async with connect(rooms.ws + "/ws/chat/lobby/") as tool, httpx.AsyncClient() as browser:
            address = rooms.url + "/chat/lobby/"
            token = csrf_token((await browser.get(address)).text)
            with _locked(rooms):
                for number in range(20):
                    await tool.send(json.dumps({"message": f"{number}", "id": f"c-{number}"}))
                fields = {"csrfmiddlewaretoken": token, "message": "by a form"}
                form = asyncio.create_task(browser.post(address, data=fields, timeout=10))
                await asyncio.sleep(0.5)
                os.kill(rooms.pid, signal.SIGTERM)
                await asyncio.sleep(0.5)
                with pytest.raises(OSError, match="Connect call failed"):
                    await connect(rooms.ws + "/ws/chat/lobby/")
            frames = [json.loads(await asyncio.wait_for(tool.recv(), 5)) for _ in range(41)]
            acked = [frame["id"] for frame in frames if frame["type"] == "ack"]
            assert acked == [f"c-{number}" for number in range(20)]
            assert (await form).status_code == 303
            assert await _code(tool) == 4012
        rooms.stop()
        assert "Traceback" not in rooms.log()


def test_one_who_goes_on_asking_keeps_no_server_from_ending() -> None:
    with (
        Rooms(env={"DRAIN_SECONDS": "60"}) as rooms,
        httpx.Client(base_url=rooms.url, trust_env=False) as browser,
    ):
        with ThreadPoolExecutor(1) as beside:
            answers = beside.submit(_ask_on, browser)
            time.sleep(0.5)
            os.kill(rooms.pid, signal.SIGTERM)
            stopped = time.monotonic()
            *others, last = answers.result(timeout=10)
        assert time.monotonic() - stopped < 4
        assert {answer.status_code for answer in (*others, last)} == {200}
        assert last.headers["Connection"] == "close"
        assert not any("Connection" in answer.headers for answer in others)


async def test_sockets_that_have_gone_are_not_waited_for() -> None:
    with Rooms(env={"DRAIN_SECONDS": "60"}) as rooms:
        async with connect(rooms.ws + "/ws/chat/lobby/") as tool:
            await tool.send(json.dumps({"message": "goodbye"}))
            await tool.recv()
        stopped = time.monotonic()
        await asyncio.to_thread(rooms.stop)
        assert time.monotonic() - stopped < 8


async def test_a_connection_that_becomes_a_socket_while_the_server_stops_is_told_at_once() -> None:
    with Rooms() as rooms:
        late = socket.create_connection(("127.0.0.1", rooms.port))
        async with connect(rooms.ws + "/ws/chat/lobby/") as tool:
            with _locked(rooms):
                await tool.send(json.dumps({"message": "under way"}))
                await asyncio.sleep(0.3)
                os.kill(rooms.pid, signal.SIGTERM)
                await asyncio.sleep(0.3)
                reader = await connect(rooms.ws + "/ws/chat/lobby/?after=0", sock=late)
                assert await _code(reader) == 4012, "not only when all is done"


async def test_a_server_that_cannot_finish_ends_all_the_same() -> None:
    with Rooms(env={"DRAIN_SECONDS": "1"}) as rooms, _locked(rooms):
        async with connect(rooms.ws + "/ws/chat/lobby/") as tool:
            await tool.send(json.dumps({"message": "never stored", "id": "c-1"}))
            await asyncio.sleep(0.2)
            os.kill(rooms.pid, signal.SIGTERM)
            stopped = time.monotonic()
            assert await _code(tool) == 4012
        rooms.stop()
        assert time.monotonic() - stopped < 8


# What is too large


@pytest.mark.parametrize("upgrade", [False, True], ids=["page", "socket"])
async def test_headers_are_bounded(rooms: Rooms, upgrade: bool) -> None:
    path = "/ws/chat/lobby/" if upgrade else "/chat/lobby/"
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{rooms.port}"]
    if upgrade:
        lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    room = HEADERS_MAX - len("".join(lines)) - len("A: ")
    fits = await _raw(rooms, "\r\n".join([*lines, "A: " + "x" * room, "", ""]))
    assert fits.startswith(b"HTTP/1.1 101" if upgrade else b"HTTP/1.1 200")
    for more in (1, 100_000):
        answer = await _raw(rooms, "\r\n".join([*lines, "A: " + "x" * (room + more), "", ""]))
        assert answer.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("chunked", [False, True], ids=["length told", "chunked"])
async def test_bodies_are_bounded(rooms: Rooms, chunked: bool) -> None:
    async def send(size: int) -> bytes:
        head = f"POST /chat/lobby/ HTTP/1.1\r\nHost: 127.0.0.1:{rooms.port}\r\n"
        body = "x" * size
        if chunked:
            return await _raw(
                rooms, f"{head}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"
            )
        return await _raw(rooms, f"{head}Content-Length: {size}\r\n\r\n{body}")

    for size in (FORM_MAX - 1, FORM_MAX):
        assert (await send(size)).startswith(b"HTTP/1.1 403"), "read, and found without a token"
    for size in (FORM_MAX + 1, 100 * FORM_MAX):
        assert (await send(size)).startswith(b"HTTP/1.1 413")


# What is too slow


@pytest.mark.parametrize(
    "head",
    [
        "",
        "GET /chat/lobby/ HTTP/1.1\r\n",
        "POST /chat/lobby/ HTTP/1.1\r\nContent-Length: 100000\r\n\r\n",
        "GET /ws/chat/lobby/ HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    ],
    ids=["line", "headers", "body", "handshake"],
)
async def test_a_request_that_comes_byte_by_byte_is_not_waited_for(slow: Rooms, head: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", slow.port)
    began = time.monotonic()
    ended = asyncio.create_task(reader.read())
    try:
        writer.write(head.encode())
        while not ended.done():
            assert time.monotonic() - began < 6
            writer.write(b"x")
            await asyncio.sleep(0.2)
        assert time.monotonic() - began > 1.5
    finally:
        ended.cancel()
        writer.close()


async def test_what_has_been_asked_may_take_its_time(slow: Rooms) -> None:
    room = new_room()
    async with (
        httpx.AsyncClient(base_url=slow.url, timeout=5) as client,
        client.stream("GET", f"/chat/{room}/stream/") as stream,
        tool(slow, room, name="alice") as alice,
    ):
        parts = stream.aiter_text()
        await anext(parts)
        await asyncio.sleep(3)
        await alice.post("still here")
        assert "still here" in await anext(parts)


# Readers who do not read


@either_way
async def test_one_who_does_not_read_costs_little_delays_nobody_and_loses_nothing(
    program: list[str],
) -> None:
    with Rooms(env={"POST_RATE": "off", "STUCK_SECONDS": "off"}, program=program) as rooms:
        address = rooms.ws + "/ws/chat/lobby/"
        deaf = socket.create_connection(("127.0.0.1", rooms.port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        async with (
            connect(address, sock=deaf, max_queue=1, compression=None) as slow,
            connect(address) as quick,
            connect(address) as poster,
        ):
            before = _resident(rooms.pid)
            for number in range(COUNT):
                await poster.send(json.dumps({"message": f"{number} ".ljust(SIZE, "x")}))
                told = json.loads(await asyncio.wait_for(quick.recv(), 5))
                assert told["number"] == number + 1
                await poster.recv()
            grown = _resident(rooms.pid) - before
            # Each frame holds the text twice, as it was typed and as HTML.
            assert grown < COUNT * SIZE, "the server kept everything for the one who did not read"
            numbers = [
                json.loads(await asyncio.wait_for(slow.recv(), 10))["number"] for _ in range(COUNT)
            ]
            assert numbers == list(range(1, COUNT + 1))


def test_what_is_sent_to_a_socket_that_both_ends_have_closed_is_no_error() -> None:
    # The application hears of it a moment later, and may have something to say until then.
    socket = Socket()
    socket.client_addr = None
    socket.state = socket.STATE_CLOSED
    socket.handle_reply({"type": "websocket.send", "text": "lost"})


def test_all_sockets_share_the_options_of_their_server() -> None:
    factory = SocketFactory(None)
    factory.setProtocolOptions(maxMessagePayloadSize=1000)
    one, other = factory.buildProtocol(None), factory.buildProtocol(None)
    assert one.maxMessagePayloadSize == 1000
    assert not one.failByDrop
    assert one.perMessageCompressionAccept([]) is None
    assert type(one) is type(other)
    assert isinstance(one, Socket)


def test_nobody_chooses_under_which_path_the_site_stands(rooms: Rooms) -> None:
    for path in ("//elsewhere.example", "\xff"):
        answer = httpx.get(
            f"{rooms.url}/chat/LOBBY/",
            headers={b"Daphne-Root-Path": path.encode("latin-1")},
            trust_env=False,
        )
        assert answer.headers["Location"] == "/chat/lobby/"


async def test_a_socket_may_ask_for_any_protocol_and_gets_none(rooms: Rooms) -> None:
    headers = {"Sec-WebSocket-Protocol": "caf\xe9"}
    async with connect(f"{rooms.ws}/ws/chat/lobby/", additional_headers=headers) as socket:
        assert socket.subprotocol is None


def test_what_a_stranger_gets_wrong_is_no_error_of_ours(rooms: Rooms) -> None:
    before = len(rooms.log())
    answer = httpx.get(rooms.url, headers={"Host": "elsewhere.example"}, trust_env=False)
    assert answer.status_code == 400
    assert "ERROR" not in rooms.log()[before:]


@either_way
async def test_a_stuck_reader_does_not_slow_the_others(program: list[str]) -> None:
    with Rooms(env={"POST_RATE": "off", "STUCK_SECONDS": "off"}, program=program) as rooms:
        address = rooms.ws + "/ws/chat/{}/"
        deaf = socket.create_connection(("127.0.0.1", rooms.port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with (
            connect(address.format("stuck"), sock=deaf, max_queue=1, compression=None),
            connect(address.format("stuck"), compression=None) as beside,
            connect(address.format("calm"), compression=None) as apart,
        ):
            for _ in range(300):  # until nothing more fits in between
                await _time(beside, "x" * SIZE)
            times: dict[ClientConnection, list[float]] = {beside: [], apart: []}
            for _ in range(200):
                for poster, taken in times.items():
                    taken.append(await _time(poster, "hello"))
            # One who is waited for costs seconds, not twice the milliseconds.
            assert median(times[beside]) < 3 * median(times[apart])


async def _time(poster: ClientConnection, text: str) -> float:
    started = time.perf_counter()
    await poster.send(json.dumps({"message": text}))
    await asyncio.wait_for(poster.recv(), 5)
    return time.perf_counter() - started


@contextmanager
def _locked(rooms: Rooms) -> Iterator[None]:
    """Keep everybody from writing, as a long transaction of another process does."""
    other = sqlite3.connect(rooms.data_dir / "rooms.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


def _ask_on(browser: httpx.Client) -> list[httpx.Response]:
    """Ask over one connection until nobody listens for another; return the answers."""
    answers = []
    with contextlib.suppress(httpx.ConnectError):
        while True:
            answers.append(browser.get("/chat/"))
    return answers


async def _code(tool: ClientConnection) -> int | None:
    """Read on until the server closes; return its code."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(tool.recv(), 8)
    return tool.close_code


async def _raw(rooms: Rooms, request: str) -> bytes:
    """Send the request's bytes; return the head of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rooms.port)
    with contextlib.suppress(ConnectionError):  # the server may hang up before it has read all
        writer.write(request.encode())
        await writer.drain()
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()
    return answer


def _resident(pid: int) -> int:
    """Return the memory that a process holds, in bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * 4096
