"""A full room in one process, and spread over two that share a Redis and a PostgreSQL."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.bench.cpu import cpu_of
from tests.bench.crowd import Crowd
from tests.bench.halls import Hall
from tests.bench.knobs import Knobs
from tests.bench.posters import steadily
from tests.bench.rivals import Ours
from tests.bench.table import Goal, Row, Values, medians, ratio
from tests.services import Redis

_RATE = 20
_POSTERS = 5  # at each process
ONE, TWO = "one process", "two processes"


@dataclass
class Chat:
    """The processes of one chat, and its Redis."""

    processes: Sequence[Ours]
    redis: Redis


async def two_processes(alone: Chat, pair: Chat, knobs: Knobs) -> list[Row]:
    """Measure what a delivery costs the processes together, and what it costs Redis."""
    number = max(int(_RATE * knobs.seconds), 1)
    async with Crowd(Ours.marks) as one, Crowd(Ours.marks) as two:
        halls = {ONE: await _fill(one, alone, knobs), TWO: await _fill(two, pair, knobs)}
        costs: Values = {name: [] for name in halls}
        of_redis: Values = {name: [] for name in halls}
        lost = 0
        for _ in range(knobs.repeat):
            for name, chat in ((ONE, alone), (TWO, pair)):
                before = cpu_of(chat.redis.pid)
                found = await halls[name].round(_posting(halls[name], number))
                spent = cpu_of(chat.redis.pid) - before
                costs[name].append(found.cost)
                of_redis[name].append(spent / 1000 / max(found.delivered, 1))
                lost += found.lost
    cost, redis = medians(costs), medians(of_redis)
    name = f"two processes on Redis, {knobs.people:,} sockets, {_RATE} messages/s"
    return [
        Row(
            name,
            "µs of server CPU a delivery",
            cost,
            [*ratio(cost, TWO, ONE, "at most", 1.1), Goal("lost", lost, "at most", 0)],
        ),
        Row(name, "µs of Redis CPU a delivery", redis, [Goal(TWO, redis[TWO], "at most", 1)]),
    ]


async def _fill(crowd: Crowd, chat: Chat, knobs: Knobs) -> Hall:
    for process in chat.processes:
        await crowd.join(process.address("spread"), knobs.people // len(chat.processes))
    first, *others = chat.processes
    return Hall(first, crowd, others)


def _posting(hall: Hall, number: int) -> Callable[[], Awaitable[int]]:
    async def post() -> int:
        # From both ends: who sits there is at another process, where there are two.
        seats = [*hall.crowd.seats[:_POSTERS], *hall.crowd.seats[-_POSTERS:]]
        await steadily(seats, _RATE, number, hall.server.padding)
        return number

    return post
