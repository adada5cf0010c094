"""Which servers each of the rows needs; a stage is what is measured with them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from playwright.async_api import async_playwright

from tests.bench.halls import Server, halls
from tests.bench.knobs import Knobs
from tests.bench.rivals import Broadcast, NodeWs, NotHere, Ours, Raw, Tutorial
from tests.bench.rows.browser import browser
from tests.bench.rows.fan_out import fan_out
from tests.bench.rows.gathering import gathering
from tests.bench.rows.history import history
from tests.bench.rows.many_rooms import many_rooms
from tests.bench.rows.overload import overload
from tests.bench.rows.pages import pages
from tests.bench.rows.posts import posts
from tests.bench.rows.saturation import saturation
from tests.bench.rows.sockets import sockets
from tests.bench.rows.two_processes import Chat, two_processes
from tests.bench.table import Row
from tests.services import Postgres, Redis
from tests.services.chromium import alaunch
from tests.services.program import Program

Started = TypeVar("Started", bound=Program)


class Start(Protocol):
    """What starts a program, for as long as the stage lasts."""

    async def __call__(self, program: Started) -> Started: ...


async def _full_room(knobs: Knobs) -> list[Row]:
    async with _programs() as start:
        redis = await start(Redis())
        servers: list[Server] = [
            Ours(),
            Ours("Rooms on Redis", redis.url),
            Tutorial(),
            Tutorial("tutorial on Redis", redis.url),
            Broadcast(),
            Raw(),
        ]
        started = await asyncio.gather(*map(start, servers))
        missing = ""
        try:
            started.append(await start(NodeWs()))
        except NotHere as left_out:
            missing = str(left_out)
        async with halls(started, knobs.people) as filled:
            rows = await fan_out(filled, knobs) + await saturation(filled, knobs)
        return [replace(row, note=missing) for row in rows]


async def _overload(knobs: Knobs) -> list[Row]:
    async with _programs() as start:
        redis = await start(Redis())
        servers: list[Server] = [Ours(), Tutorial(), Tutorial("tutorial on Redis", redis.url)]
        return await overload([await start(server) for server in servers], knobs)


async def _posts(knobs: Knobs) -> list[Row]:
    async with _programs() as start:
        return await posts(await start(Postgres()), knobs)


async def _pages(knobs: Knobs) -> list[Row]:
    async with _programs() as start:
        return await pages(await start(Ours()), knobs)


async def _sockets(knobs: Knobs) -> list[Row]:
    async with _programs() as start:
        return await sockets(await start(Ours()), await start(Tutorial()), knobs)


async def _history(knobs: Knobs) -> list[Row]:
    async with _programs() as start:
        return await history(await start(Ours()), knobs)


async def _gathering(knobs: Knobs) -> list[Row]:
    async with _programs() as start:
        return await gathering(await start(Ours()), knobs)


async def _many_rooms(knobs: Knobs) -> list[Row]:
    async with _programs() as start:
        return await many_rooms(await start(Ours()), await start(Ours()), knobs)


async def _two_processes(knobs: Knobs) -> list[Row]:
    async with _programs() as start:
        postgres = await start(Postgres())
        alone = await _chat(start, postgres, 1)
        return await two_processes(alone, await _chat(start, postgres, 2), knobs)


async def _chat(start: Start, postgres: Postgres, processes: int) -> Chat:
    redis, database_url = await start(Redis()), postgres.database()
    found: list[Ours] = []
    for _ in range(processes):
        data_dir = found[0].data_dir if found else None
        name = f"Rooms, {processes}"
        found.append(await start(Ours(name, redis.url, database_url, data_dir)))
    return Chat(found, redis)


async def _browser(knobs: Knobs) -> list[Row]:
    async with _programs() as start, async_playwright() as playwright:
        server = await start(Ours())
        async with await alaunch(playwright) as chromium:
            return await browser(server, chromium, knobs)


STAGES: dict[str, Callable[[Knobs], Coroutine[Any, Any, list[Row]]]] = {
    "full room": _full_room,
    "overload": _overload,
    "posts": _posts,
    "pages": _pages,
    "sockets": _sockets,
    "history": _history,
    "gathering": _gathering,
    "many rooms": _many_rooms,
    "two processes": _two_processes,
    "browser": _browser,
}


@asynccontextmanager
async def _programs() -> AsyncIterator[Start]:
    """Give what starts a program, and stop all of them afterwards."""
    async with AsyncExitStack() as running:

        async def start(program: Started) -> Started:
            starting = asyncio.create_task(asyncio.to_thread(program.__enter__))
            running.push_async_callback(_stop, program, starting)
            return await asyncio.shield(starting)

        yield start


async def _stop(program: Program, starting: asyncio.Task[Any]) -> None:
    # A thread cannot be cancelled: what it is about to start has to be waited for, or it stays.
    await asyncio.wait([starting])
    await asyncio.to_thread(program.__exit__, None, None, None)
