"""Durable posts: what is waiting committed together, against each in a transaction of its own."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.bench.knobs import Knobs
from tests.bench.rivals.servers import LIMITS
from tests.bench.table import Goal, Row
from tests.bench.writing import POSTERS
from tests.services import Postgres

_ROOT = Path(__file__).resolve().parents[3]


async def posts(postgres: Postgres, knobs: Knobs) -> list[Row]:
    """Measure both stores."""
    sqlite = await asyncio.to_thread(_store, "SQLite", None, 2.0, knobs)
    server = await asyncio.to_thread(_store, "PostgreSQL", postgres.database(), 5.0, knobs)
    return [*sqlite, *server]


def _store(store: str, database_url: str | None, times: float, knobs: Knobs) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="rooms-bench-") as folder:
        environment = {**os.environ, **dict.fromkeys(LIMITS, "off"), "DATA_DIR": folder}
        environment.pop("DATABASE_URL", None)
        if database_url:
            environment["DATABASE_URL"] = database_url
        ended = subprocess.run(
            [sys.executable, "-m", "tests.bench.writing", str(knobs.seconds), str(knobs.repeat)],
            check=True,
            cwd=_ROOT,
            env=environment,
            stdout=subprocess.PIPE,
        )
    found = json.loads(ended.stdout)

    def figure(way: str, what: str) -> float:
        return float(median(one[what] for one in found[way]))

    pace = {way: figure(way, "a second") for way in ("grouped", "singly")}
    alone = {way: figure(way, "median") for way in ("alone", "alone, directly")}
    return [
        Row(
            f"durable posts, {store}, {POSTERS} posters",
            "posts a second",
            pace,
            [
                Goal("grouped / singly", pace["grouped"] / pace["singly"], "at least", times),
                Goal("grouped, p99 in ms", figure("grouped", "p99"), "at most", 50),
            ],
        ),
        Row(
            f"a post alone, {store}",
            "ms, median",
            alone,
            [Goal("with / without", alone["alone"] / alone["alone, directly"], "at most", 1.1)],
        ),
    ]
