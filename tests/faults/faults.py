"""What can break, each with what heals it."""

import asyncio
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from random import Random

import psycopg
import redis

from tests.faults.control import Bell
from tests.faults.world import World
from tests.services import Rooms
from tests.services.ports import wait_until

# Two faults at once at most, one of each lane: a process or its connections, and what it needs.
Lane = str
CONNECTIONS, NEEDS = "connections", "needs"

Strike = Callable[[World, Random], AbstractAsyncContextManager[None]]

_DAY = 86_400
# Within this a server has to stop, however it goes to those that it needs.
_STOPS_SECONDS = 10


@dataclass(frozen=True)
class Fault:
    """A way to break a world: entering breaks it, leaving heals it."""

    kind: str
    lane: Lane
    worlds: tuple[str, ...]
    seconds: tuple[float, float]  # how long it lasts, at least and at most
    strike: Strike


FAULTS: list[Fault] = []


def of(world: str) -> list[Fault]:
    """Return the faults that a world can have."""
    return [fault for fault in FAULTS if world in fault.worlds]


def drawn(faults: list[Fault], dice: Random) -> Iterator[Fault]:
    """Yield faults for ever, each kind once before any comes again."""
    while faults:
        yield from dice.sample(faults, len(faults))


def _fault(
    kind: str, lane: Lane, seconds: tuple[float, float], *worlds: str
) -> Callable[[Callable[[World, Random], AsyncIterator[None]]], None]:
    def register(strike: Callable[[World, Random], AsyncIterator[None]]) -> None:
        FAULTS.append(
            Fault(kind, lane, worlds or ("several", "single"), seconds, asynccontextmanager(strike))
        )

    return register


# Processes and their connections


@_fault("server killed", CONNECTIONS, (0, 2))
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    server = dice.choice(world.servers)
    await asyncio.to_thread(server.kill)
    yield
    await asyncio.to_thread(server.start)


@_fault("server stopped and started", CONNECTIONS, (0, 1))
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    server = dice.choice(world.servers)
    started = time.monotonic()
    await asyncio.to_thread(server.stop)
    if (took := time.monotonic() - started) > _STOPS_SECONDS:
        world.complaints.append(f"a server took {took:.1f} s to stop")
    yield
    await asyncio.to_thread(server.start)


@_fault("server frozen", CONNECTIONS, (5, 20))
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    server = dice.choice(world.servers)
    server.freeze()
    yield
    server.thaw()


@_fault("all connections cut", CONNECTIONS, (0, 0))
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    world.front.cut()
    yield


@_fault("all connections half-open", CONNECTIONS, (2, 4))
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    # Nothing heals them: who is at either end has to notice.
    world.front.hang()
    yield


# What a server needs


@_fault("Redis killed", NEEDS, (1, 6), "several")
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    assert world.redis is not None
    await asyncio.to_thread(world.redis.kill)
    yield
    await asyncio.to_thread(world.redis.start)


@_fault("Redis frozen", NEEDS, (2, 8), "several")
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    assert world.redis is not None
    world.redis.freeze()
    yield
    world.redis.thaw()


@_fault("Redis flushed", NEEDS, (0, 1), "several")
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    assert world.redis is not None
    await asyncio.to_thread(_flush, world.redis.url)
    yield


@_fault("Redis restarted empty", NEEDS, (0, 1), "several")
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    assert world.redis is not None
    await asyncio.to_thread(world.redis.restart)
    yield


@_fault("PostgreSQL restarted", NEEDS, (0, 3), "several")
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    assert world.postgres is not None
    await asyncio.to_thread(world.postgres.stop)
    yield
    await asyncio.to_thread(world.postgres.start)


@_fault("PostgreSQL connections ended", NEEDS, (0, 1), "several")
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    await asyncio.to_thread(_end_connections, world.postgres_url)
    yield


@_fault("SQLite locked", NEEDS, (2, 14), "single")
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    locked = await asyncio.to_thread(_lock, world)
    yield
    await asyncio.to_thread(locked.close)


# No server starts on a full disk, so none is stopped meanwhile.
@_fault("disk full", CONNECTIONS, (1, 5), "single")
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    [server] = world.servers
    journal = world.sqlite_path.with_name(f"{world.sqlite_path.name}-wal")
    await _limit_files(server, journal.stat().st_size if journal.exists() else 0)
    yield
    await _limit_files(server, resource.RLIM_INFINITY)


@_fault("clock wrong", NEEDS, (2, 6))
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    control = dice.choice(world.controls)
    control.set_clock(dice.choice((-1, 1)) * dice.choice((5, 3_600, 3 * _DAY)))
    yield
    control.set_clock(0)


@_fault("rings dropped", NEEDS, (2, 5))
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    async with _bell(world, "dropped"):
        yield


@_fault("rings doubled", NEEDS, (2, 5))
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    async with _bell(world, "doubled"):
        yield


@_fault("rings delayed", NEEDS, (2, 5))
async def _(world: World, dice: Random) -> AsyncIterator[None]:
    async with _bell(world, "delayed"):
        yield


@asynccontextmanager
async def _bell(world: World, how: Bell) -> AsyncIterator[None]:
    for control in world.controls:
        control.set_bell(how)
    yield
    for control in world.controls:
        control.set_bell("")


def _end_connections(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _lock(world: World) -> sqlite3.Connection:
    # A server that is frozen meanwhile may hold the lock for as long.
    store = sqlite3.connect(world.sqlite_path, timeout=60, check_same_thread=False)
    store.execute("BEGIN IMMEDIATE")
    return store


async def _limit_files(server: Rooms, most: int) -> None:
    # The other lane may be starting it anew.
    await asyncio.to_thread(wait_until, lambda: server.is_running, 30, "no server runs")
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def _flush(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushall()
