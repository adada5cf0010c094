"""A room that has said much: page, post and resume cost no more than in a young one."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing

from picows import ws_connect

from tests.bench.cpu import cpu_of
from tests.bench.crowd import Crowd, Seat
from tests.bench.http import Client, look
from tests.bench.knobs import Knobs
from tests.bench.posters import eagerly
from tests.bench.rivals import Ours
from tests.bench.table import Goal, Row, Values, medians

_YOUNG = 1000
_MISSED = 50
_RESUMES = 20  # for each second of the measurement

Work = Callable[[str], Awaitable[int]]


async def history(server: Ours, knobs: Knobs) -> list[Row]:
    """Measure both rooms in turn."""
    rooms = {"young": _YOUNG, "old": knobs.history}
    for room, size in rooms.items():
        async with Crowd(server.marks) as crowd:
            await crowd.join(server.address(room), 1)
            await eagerly(crowd.seats, 0.01, server.padding)
        _grow(server, room, size)

    async def page(room: str) -> int:
        async with Client(server.port) as client:
            return await look(client, f"/chat/{room}/", knobs.seconds)

    async def post(room: str) -> int:
        async with Crowd(server.marks) as crowd:
            await crowd.join(server.address(room), 1)
            return await eagerly(crowd.seats, knobs.seconds, server.padding)

    async def resume(room: str) -> int:
        times = max(int(_RESUMES * knobs.seconds), 1)
        address = f"{server.address(room)}?after={_head(server, room) - _MISSED}"
        for _ in range(times):
            await _resume(address)
        return times

    works: dict[str, Work] = {"a page": page, "a post": post, "a resume": resume}
    costs: Values = {f"{what}, {size:,}": [] for what in works for size in rooms.values()}
    for _ in range(knobs.repeat):
        for what, work in works.items():
            for room, size in rooms.items():
                before = cpu_of(server.pid)
                times = await work(room)
                spent = cpu_of(server.pid) - before
                costs[f"{what}, {size:,}"].append(spent / 1000 / times)
    cost = medians(costs)
    goals = [
        Goal(
            f"{what}, old / young",
            cost[f"{what}, {knobs.history:,}"] / cost[f"{what}, {_YOUNG:,}"],
            "at most",
            1.2,
        )
        for what in works
    ]
    name = f"history, {_YOUNG:,} and {knobs.history:,} messages"
    return [Row(name, "µs of server CPU each", cost, goals)]


async def _resume(address: str) -> None:
    seat = Seat(1, samples=False)
    seat.wanted = b'"type":"live"'
    await ws_connect(lambda: seat, address)
    await seat.seen.wait()
    seat.transport.disconnect(graceful=False)


def _grow(server: Ours, room: str, size: int) -> None:
    """Put copies of the room's first message before its last, past all of our own code."""
    with closing(sqlite3.connect(server.data_dir / "rooms.sqlite3", timeout=30)) as store, store:
        [(pk, number)] = store.execute(
            "SELECT id, number FROM rooms_room WHERE name = ?", [room]
        ).fetchall()
        names = [row[1] for row in store.execute("PRAGMA table_info(rooms_message)")]
        names.remove("id")
        counted = {"number": "n", "posted_seq": "n", "seq": "n", "client_id": "NULL"}
        wanted = ", ".join(counted.get(name, name) for name in names)
        store.execute(
            f"WITH RECURSIVE counter(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM counter "
            f"WHERE n < ?) INSERT INTO rooms_message ({', '.join(names)}) "
            f"SELECT {wanted} FROM counter, "
            f"(SELECT {', '.join(n for n in names if n not in counted)} FROM rooms_message "
            f"WHERE room_id = ? ORDER BY number LIMIT 1)",
            [number + 1, size, pk],
        )
        store.execute("UPDATE rooms_room SET number = ?, seq = ? WHERE id = ?", [size, size, pk])


def _head(server: Ours, room: str) -> int:
    with closing(sqlite3.connect(server.data_dir / "rooms.sqlite3", timeout=30)) as store:
        [(seq,)] = store.execute("SELECT seq FROM rooms_room WHERE name = ?", [room]).fetchall()
    return int(seq)
