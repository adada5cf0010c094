"""Rooms behind nginx: what arrives through it, and what it keeps away."""

import asyncio
import re
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.deploy.site import DEPLOY, Site
from tests.services import Rooms
from tests.services.ports import HOST
from tests.tool import new_room
from tests.visitor import csrf_token

_POSTERS = 4


@pytest.fixture(scope="module", autouse=True)
def idle(site: Site) -> Iterator[tuple[socket.socket, float]]:
    """A connection that never says anything, and when it was opened."""
    with socket.create_connection((HOST, site.nginx.port)) as silent:
        yield silent, time.monotonic()


def form(client: httpx.Client, room: str) -> dict[str, str]:
    """The hidden fields of the form on the room's page."""
    page = client.get(f"/chat/{room}/")
    assert page.status_code == 200
    found = re.search(r'name="id" autocomplete="off" value="([^"]+)"', page.text)
    assert found
    return {"csrfmiddlewaretoken": csrf_token(page.text), "id": found[1]}


async def texts(answer: AsyncIterator[str], wanted: str) -> str:
    """Read on until the text is there."""
    read = ""
    async with asyncio.timeout(5):
        while wanted not in read:
            read += await anext(answer)
    return read


async def stored(site: Site, room: str) -> list[str]:
    """Everything that was said in the room."""
    async with site.tool(room, "?after=0") as reader:
        frames = await reader.all_until("live")
    return [frame["message"] for frame in frames if frame["type"] == "message.posted"]


@pytest.mark.parametrize("headers", [{}, {"Connection": "Upgrade", "Upgrade": "websocket"}])
def test_what_is_not_encrypted_is_sent_to_https(site: Site, headers: dict[str, str]) -> None:
    address = f"http://{HOST}:{site.plain}/ws/chat/lobby/?after=0"
    answer = httpx.get(address, headers=headers, trust_env=False)
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"https://{HOST}/ws/chat/lobby/?after=0"


def test_a_page_comes_and_its_form_posts(site: Site) -> None:
    room = new_room()
    with site.client() as alice:
        answer = alice.post(f"/chat/{room}/", data={**form(alice, room), "message": "by hand"})
        assert answer.status_code == 303
        assert "__Host-csrftoken" in alice.cookies
        page = alice.get(f"/chat/{room}/")
        assert "by hand" in page.text
        assert page.headers["Strict-Transport-Security"]
        css = re.search(r'href="(/static/[^"]+\.css)"', page.text)
        assert css
        assert "immutable" in alice.get(css[1]).headers["Cache-Control"]


async def test_a_tool_talks_through_it(site: Site) -> None:
    room = new_room()
    async with site.tool(room) as one, site.tool(room) as other:
        await one.send(message="hello", id="c-1")
        assert not (await one.until("ack", id="c-1"))["duplicate"]
        await other.until("message.posted", message="hello")


def test_where_somebody_comes_from_arrives_and_cannot_be_forged(site: Site) -> None:
    def sign_in(client: httpx.Client, turn: int) -> int:
        headers = {"X-Forwarded-For": f"203.0.113.{turn}", "X-Forwarded-Proto": "http"}
        return client.post("/admin/login/", headers=headers).status_code

    with site.client("127.0.0.2") as mallory, site.client("127.0.0.3") as alice:
        assert [sign_in(mallory, turn) for turn in range(11)] == [403] * 10 + [429]
        assert sign_in(alice, 1) == 403


async def test_the_page_without_script_hears_at_once(site: Site) -> None:
    room = new_room()
    async with site.reader(room) as answer, site.tool(room) as alice:
        parts = answer.aiter_text()
        await texts(parts, "<ol")
        for n in range(3):
            await alice.send(message=f"news {n}")
            await texts(parts, f"news {n}")


async def test_the_page_without_script_outlives_a_long_silence(
    servers: tuple[Rooms, Rooms], tmp_path: Path
) -> None:
    impatient = Site(servers, tmp_path, {"proxy_read_timeout 60s": "proxy_read_timeout 1s"})
    with impatient.nginx:
        room = new_room()
        async with impatient.reader(room) as answer:
            parts = answer.aiter_text()
            await texts(parts, "<ol")
            await asyncio.sleep(2)
            async with impatient.tool(room) as alice:
                await alice.send(message="at last")
                await texts(parts, "at last")


