"""A full room in which as much is said as the server can bear."""

from collections.abc import Sequence

from tests.bench.halls import Hall, Round, interleaved
from tests.bench.knobs import Knobs
from tests.bench.posters import eagerly
from tests.bench.table import Goal, Row, medians, ratio


async def saturation(halls: Sequence[Hall], knobs: Knobs) -> list[Row]:
    """Measure how much is delivered, and whether all of it is."""

    async def play(hall: Hall) -> Round:
        seats = hall.crowd.seats[: hall.server.posters]
        return await hall.round(lambda: eagerly(seats, knobs.seconds, hall.server.padding))

    rounds = await interleaved(halls, knobs.repeat, play)
    pace = medians(
        {name: [one.delivered / one.seconds for one in found] for name, found in rounds.items()}
    )
    lost = sum(one.lost for name in rounds if name.startswith("Rooms") for one in rounds[name])
    goals = [
        *ratio(pace, "Rooms", "tutorial", "at least", 50),
        *ratio(pace, "Rooms", "raw writer", "at least", 150 / 340),
        Goal("lost by Rooms", lost, "at most", 0),
    ]
    return [Row(f"saturation, {knobs.people:,} sockets", "deliveries a second", pace, goals)]
