"""Sockets that do nothing: what it takes to open them, and to hold them."""

import asyncio
import json
from collections.abc import Callable

from tests.bench.cpu import cpu_of, memory_of
from tests.bench.crowd import Crowd
from tests.bench.halls import Server
from tests.bench.knobs import Knobs
from tests.bench.rivals import Ours, Rival
from tests.bench.table import Goal, Row

_SETTLE_SECONDS = 1.0


async def sockets(ours: Ours, theirs: Rival, knobs: Knobs) -> list[Row]:
    """Measure our pages and tools, and the tutorial's sockets."""
    handshakes: dict[str, float] = {}
    memory: dict[str, float] = {}
    idle: dict[str, float] = {}
    kinds: list[tuple[str, Server, str, Callable[[int], str] | None]] = [
        ("tutorial", theirs, theirs.address("idle"), None),
        ("Rooms, tools", ours, ours.address("idle"), None),
        ("Rooms, pages", ours, ours.address("idle-pages") + "html/", _first_frame),
    ]
    for name, server, address, greeting in kinds:
        # Else it would hold its sockets in the memory that those before them left.
        await asyncio.to_thread(server.restart)
        async with Crowd(1) as crowd:
            # What the first of all costs, imports say, is no socket's.
            await crowd.join(address, 10, greeting)
            cpu, size = cpu_of(server.pid), memory_of(server.pid)
            await crowd.join(address, knobs.idle, greeting)
            await asyncio.sleep(_SETTLE_SECONDS)
            handshakes[name] = (cpu_of(server.pid) - cpu) / 1000 / knobs.idle
            memory[name] = (memory_of(server.pid) - size) / 1000 / knobs.idle
            seconds = knobs.seconds * 10
            cpu = cpu_of(server.pid)
            await asyncio.sleep(seconds)
            idle[name] = (cpu_of(server.pid) - cpu) / 1000 / seconds / knobs.idle
            crowd.check()
    name = f"sockets, {knobs.idle:,}"
    return [
        Row(name, "µs of server CPU a handshake", handshakes, _goals(handshakes)),
        Row(f"{name} idle", "kB each", memory, _goals(memory)),
        Row(f"{name} idle", "µs of server CPU a second each", idle, _goals(idle)),
    ]


def _goals(values: dict[str, float]) -> list[Goal]:
    return [
        Goal(f"{name} / tutorial", values[name] / max(values["tutorial"], 1e-9), "at most", 1)
        for name in ("Rooms, tools", "Rooms, pages")
    ]


def _first_frame(place: int) -> str:
    return json.dumps({"page": f"idle{place}", "acked": "0", "after": "0"})
