"""Sockets whose other end is there, and those whose is not."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect

from rooms.server.sockets import Socket
from rooms.wire import Line
from tests.services import Rooms

_PING = b"\x89\x00"
_UPGRADE = (
    "GET /ws/chat/lobby/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(program=("-m", "tests.short_pulse")) as server:
        yield server


async def test_who_answers_no_ping_is_dropped_and_who_does_is_not(rooms: Rooms) -> None:
    async with connect(f"{rooms.ws}/ws/chat/lobby/", ping_interval=None) as alive:
        reader, writer = await _dead(rooms)
        assert await asyncio.wait_for(reader.readexactly(2), 10) == _PING
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        await alive.send(json.dumps({"message": "still here"}))
        assert json.loads(await asyncio.wait_for(alive.recv(), 5))["message"] == "still here"
        writer.close()


async def test_whatever_comes_is_an_answer(rooms: Rooms) -> None:
    reader, writer = await _dead(rooms)
    # There is no second ping for one who did not answer the first.
    pinged = asyncio.create_task(asyncio.wait_for(reader.readexactly(4), 7))
    while not pinged.done():
        writer.write(_masked(0x8A, b"an unasked pong"))
        await asyncio.wait({pinged}, timeout=0.5)
    assert await pinged == _PING * 2
    writer.close()


async def test_what_looks_like_an_answer_within_a_frame_is_a_part_of_it(rooms: Rooms) -> None:
    text = b'{"message": "hello"}'
    # Under this mask its last six bytes begin like a pong.
    mask = bytes((text[-4] ^ 1, text[-3] ^ 1, text[-6] ^ 0x8A, text[-5] ^ 0x80))
    hidden = bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))
    assert hidden[-6:-4] == b"\x8a\x80", "for this test to mean anything"
    async with connect(f"{rooms.ws}/ws/chat/lobby/") as other:
        _, writer = await _dead(rooms)
        writer.write(bytes((0x81, 0x80 | len(text))) + mask + hidden[:-6])
        await asyncio.sleep(0.2)
        writer.write(hidden[-6:])
        assert json.loads(await asyncio.wait_for(other.recv(), 5))["message"] == "hello"
        writer.close()


def test_a_ping_waits_behind_what_is_under_way() -> None:
    socket = Socket()
    sent: list[bytes | str] = []

    class Free(Line):
        def write(self, frames: bytes) -> bool:
            sent.append(frames)
            return True

    socket.state = socket.STATE_OPEN
    socket.sendPing = lambda: sent.append("a ping")
    socket.line = Free()
    socket.check_timeouts()
    assert sent == [], "one who has just come is there"
    socket._next_ping = 1.0
    socket.check_timeouts()
    socket.check_timeouts()
    assert sent == [_PING]
    socket._is_silent, socket._next_ping = False, 1.0
    socket.line = Line()
    socket.check_timeouts()
    assert sent == [_PING, "a ping"]


def test_one_who_is_not_read_is_not_taken_for_dead() -> None:
    socket = Socket()
    ended: list[str] = []
    socket.state, socket.line = socket.STATE_OPEN, Line()
    socket.sendPing = lambda: None
    socket.onAutoPingTimeout = lambda: ended.append("dead")
    for is_paused in (True, True, False):
        socket.is_paused, socket._next_ping = is_paused, 1.0
        socket.check_timeouts()
    assert ended == []
    socket._next_ping = 1.0
    socket.check_timeouts()
    assert ended == ["dead"]


async def _dead(rooms: Rooms) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a socket that says and answers nothing by itself."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rooms.port)
    writer.write(_UPGRADE.format(port=rooms.port).encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    return reader, writer


def _masked(kind: int, payload: bytes) -> bytes:
    return bytes((kind, 0x80 | len(payload), 0, 0, 0, 0)) + payload
