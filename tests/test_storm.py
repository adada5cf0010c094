"""A restart with a thousand readers: all come back at once, and miss nothing."""

import asyncio
import json
import resource
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.services import Rooms
from tests.tool import tool

COUNT = 1000
SECONDS = 60


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        assert hard >= COUNT + 200, "for this test to mean anything"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, COUNT + 200), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_readers_who_come_back_at_once_miss_nothing() -> None:
    with Rooms() as rooms:
        async with tool(rooms, "lobby") as alice:
            for n in range(5):
                await alice.post(f"before {n}")
        before = await asyncio.gather(*(_join(rooms, 3) for _ in range(COUNT)))
        assert {_said(frames) for _, frames in before} == {("before 3", "before 4")}
        rooms.kill()
        rooms.start()
        async with tool(rooms, "lobby") as bob:
            await bob.post("meanwhile")
            after = await asyncio.gather(*(_join(rooms, 5) for _ in range(COUNT)))
            assert {_said(frames) for _, frames in after} == {("meanwhile",)}
            await bob.post("to all")
            last = await asyncio.gather(*(_next(reader) for reader, _ in after))
            assert {frame["message"] for frame in last} == {"to all"}
        await asyncio.gather(*(reader.close() for reader, _ in after))
        assert "ERROR" not in rooms.log()
        assert "Traceback" not in rooms.log()


async def _join(rooms: Rooms, cursor: int) -> tuple[ClientConnection, list[dict[str, str]]]:
    reader = await connect(
        f"{rooms.ws}/ws/chat/lobby/?after={cursor}",
        compression=None,
        open_timeout=SECONDS,
        ping_interval=None,
    )
    frames: list[dict[str, str]] = []
    while not frames or frames[-1]["type"] != "live":
        frames.append(await _next(reader))
    return reader, frames


async def _next(reader: ClientConnection) -> dict[str, str]:
    frame: dict[str, str] = json.loads(await asyncio.wait_for(reader.recv(), SECONDS))
    return frame


def _said(frames: list[dict[str, str]]) -> tuple[str, ...]:
    return tuple(frame["message"] for frame in frames if frame["type"] == "message.posted")
