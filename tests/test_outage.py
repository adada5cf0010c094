"""The database goes away and comes back."""

import asyncio
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.services import Postgres, Rooms
from tests.visitor import csrf_token


@pytest.mark.services
async def test_without_its_database_the_chat_refuses_clearly_and_is_well_when_it_is_back() -> None:
    with Postgres() as postgres, Rooms(database_url=postgres.database()) as rooms:
        async with (
            httpx.AsyncClient(base_url=rooms.url, timeout=30) as browser,
            connect(rooms.ws + "/ws/chat/lobby/") as tool,
        ):
            page = (await browser.get(_ROOM)).text
            token = csrf_token(page)
            await tool.send(json.dumps({"message": "before"}))
            assert (await _next(tool, "message.posted"))["message"] == "before"

            postgres.kill()
            await tool.send(json.dumps({"message": "meanwhile", "id": "c-2"}))
            assert (await _next(tool, "error"))["code"] == "unavailable"
            form = {"csrfmiddlewaretoken": token, "message": "typed meanwhile"}
            answer = await browser.post(_ROOM, data=form)
            assert answer.status_code == 503
            assert "typed meanwhile" in answer.text
            assert answer.headers["Retry-After"]
            assert (await browser.get("/healthz")).json()["status"] == "error"
            signed_in = {"Cookie": f"sessionid={'a' * 32}"}
            for path in ("/chat/", "/admin/"):
                answer = await browser.get(path, headers=signed_in)
                assert answer.status_code == 503
                assert answer.headers["Retry-After"]

            postgres.start()
            await _until_well(browser)
            await _until_heard(tool, {"message": "meanwhile", "id": "c-2"})
            assert (await browser.get(_ROOM)).text.count("meanwhile") == 1
            assert "could not be stored" in rooms.log()
            assert "meanwhile" not in rooms.log(), "a log is no place for what people say"


@pytest.mark.services
async def test_without_its_database_one_who_is_signed_in_is_told_to_come_again() -> None:
    with Postgres() as postgres, Rooms(database_url=postgres.database()) as rooms:
        # Any key will do: the session is looked for before it is known.
        cookie = {"Cookie": f"sessionid={'a' * 32}"}
        async with connect(rooms.ws + "/ws/chat/lobby/", additional_headers=cookie) as tool:
            await tool.send(json.dumps({"message": "before"}))
            assert (await _next(tool, "message.posted"))["message"] == "before"
        postgres.kill()
        async with connect(rooms.ws + "/ws/chat/lobby/", additional_headers=cookie) as tool:
            assert (await _next(tool, "error"))["code"] == "unavailable"
            await asyncio.wait_for(tool.wait_closed(), 5)
            assert tool.close_code == 4013
        assert "Traceback" not in rooms.log()


async def test_on_a_full_disk_the_chat_refuses_clearly_and_is_well_when_there_is_room() -> None:
    with Rooms() as rooms:
        async with (
            httpx.AsyncClient(base_url=rooms.url, timeout=30) as browser,
            connect(rooms.ws + "/ws/chat/lobby/") as tool,
        ):
            token = csrf_token((await browser.get(_ROOM)).text)
            await tool.send(json.dumps({"message": "before"}))
            assert (await _next(tool, "message.posted"))["message"] == "before"
            with _full_disk(rooms):
                await tool.send(json.dumps({"message": "meanwhile", "id": "c-2"}))
                assert (await _next(tool, "error"))["code"] == "unavailable"
                form = {"csrfmiddlewaretoken": token, "message": "typed meanwhile"}
                answer = await browser.post(_ROOM, data=form)
                assert answer.status_code == 503
                assert "typed meanwhile" in answer.text
                page = await browser.get(_ROOM)
                assert page.status_code == 200
                assert "before" in page.text
            await _until_heard(tool, {"message": "meanwhile", "id": "c-2"})
            assert (await browser.get(_ROOM)).text.count("meanwhile") == 1
            assert "could not be stored" in rooms.log()
            assert "meanwhile" not in rooms.log(), "a log is no place for what people say"


@contextmanager
def _full_disk(rooms: Rooms) -> Iterator[None]:
    """Let none of the server's files grow."""
    log = rooms.data_dir / "rooms.sqlite3-wal"
    _, hard = resource.prlimit(rooms.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(rooms.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        yield
    finally:
        resource.prlimit(rooms.pid, resource.RLIMIT_FSIZE, (hard, hard))


_ROOM = "/chat/lobby/"


async def _next(tool: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(tool.recv(), 30))
        if frame["type"] == kind:
            return frame


async def _until_well(browser: httpx.AsyncClient) -> None:
    for _ in range(100):
        if (await browser.get("/healthz")).status_code == 200:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("never well again")


async def _until_heard(tool: ClientConnection, frame: dict[str, str]) -> None:
    """Post again and again, as a tool does, over the socket that was never closed."""
    while True:
        await tool.send(json.dumps(frame))
        answer = json.loads(await asyncio.wait_for(tool.recv(), 30))
        if answer["type"] == "message.posted":
            assert answer["message"] == frame["message"]
            return
        await asyncio.sleep(0.5)
