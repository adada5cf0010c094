"""A full room in which little is said: what each delivery costs."""

from collections.abc import Sequence

from tests.bench.halls import Hall, Round, interleaved
from tests.bench.knobs import Knobs
from tests.bench.posters import steadily
from tests.bench.table import Goal, Row, medians, ratio

RATES = (2, 20)
_POSTERS = 10


async def fan_out(halls: Sequence[Hall], knobs: Knobs) -> list[Row]:
    """Measure at each of the rates."""
    return [await _at(rate, halls, knobs) for rate in RATES]


async def _at(rate: int, halls: Sequence[Hall], knobs: Knobs) -> Row:
    async def play(hall: Hall) -> Round:
        number = min(max(int(rate * knobs.seconds), 1), hall.server.messages_max)

        async def post() -> int:
            seats = hall.crowd.seats[:_POSTERS]
            await steadily(seats, rate, number, hall.server.padding)
            return number

        return await hall.round(post)

    rounds = await interleaved(halls, knobs.repeat, play)
    costs = medians({name: [one.cost for one in found] for name, found in rounds.items()})
    return Row(
        f"fan-out, {knobs.people:,} sockets, {rate} messages/s",
        "µs of server CPU a delivery",
        costs,
        _goals(costs),
    )


def _goals(costs: dict[str, float]) -> list[Goal]:
    return [
        *ratio(costs, "Rooms", "tutorial", "at most", 1 / 15),
        *ratio(costs, "Rooms on Redis", "tutorial on Redis", "at most", 1 / 15),
        *ratio(costs, "Rooms", "raw writer", "at most", 2.5),
        *ratio(costs, "Rooms", "Node ws", "at most", 1),
    ]
