"""The two installations that are broken: several processes, and a single one."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import psycopg

from tests.faults.control import Control
from tests.faults.front import Front
from tests.faults.records import Row
from tests.services import Postgres, Redis, Rooms
from tests.services.program import Program

Name = Literal["several", "single"]
Started = TypeVar("Started", bound=Program)

_SERVERS = 2
# Nobody here is too fast; a reader who stops for seconds falls behind.
_SETTINGS = {
    **dict.fromkeys(
        (
            "POST_RATE",
            "SOCKETS_MAX",
            "ADDRESS_SOCKETS_MAX",
            "ADDRESS_STREAMS_MAX",
            "JOIN_RATE",
            "ADDRESS_POST_RATE",
            "ROOM_RATE",
            "NAME_RATE",
            "PAGE_RATE",
            "REFUSAL_RATE",
        ),
        "off",
    ),
    "PENDING_MAX": "16384",
}
_ROWS = """
    SELECT number, posted_seq, seq, identity, client_id, body, deleted_at FROM rooms_message
    WHERE room_id = (SELECT id FROM rooms_room WHERE name = {}) ORDER BY number
"""


@dataclass
class World:
    """An installation, its front, and what may be done to it."""

    name: Name
    servers: list[Rooms]
    controls: list[Control]
    front: Front
    data_dir: Path
    postgres: Postgres | None = None
    postgres_url: str = ""
    redis: Redis | None = None
    complaints: list[str] = field(default_factory=list)  # what breaking and healing found wrong

    @property
    def sqlite_path(self) -> Path:
        """The database of the single process."""
        return self.data_dir / "rooms.sqlite3"

    def rows(self, room: str) -> list[Row]:
        """Return the room's messages as they are stored, read past all of our own code."""
        found: list[tuple[Any, ...]]
        if self.postgres_url:
            with psycopg.connect(self.postgres_url) as connection:
                found = connection.execute(_ROWS.format("%s").encode(), [room]).fetchall()
        else:
            store = sqlite3.connect(self.sqlite_path, timeout=10)
            found = store.execute(_ROWS.format("?"), [room]).fetchall()
            store.close()
        return [
            Row(number, posted_seq, seq, identity, client_id, None if deleted_at else body)
            for number, posted_seq, seq, identity, client_id, body, deleted_at in found
        ]


@asynccontextmanager
async def world(name: Name, without: int | None = None) -> AsyncIterator[World]:
    """Start an installation, without one rule of the design if it is named; stop it afterwards."""
    async with AsyncExitStack() as running:
        folder = running.enter_context(tempfile.TemporaryDirectory(prefix="rooms-faults-"))
        data_dir = Path(folder) / "data"
        postgres = redis = None
        database_url = redis_url = None
        if name == "several":
            postgres = await _start(running, Postgres)
            redis = await _start(running, Redis)
            database_url, redis_url = await asyncio.to_thread(postgres.database), redis.url
        controls = [
            Control(Path(folder) / f"control-{n}")
            for n in range(_SERVERS if name == "several" else 1)
        ]
        servers = [
            await _start(
                running,
                lambda control=control: Rooms(  # type: ignore[misc]
                    database_url=database_url,
                    redis_url=redis_url,
                    data_dir=data_dir,
                    env={
                        **_SETTINGS,
                        "CONTROL": str(control.path),
                        "WITHOUT": str(without or ""),
                    },
                    program=("-m", "tests.faults.server"),
                ),
            )
            for control in controls
        ]
        front = await running.enter_async_context(Front([server.port for server in servers]))
        yield World(name, servers, controls, front, data_dir, postgres, database_url or "", redis)


async def _start(running: AsyncExitStack, make: Callable[[], Started]) -> Started:
    program = make()
    running.push_async_callback(asyncio.to_thread, program.__exit__, None, None, None)
    return await asyncio.to_thread(program.__enter__)
