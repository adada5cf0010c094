"""`python -m tests.bench.scaling`: put the model and its figures into docs/scaling.md."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.model import (
    BUSY,
    CONNECTIONS_MAX,
    ENVELOPE,
    SOCKETS_MAX,
    Costs,
    Need,
    Site,
    need,
)
from tests.bench.record import read, rows_of
from tests.bench.rivals.rival import FRAME
from tests.bench.table import Row, number

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BEGIN, _END = "<!-- model -->\n", "<!-- end of model -->\n"
_SITES = (
    Site(rooms=100, people=50, rate=0.1),
    Site(rooms=10_000, people=5, rate=0.01),
    Site(rooms=1, people=10_000, rate=0.5),
    Site(rooms=1, people=10_000, rate=20),
    Site(rooms=20, people=1_000, rate=2),
    Site(rooms=2_000, people=50, rate=0.2),
)


class NotMeasured(Exception):
    """The bench has not found what the model stands on."""


def write_scaling(docs: Path, rows: Sequence[Row]) -> None:
    """Put the model into the folder's scaling.md; as long as something is missing it stays."""
    try:
        told = markdown(costs(rows))
    except NotMeasured:
        return
    path = docs / "scaling.md"
    before, _, rest = path.read_text().partition(_BEGIN)
    path.write_text(f"{before}{_BEGIN}\n{told}\n\n{_END}{rest.partition(_END)[2]}")


def costs(rows: Sequence[Row]) -> Costs:
    """Return what the rows say; raises NotMeasured where one is missing that has to be there."""
    return Costs(
        deliveries=[
            (2, _value(rows, "fan-out, .* 2 ", "delivery", "Rooms on Redis")),
            *_gathered(rows),
        ],
        post=_value(rows, "history", "each", "a post, 1,000"),
        idle=_value(rows, "sockets", "a second each", "Rooms, pages"),
        handshake=_value(rows, "sockets", "a handshake", "Rooms, pages"),
        memory=_value(rows, "sockets", "kB each", "Rooms, pages"),
        commit=_value(rows, "a post alone, PostgreSQL", "ms", "alone"),
        redis=_redis(rows),
        frame=FRAME,
    )


def markdown(known: Costs) -> str:
    """Return the formulas, the constants in them, and what comes of them for some sites."""
    return "\n".join([*_formulas(), "", *_constants(known), "", *_examples(known)])


def _formulas() -> Iterator[str]:
    fewest = (
        f"`P >= U / {BUSY:g}`",
        f"`P >= C commit / {BUSY:g}` (each has one writer)",
        f"`P >= S / {SOCKETS_MAX:,}`",
    )
    connections = f"at most `{CONNECTIONS_MAX} P` connections"
    yield "| of | is |"
    yield "| --- | --- |"
    yield "| sockets | `S = R N` |"
    yield "| rounds/s, each of all that gathered in a room | `C = R min(M, 1 / commit)` |"
    yield "| processes that serve a room | `K = P (1 - (1 - 1/P)^N)`; by room: `K = 1` |"
    yield "| cores of Rooms | `U = C K post + S (M delivery + idle)` |"
    yield f"| processes | the fewest with {', '.join(fewest)} |"
    yield "| Redis, of one core | `C K ring` |"
    yield f"| PostgreSQL | `C` commits/s, `C (K - 1) + P` reads/s, {connections} |"
    yield "| memory, network | `S memory`, `S M frame` |"
    yield "| until the readers of one process are back at others, seconds | `S / P handshake` |"


def _constants(known: Costs) -> Iterator[str]:
    rates = ", ".join(f"{rate:g}" for rate, _ in known.deliveries)
    prices = ", ".join(number(cost) for _, cost in known.deliveries)
    redis = "not measured yet" if known.redis is None else f"{number(known.redis)} µs of Redis"
    yield "| constant | | from the row |"
    yield "| --- | ---: | --- |"
    yield f"| `delivery`, at {rates} messages/s in the room | {prices} µs | fan-out; gathering |"
    yield f"| `post`, a round in one process | {number(known.post)} µs | history |"
    yield f"| `idle`, a socket that does nothing | {number(known.idle)} µs/s | sockets, idle |"
    yield f"| `memory`, a socket | {number(known.memory)} kB | sockets, idle |"
    yield f"| `handshake`, of a page | {number(known.handshake)} µs | sockets |"
    yield f"| `commit` | {number(known.commit)} ms | a post alone, PostgreSQL |"
    yield f"| `ring`, for each process it reaches | {redis} | two processes on Redis |"
    yield f"| `frame`, with what is around it | {known.frame} + {ENVELOPE} bytes | fan-out |"


def _examples(known: Costs) -> Iterator[str]:
    yield (
        "| rooms × readers × messages/s | deliveries/s | readers are | processes | of one Redis "
        "| commits/s | reads/s | connections | sockets, MB | Mbit/s | s until back |"
    )
    yield "| --- | ---: | --- |" + " ---: |" * 8
    for site in _SITES:
        told = f"{site.rooms:,} × {site.people:,} × {site.rate:g} | {site.sockets * site.rate:,.0f}"
        for where, by_room in (("anywhere", False), ("by room", True)):
            yield f"| {told} | {where} | {_cells(need(site, known, by_room=by_room))} |"
            told = " | "


def _cells(found: Need | None) -> str:
    if found is None:
        return "does not do" + " |" * 7
    figures = (
        found.commits,
        found.reads,
        found.connections,
        found.memory,
        found.megabits,
        found.returning,
    )
    redis = "" if found.redis is None else f"{found.redis:.1%}"
    return " | ".join([f"{found.processes:,}", redis, *map(number, figures)])


def _gathered(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Return what a delivery costs in a full room, by the messages a second."""
    row = _row(rows, "gathering", "message and page")
    told = (
        (re.fullmatch(r"([\d,]+) messages/s, ([\d,]+) pages", name), name) for name in row.values
    )
    points = [(_int(found[1]), _int(found[2]), name) for found, name in told if found]
    full = max((pages for _, pages, _ in points), default=0)
    return sorted((rate, row.values[name]) for rate, pages, name in points if pages == full)


def _redis(rows: Sequence[Row]) -> float | None:
    """Return what a ring costs Redis for each of two processes, from what that is a delivery."""
    try:
        row = _row(rows, "two processes", "Redis CPU")
    except NotMeasured:
        return None
    people = re.search(r"([\d,]+) sockets", row.name)
    if people is None or "two processes" not in row.values:
        return None
    return row.values["two processes"] * _int(people[1]) / 2


def _value(rows: Sequence[Row], name: str, unit: str, subject: str) -> float:
    row = _row(rows, name, unit)
    if subject not in row.values:
        raise NotMeasured(f"{subject} in {row.name}")
    return row.values[subject]


def _row(rows: Sequence[Row], name: str, unit: str) -> Row:
    for row in rows:
        if re.match(name, row.name) and unit in row.unit:
            return row
    raise NotMeasured(name)


def _int(told: str) -> int:
    return int(told.replace(",", ""))


if __name__ == "__main__":
    write_scaling(DOCS, rows_of(read(DOCS / "bench.json")))