@pytest.mark.parametrize("way", ["with its length", "in chunks"])
def test_a_body_that_is_too_large_is_refused_as_rooms_would(site: Site, way: str) -> None:
    body = b"x" * 1_048_577
    with site.client() as alice:
        content = body if way == "with its length" else iter([body])
        assert alice.post("/chat/lobby/", content=content).status_code == 413
        fits = alice.post("/chat/lobby/", content=body[1:])
        assert fits.status_code == 403  # for want of a token


async def test_a_killed_process_takes_its_own_sockets_and_nobody_s_message(site: Site) -> None:
    room = new_room()
    async with site.tool(room) as one, site.tool(room) as other, posting(site, room) as said:
        await asyncio.sleep(1)
        site.servers[0].kill()
        closed = [asyncio.create_task(each.socket.wait_closed()) for each in (one, other)]
        await asyncio.wait(closed, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(1)
        # Whoever had fewer sockets had got the second.
        assert sorted(each.done() for each in closed) == [False, True]
        await asyncio.to_thread(site.servers[0].start)
    counted = Counter(await stored(site, room))
    assert set(counted.values()) == {1}
    assert set(said) == set(counted)


async def test_by_room_all_readers_of_a_room_are_at_one_process(
    servers: tuple[Rooms, Rooms], tmp_path: Path
) -> None:
    told = (DEPLOY.parent / "scaling.md").read_text()
    [room_is, choose] = re.findall(r"^((?:map|hash) .*;(?: })?) +#", told, re.MULTILINE)
    changed = {"upstream rooms {": f"{room_is}\nupstream rooms {{", "least_conn;": choose}
    parted = Site(servers, tmp_path, changed)
    with parted.nginx:
        async with AsyncExitStack() as open_:
            # Of so many rooms both processes have some.
            pairs = [
                [await open_.enter_async_context(parted.tool(room)) for _ in range(2)]
                for room in [new_room() for _ in range(30)]
            ]
            servers[0].kill()
            await asyncio.sleep(1)
            await asyncio.to_thread(servers[0].start)
            gone = [[each.socket.close_code is not None for each in pair] for pair in pairs]
    assert {len(set(pair)) for pair in gone} == {1}
    assert {pair[0] for pair in gone} == {False, True}


async def test_a_restart_of_one_after_the_other_is_no_more_than_a_reconnect(site: Site) -> None:
    room = new_room()
    codes: list[int | None] = []

    async def listen() -> None:
        while True:
            async with site.tool(room) as reader:
                await reader.socket.wait_closed()
                codes.append(reader.socket.close_code)

    async with posting(site, room) as said:
        listening = asyncio.create_task(listen())
        for server in site.servers:
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.restart)
        listening.cancel()
    # Twice, or once if it was at the second process from the beginning.
    assert codes in ([4012], [4012, 4012])
    counted = Counter(await stored(site, room))
    assert set(counted.values()) == {1}
    assert set(said) == set(counted)


def test_who_asks_for_nothing_is_let_go(idle: tuple[socket.socket, float]) -> None:
    silent, since = idle
    silent.settimeout(15)
    assert silent.recv(1) == b""
    assert time.monotonic() - since > 5


@asynccontextmanager
async def posting(site: Site, room: str) -> AsyncIterator[list[str]]:
    """Let some people post by the form all the while; afterwards gives what was acknowledged."""
    end, said = Event(), list[str]()
    with ThreadPoolExecutor(_POSTERS) as beside:
        people = [beside.submit(post, site, room, f"poster {n}", end) for n in range(_POSTERS)]
        try:
            yield said
        finally:
            end.set()
    for person in people:
        said += person.result()


def post(site: Site, room: str, name: str, end: Event) -> list[str]:
    """Post one message after the other, again for as long as its process is gone meanwhile."""
    said: list[str] = []
    with site.client() as client:
        while not end.is_set():
            fields = form(client, room) | {"message": f"{name} {len(said)}"}
            while (answer := client.post(f"/chat/{room}/", data=fields)).status_code != 303:
                assert answer.status_code == 502
            said.append(fields["message"])
    return said
