"""The live log without script: one HTML response that does not end before its reader."""

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.services import Rooms
from tests.services.ports import wait_until
from tests.tool import Frame, Tool, new_room, tool
from tests.visitor import Visitor

_BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd", "Accept": "text/html"}


# What happens in the room is read within moments; a busy machine may open the stream slowly.
_PATIENT = httpx.Timeout(10, read=3)


class Reader:
    """Someone who reads the stream, as a browser without script does."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.text = ""
        self._chunks = answer.aiter_text()

    async def until(self, wanted: str) -> str:
        """Read on until the text holds it; httpx.ReadTimeout after three seconds without news."""
        while wanted not in self.text:
            self.text += await anext(self._chunks)
        return self.text


@asynccontextmanager
async def reader(rooms: Rooms, room: str) -> AsyncIterator[Reader]:
    """Open the room's stream."""
    async with (
        httpx.AsyncClient(base_url=rooms.url, trust_env=False, timeout=_PATIENT) as client,
        client.stream("GET", f"/chat/{room}/stream/", headers=_BROWSER) as answer,
    ):
        yield Reader(answer)


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


async def _change(alice: Tool, kind: str, posted: Frame, **keys: str) -> None:
    await alice.send(type=kind, message_id=posted["message_id"], **keys)


async def test_it_begins_with_the_log_in_the_log_s_own_markup(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as alice:
        await alice.post("one <b>")
        await alice.post("two https://example.org/")
    with Visitor(rooms) as visitor:
        page = visitor.get(f"/chat/{room}/").text
    items = re.findall(r'<li id="m\d+".*?</li>', page, re.DOTALL)
    assert len(items) == 2
    async with reader(rooms, room) as bob:
        assert bob.answer.status_code == 200
        assert bob.answer.headers["Content-Type"].startswith("text/html")
        begun = await bob.until(items[1])
        assert items[0] in begun
        assert "<link" in begun, "a document of its own needs its own style sheet"


async def test_a_message_shows_within_a_second(rooms: Rooms) -> None:
    room = new_room()
    async with reader(rooms, room) as bob, tool(rooms, room, name="alice") as alice:
        await bob.until("<ol")
        for number in range(3):
            await alice.post(f"text {number} .")
            await bob.until(f"text {number} .")
        assert bob.text.count("text 0 .") == 1


async def test_an_edit_shows_as_a_line_that_leads_to_the_message(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice", events="all") as alice:
        posted = await alice.post("helo")
        async with reader(rooms, room) as bob:
            before = await bob.until("helo")
            await _change(alice, "edit", posted, message="hello")
            await alice.until("message.changed")
            after = (await bob.until("edited"))[len(before) :]
            assert f'href="/chat/{room}/1/"' in after


async def test_a_deletion_shows_as_a_line(rooms: Rooms) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice", events="all") as alice:
        posted = await alice.post("a slip")
        async with reader(rooms, room) as bob:
            before = await bob.until("a slip")
            await _change(alice, "delete", posted)
            await alice.until("message.deleted")
            after = (await bob.until("deleted"))[len(before) :]
            assert "slip" not in after


async def test_only_our_own_pages_may_frame_it(rooms: Rooms) -> None:
    async with reader(rooms, new_room()) as bob:
        headers = bob.answer.headers
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        assert "no-store" in headers["Cache-Control"]


async def test_when_the_history_was_replaced_it_says_so_and_ends_to_be_loaded_anew(
    tmp_path: Path,
) -> None:
    room = new_room()
    with Rooms() as own:
        async with tool(own, room) as alice:
            await alice.post("kept")
            own.manage("backup", str(tmp_path / "backup"))
            async with reader(own, room) as bob:
                await bob.until("kept")
                await alice.post("lost")
                before = await bob.until("lost")
                own.manage("restore", str(tmp_path / "backup"))
                with pytest.raises(StopAsyncIteration):
                    await bob.until("what never comes")
                told = bob.text[len(before) :]
        assert f'href="/chat/{room}/"' in told
        assert '<meta http-equiv="refresh" content="1">' in told
        async with reader(own, room) as bob:
            assert "lost" not in await bob.until("kept")
        for trouble in ("Traceback", "ERROR"):
            assert trouble not in own.log()


async def test_it_ends_with_its_reader() -> None:
    room = new_room()
    with Rooms() as own:
        async with tool(own, room) as alice:
            await alice.post("hello")
            before = _open_sockets(own)
            for _ in range(5):
                async with reader(own, room) as bob:
                    await bob.until("hello")
                    assert _open_sockets(own) > before
            wait_until(lambda: _open_sockets(own) <= before, 5, "a stream outlives its reader")
            assert (await alice.post("marker"))["number"] == 2
        own.stop()
        for trouble in ("Traceback", "ERROR", "took too long"):
            assert trouble not in own.log()


async def test_a_server_that_is_stopped_does_not_wait_for_its_readers() -> None:
    room = new_room()
    with Rooms() as own:
        async with reader(own, room) as bob:
            await bob.until("<ol")
            own.stop()
            with pytest.raises((httpx.RemoteProtocolError, StopAsyncIteration)):
                await bob.until("what never comes")
        for trouble in ("Traceback", "ERROR", "took too long"):
            assert trouble not in own.log()


def _open_sockets(rooms: Rooms) -> int:
    count = 0
    for file in Path(f"/proc/{rooms.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += str(file.readlink()).startswith("socket:")
    return count
