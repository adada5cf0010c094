"""The one table, as it stands in docs/reliability.md."""

from collections import Counter
from collections.abc import Iterable, Mapping

from tests.faults.judge import Verdict
from tests.faults.records import Records

_SHOWN = 12


def table(seed: str, seconds: float, runs: Mapping[str, tuple[Records, Verdict]]) -> str:
    """Return the table in Markdown, a column for each world."""
    rows: list[list[object]] = [["seconds", *(f"{seconds:g}" for _ in runs)]]
    counts = [Counter(records.faults) for records, _ in runs.values()]
    kinds = sorted({kind for count in counts for kind in count})
    rows += ([kind, *(count[kind] or "" for count in counts)] for kind in kinds)
    rows.append(["**faults survived**", *(count.total() for count in counts)])
    verdicts = [verdict for _, verdict in runs.values()]
    rows += [
        ["posts acknowledged", *(f"{verdict.acknowledged:,}" for verdict in verdicts)],
        ["deliveries", *(f"{verdict.deliveries:,}" for verdict in verdicts)],
        ["lost", *(len(verdict.lost) for verdict in verdicts)],
        ["doubled", *(len(verdict.doubled) for verdict in verdicts)],
        ["reordered", *(len(verdict.reordered) for verdict in verdicts)],
        ["otherwise wrong", *(len(verdict.wrong) for verdict in verdicts)],
        [
            "largest process, MiB",
            *(
                f"{max(records.memory.values(), default=0) / 2**20:.0f}"
                for records, _ in runs.values()
            ),
        ],
    ]
    lines: list[list[object]] = [["seed " + seed, *runs], ["---", *("---:" for _ in runs)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def findings(verdict: Verdict) -> Iterable[str]:
    """Yield what was found, the first of each kind."""
    for kind in ("lost", "doubled", "reordered", "wrong"):
        found: list[str] = getattr(verdict, kind)
        for sentence in found[:_SHOWN]:
            yield f"{kind}: {sentence}"
        if len(found) > _SHOWN:
            yield f"{kind}: and {len(found) - _SHOWN} more"
