"""People in one room, or two by two in many: what a delivery costs then."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.cpu import cpu_of
from tests.bench.crowd import Crowd, Seat
from tests.bench.knobs import Knobs
from tests.bench.posters import steadily
from tests.bench.rivals import Ours
from tests.bench.table import Goal, Row, Values, medians

_ROOMS = 2  # for each of the knob's people
_PAIR = 2
# Messages a second: into the full room, and into small ones.
_INTO_FULL, _INTO_SMALL = 2, 100
_AT_ONCE = 25  # rooms that are entered
# Else the first message of a room would pay for its coming into being.
_WARM_RATE = 300


@dataclass
class _Case:
    server: Ours
    crowd: Crowd
    posters: Sequence[Seat]
    rate: int
    readers: int  # of each message


async def many_rooms(one: Ours, many: Ours, knobs: Knobs) -> list[Row]:
    """Measure a full room, and pairs in many rooms against a pair beside the full room."""
    rooms = knobs.people * _ROOMS
    people = rooms * _PAIR
    full, pairs = f"one room, {people:,} sockets", f"{rooms:,} rooms, {_PAIR} sockets each"
    pair = f"one room, {_PAIR} sockets"
    async with (
        Crowd(Ours.marks) as hall,
        Crowd(Ours.marks) as many_pairs,
        Crowd(Ours.marks) as a_pair,
    ):
        await hall.join(one.address(), people)
        await _enter(many_pairs, many, [f"room-{place}" for place in range(rooms)])
        await _enter(a_pair, one, ["pair"])
        cases = {
            full: _Case(one, hall, hall.seats[:10], _INTO_FULL, people),
            pairs: _Case(many, many_pairs, many_pairs.seats, _INTO_SMALL, _PAIR),
            # Of one socket's posts each is written before the next is read, as in many rooms.
            pair: _Case(one, a_pair, a_pair.seats[:1], _INTO_SMALL, _PAIR),
        }
        await steadily(many_pairs.seats[::_PAIR], _WARM_RATE, rooms, many.padding)
        await many_pairs.settle(rooms * _PAIR, 60)
        costs: Values = {name: [] for name in cases}
        lost = 0
        for _ in range(knobs.repeat):
            for name, case in cases.items():
                spent, missing = await _play(case, knobs.seconds)
                costs[name].append(spent)
                lost += missing
    cost = medians(costs)
    return [
        Row(
            f"many rooms, {people:,} sockets",
            "µs of server CPU a delivery",
            cost,
            [
                Goal(f"{pairs} / {full}", cost[pairs] / cost[full], "at most", 1),
                Goal(f"{pairs} / {pair}", cost[pairs] / cost[pair], "at most", 1.1),
                Goal("lost", lost, "at most", 0),
            ],
        )
    ]


async def _enter(crowd: Crowd, server: Ours, rooms: Sequence[str]) -> None:
    for first in range(0, len(rooms), _AT_ONCE):
        some = rooms[first : first + _AT_ONCE]
        await asyncio.gather(*(crowd.join(server.address(room), _PAIR) for room in some))


async def _play(case: _Case, seconds: float) -> tuple[float, int]:
    """Return the microseconds for each delivery, and how many are lost."""
    number = max(int(case.rate * seconds), 1)
    posters = random.choices(case.posters, k=number)
    count, cpu = case.crowd.count, cpu_of(case.server.pid)
    await steadily(posters, case.rate, number, case.server.padding)
    lost = await case.crowd.settle(count + number * case.readers, 30)
    case.crowd.check()
    spent = cpu_of(case.server.pid) - cpu
    return spent / 1000 / (number * case.readers), lost
