"""What docs/bench.json holds: of each stage what was found last, and how."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.table import Goal, Row


def _machine() -> dict[str, Any]:
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    return {
        "system": platform.system(),
        "python": platform.python_version(),
        "processor": models[0] if models else platform.machine(),
        "cores": len(models) or 1,
    }


@dataclass(frozen=True)
class Record:
    """The rows of a stage, the knobs they were measured with, and the machine."""

    rows: list[Row]
    knobs: dict[str, float]
    machine: dict[str, Any] = field(default_factory=_machine)


def read(path: Path) -> dict[str, Record]:
    """Return the records by the names of their stages; none where there is no file."""
    if not path.exists():
        return {}
    told = json.loads(path.read_text())
    return {
        stage: Record([_row(**row) for row in one["rows"]], one["knobs"], one["machine"])
        for stage, one in told.items()
    }


def write(path: Path, records: Mapping[str, Record]) -> None:
    """Write them, and of each goal whether it is reached."""
    told = {stage: asdict(record) for stage, record in records.items()}
    for stage, record in records.items():
        for row, shown in zip(record.rows, told[stage]["rows"], strict=True):
            for goal, one in zip(row.goals, shown["goals"], strict=True):
                one["is_reached"] = goal.is_reached
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def rows_of(records: Mapping[str, Record]) -> list[Row]:
    """Return the rows of all the records, one after the other."""
    return [row for record in records.values() for row in record.rows]


def _row(goals: list[dict[str, Any]], **told: Any) -> Row:
    for goal in goals:
        del goal["is_reached"]
    return Row(**told, goals=[Goal(**goal) for goal in goals])
