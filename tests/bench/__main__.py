"""`python -m tests.bench`: measure, print the table, write docs/bench.json and its picture."""

import argparse
import asyncio
import resource
import signal
import sys
import time
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.docs import write_docs
from tests.bench.knobs import Knobs
from tests.bench.record import Record
from tests.bench.stages import STAGES
from tests.bench.table import Row, markdown

_DOCS = Path(__file__).resolve().parents[2] / "docs"
# On a machine that is busy with something else, what is measured means little anyway.
_STAGE_SECONDS = 300


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    asked = _asked()
    given = {name: value for name in asdict(Knobs()) if (value := getattr(asked, name)) is not None}
    knobs = Knobs(**given)
    _open_many_files()
    # Then too, what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    records: dict[str, Record] = {}
    for name in asked.only or STAGES:
        began = time.monotonic()
        try:
            found = uvloop.run(_bounded(STAGES[name](knobs)))
        except TimeoutError as late:
            _say(f"{name}: {str(late) or f'not done within {_STAGE_SECONDS} s'}\n")
            continue
        _say(f"{name}: {time.monotonic() - began:.0f} s\n\n{markdown(found)}\n")
        records[name] = Record(found, asdict(knobs))
        if asked.write:
            write_docs(_DOCS, records, STAGES)
    return 0 if records else 1


async def _bounded(stage: Coroutine[Any, Any, list[Row]]) -> list[Row]:
    async with asyncio.timeout(_STAGE_SECONDS):
        return await stage


def _asked() -> argparse.Namespace:
    asks = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    for name, default in asdict(Knobs()).items():
        asks.add_argument(f"--{name}", type=type(default), help=f"default {default:g}")
    asks.add_argument("--only", action="append", choices=sorted(STAGES), help="may be repeated")
    asks.add_argument("--write", action="store_true", help="write what was found into docs/")
    return asks.parse_args()


def _open_many_files() -> None:
    # Inherited by the servers: a system's usual 1,024 are as many sockets.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
