"""What the records prove: nothing lost, nothing twice, nothing out of order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.faults import logs
from tests.faults.records import Item, Reading, Records, Row, Showing

# Twice what a server needs that serves a storm of 300 sockets.
MEMORY_MAX = 256 * 2**20

TOMBSTONE = "This message was deleted."


@dataclass
class Verdict:
    """What was found, each finding one sentence."""

    acknowledged: int = 0
    deliveries: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # all else

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.doubled or self.reordered or self.wrong)


def judge(records: Records) -> Verdict:
    """Judge all that was seen."""
    verdict = Verdict(wrong=list(records.complaints))
    _judge_the_wishes(records, verdict)
    _judge_the_typed(records, verdict)
    for room, rows in records.rows.items():
        _judge_the_log(room, rows, verdict)
    for reading in records.readings:
        _judge_the_reading(reading, records.rows[reading.room], verdict)
    for showing in records.showings:
        _judge_the_showing(showing, records.rows[showing.room], verdict)
    verdict.acknowledged = sum(wish.is_acknowledged for wish in records.wishes)
    verdict.deliveries = sum(len(reading.sights) for reading in records.readings)
    verdict.deliveries += sum(len(showing.items) for showing in records.showings)
    for name, most in records.memory.items():
        if most > MEMORY_MAX:
            verdict.wrong.append(f"{name} grew to {most / 2**20:.0f} MiB")
    for name, log in records.logs.items():
        verdict.wrong += [f"{name}: {line}" for line in logs.unexplained(log, records.faults)]
    return verdict


def _judge_the_wishes(records: Records, verdict: Verdict) -> None:
    by_id: dict[tuple[str, str | None], list[Row]] = {}
    for row in (row for rows in records.rows.values() for row in rows):
        by_id.setdefault((row.identity, row.client_id), []).append(row)
    for wish in records.wishes:
        found = by_id.pop((wish.identity, wish.client_id), [])
        name = f"{wish.client_id} of {wish.identity}"
        if len(found) > 1:
            verdict.doubled.append(f"{name} is stored {len(found)} times")
        elif wish.is_acknowledged and not found:
            verdict.lost.append(f"{name} was acknowledged and is not stored")
        elif wish.is_acknowledged and found[0].text != wish.text:
            verdict.lost.append(f"{name}: its acknowledged change is not stored")
    verdict.wrong += [
        f"{client_id} of {identity} was stored, and nobody wanted it"
        for identity, client_id in by_id
        if identity.startswith("name:")
    ]


def _judge_the_typed(records: Records, verdict: Verdict) -> None:
    texts = Counter((room, row.text) for room, rows in records.rows.items() for row in rows)
    for room, text in records.typed:
        if not texts[room, text]:
            verdict.lost.append(f"{text!r} was typed on a page and is not stored")
        elif texts[room, text] > 1:
            verdict.doubled.append(f"{text!r}, typed once, is stored {texts[room, text]} times")


def _judge_the_log(room: str, rows: Sequence[Row], verdict: Verdict) -> None:
    if [row.number for row in rows] != list(range(1, len(rows) + 1)):
        verdict.wrong.append(f"the numbers of {room} have a gap")
    if any(a.posted_seq >= b.posted_seq for a, b in pairwise(rows)):
        verdict.reordered.append(f"numbers and seqs of {room} disagree")


def _judge_the_reading(reading: Reading, rows: Sequence[Row], verdict: Verdict) -> None:
    _judge_the_order(reading, verdict)
    who, room, sights = reading.who, reading.room, reading.sights
    end = rows[-1].posted_seq if rows else 0
    if not reading.stays:
        end = max((sight.seq for sight in sights), default=reading.after)
    told = {sight.number for sight in sights if sight.kind == "message.posted"}
    verdict.lost += [
        f"{who} never heard of {row.number} in {room}"
        for row in rows
        if reading.after < row.posted_seq <= end and row.text is not None
        if row.number not in told
    ]
    places = {row.number: row.posted_seq for row in rows}
    verdict.wrong += [
        f"{who} was told of {sight.number} at {sight.seq}, where it is not"
        for sight in sights
        if sight.number not in places
        or (sight.kind == "message.posted" and sight.seq != places[sight.number])
    ]
    if reading.resets:
        verdict.wrong.append(f"{who} was told to start over")
    if reading.stays and not reading.is_live:
        verdict.wrong.append(f"{who} is not live at the end")
    if reading.stays and reading.hears_changes:
        held = {sight.number: sight.text for sight in sights}
        verdict.lost += [
            f"{who} holds an old state of {row.number} in {room}"
            for row in rows
            if row.number in told and held[row.number] != row.text
        ]


def _judge_the_order(reading: Reading, verdict: Verdict) -> None:
    who = reading.who
    posted = [sight.number for sight in reading.sights if sight.kind == "message.posted"]
    verdict.doubled += [f"{who} was told of {number} again" for number in _again(posted)]
    if any(b < a for a, b in pairwise(posted)):
        verdict.reordered.append(f"{who} was told of numbers out of order")
    for a, b in pairwise([reading.after, *(sight.seq for sight in reading.sights)]):
        if b < a:
            verdict.reordered.append(f"{who} was told of entry {b} after {a}")
        elif b == a:
            verdict.doubled.append(f"{who} was told of entry {a} again")


def _judge_the_showing(showing: Showing, rows: Sequence[Row], verdict: Verdict) -> None:
    who, items = showing.who, showing.items
    numbers = [item.number for item in items]
    verdict.doubled += [f"{who} shows {n} twice" for n in _again(numbers)]
    if any(b < a for a, b in pairwise(numbers)):
        verdict.reordered.append(f"{who} shows numbers out of order")
    first = numbers[0] if numbers else 1
    shown = set(numbers)
    verdict.lost += [
        f"{who} does not show {row.number} of {showing.room}"
        for row in rows
        if row.number >= first and row.number not in shown
    ]
    texts = {row.number: TOMBSTONE if row.text is None else row.text for row in rows}
    verdict.lost += [
        f"{who} shows an old state of {item.number} of {showing.room}"
        for item in items
        if texts.get(item.number) != item.text
    ]
    if items[-len(showing.fresh) :] != showing.fresh:
        verdict.wrong.append(f"{who} differs from a fresh page: {_difference(showing)}")


def _difference(showing: Showing) -> str:
    tail: list[Item] = showing.items[-len(showing.fresh) :]
    pairs = zip(tail, showing.fresh, strict=False)
    return next((f"{a} for {b}" for a, b in pairs if a != b), "it has fewer messages")


def _again(numbers: Iterable[int]) -> list[int]:
    return [number for number, count in Counter(numbers).items() if count > 1]
