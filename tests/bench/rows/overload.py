"""More than a small server can bear, in a room of a hundred."""

from collections.abc import Sequence

from tests.bench.halls import Hall, Round, Server, halls, interleaved
from tests.bench.knobs import Knobs
from tests.bench.posters import steadily
from tests.bench.table import Goal, Row, medians

_PEOPLE = 100
_POSTERS = 20
_RATE = 400


async def overload(servers: Sequence[Server], knobs: Knobs) -> list[Row]:
    """Measure what is lost, and how late the rest is."""
    number = int(_RATE * knobs.seconds)

    async def play(hall: Hall) -> Round:
        async def post() -> int:
            seats = hall.crowd.seats[:_POSTERS]
            await steadily(seats, _RATE, number, hall.server.padding)
            return number

        return await hall.round(post)

    rounds: dict[str, list[Round]] = {server.name: [] for server in servers}
    for _ in range(knobs.repeat):
        # A fresh crowd each time: a rival may have closed some of its sockets.
        async with halls(servers, _PEOPLE) as filled:
            for name, found in (await interleaved(filled, 1, play)).items():
                rounds[name] += found
    expected = number * _PEOPLE
    lost = medians(
        {name: [100 * one.lost / expected for one in found] for name, found in rounds.items()}
    )
    late = medians({name: [one.delay(0.99) for one in found] for name, found in rounds.items()})
    worst = max(one.lost for one in rounds["Rooms"])
    name = f"overload, {_PEOPLE} sockets, {_RATE} messages/s"
    return [
        Row(name, "% lost", lost, [Goal("lost by Rooms, worst", worst, "at most", 0)]),
        Row(name, "ms, p99", late, [Goal("Rooms", late["Rooms"], "at most", 100)]),
    ]
