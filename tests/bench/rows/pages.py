"""The room page, against a view that shows nothing."""

import asyncio
from contextlib import AsyncExitStack

from tests.bench.cpu import cpu_of
from tests.bench.crowd import Crowd
from tests.bench.http import Client, look
from tests.bench.knobs import Knobs
from tests.bench.posters import eagerly, steadily
from tests.bench.rivals import Ours
from tests.bench.table import Goal, Row, Values, medians

_VISITORS = 4
_MESSAGES = 50
_WRITES = 10
_EMPTY, _PAGE, _WRITTEN = "an empty view", "the room page", "the room page, 10 writes/s elsewhere"
_PATHS = {_EMPTY: "/empty/", _PAGE: "/chat/pages/", _WRITTEN: "/chat/pages/"}


async def pages(server: Ours, knobs: Knobs) -> list[Row]:
    """Measure what a request costs."""
    async with AsyncExitStack() as open_:
        await _fill(server)
        clients = [await open_.enter_async_context(Client(server.port)) for _ in range(_VISITORS)]
        writers = await open_.enter_async_context(Crowd(server.marks))
        await writers.join(server.address("elsewhere"), 1)
        costs: Values = {case: [] for case in _PATHS}
        size = 0
        for _ in range(knobs.repeat):
            for case, path in _PATHS.items():
                size = len(await clients[0].get(path))
                writing = asyncio.ensure_future(
                    steadily(writers.seats, _WRITES, int(_WRITES * knobs.seconds), server.padding)
                    if case == _WRITTEN
                    else asyncio.sleep(0)
                )
                before = cpu_of(server.pid)
                times = sum(
                    await asyncio.gather(*(look(one, path, knobs.seconds) for one in clients))
                )
                costs[case].append((cpu_of(server.pid) - before) / 1000 / times)
                await writing
    cost = medians(costs)
    goals = [
        Goal(f"{case} / empty", cost[case] / cost[_EMPTY], "at most", 2.5)
        for case in (_PAGE, _WRITTEN)
    ]
    note = f"{size:,} bytes, compressed"
    return [
        Row(f"room page, {_MESSAGES} messages", "µs of server CPU a request", cost, goals, note)
    ]


async def _fill(server: Ours) -> None:
    async with Crowd(server.marks) as crowd:
        await crowd.join(server.address("pages"), 1)
        posted = 0
        while posted < _MESSAGES:
            posted += await eagerly(crowd.seats, 0.05, server.padding)
