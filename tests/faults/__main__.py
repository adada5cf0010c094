"""`python -m tests.faults`: break everything for a while, then judge. Exits with 1 if it found any.

Prints the seed first: the same seed draws the same faults.
"""

import argparse
import asyncio
import secrets
import signal
import sys
from pathlib import Path
from typing import get_args

from tests.faults.faults import FAULTS
from tests.faults.judge import Verdict, judge
from tests.faults.records import Records
from tests.faults.report import findings, table
from tests.faults.trial import SABOTAGED, trial
from tests.faults.world import Name


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    asked = _asked()
    seed = asked.seed or secrets.token_hex(4)
    _say(f"seed {seed}")
    try:
        runs = asyncio.run(_run(asked, seed))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    for name, (_, verdict) in runs.items():
        for sentence in findings(verdict):
            _say(f"{name}: {sentence}")
    _say(table(seed, asked.seconds, runs))
    return 0 if all(verdict.is_clean for _, verdict in runs.values()) else 1


def _asked() -> argparse.Namespace:
    asks = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    asks.add_argument("--seconds", type=float, default=60, help="in each world")
    asks.add_argument("--seed", default="", help="draws the same faults again")
    asks.add_argument("--world", choices=(*get_args(Name), "both"), default="both")
    asks.add_argument("--logs", type=Path, help="a folder to keep the servers' logs in")
    asks.add_argument(
        "--only",
        action="append",
        default=[],
        choices=sorted(fault.kind for fault in FAULTS),
        help="a fault to draw from, in place of all; may be repeated",
    )
    asks.add_argument(
        "--without",
        type=int,
        choices=sorted(SABOTAGED),
        help="switch off a rule of the design, in the world and with the faults that matter to it",
    )
    return asks.parse_args()


async def _run(asked: argparse.Namespace, seed: str) -> dict[str, tuple[Records, Verdict]]:
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    names: tuple[Name, ...] = get_args(Name) if asked.world == "both" else (asked.world,)
    if asked.without:
        names = (SABOTAGED[asked.without][0],)
    runs: dict[str, tuple[Records, Verdict]] = {}
    for name in names:
        records = await trial(name, asked.seconds, seed, asked.only, asked.without)
        runs[name] = records, judge(records)
        if asked.logs:
            asked.logs.mkdir(parents=True, exist_ok=True)
            for server, log in records.logs.items():
                (asked.logs / f"{server}.log").write_text(log)
    return runs


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
