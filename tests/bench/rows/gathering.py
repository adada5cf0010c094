"""Pages in a room where much is said: changes gather, and the cost of each falls."""

import json
from contextlib import AsyncExitStack

from tests.bench.crowd import Crowd
from tests.bench.halls import Hall, Round
from tests.bench.knobs import Knobs
from tests.bench.posters import steadily
from tests.bench.rivals import Ours
from tests.bench.table import Goal, Row, medians

_RATES = (20, 100, 400)
_FEW, _FEW_RATE = 100, 1000
_POSTERS = 50
_PAGES, _AWAY = "pages", "pages out of sight"


async def gathering(server: Ours, knobs: Knobs) -> list[Row]:
    """Measure pages of a full room at growing rates, and those of a small one at a high rate."""
    full = await _crowd(server, "full", knobs.people, _RATES, knobs)
    few = await _crowd(server, "few", _FEW, (_FEW_RATE,), knobs)
    away = await _crowd(server, "away", knobs.people, _RATES[:1], knobs, _AWAY)
    rounds = full | few | away
    costs = medians({name: [one.cost for one in found] for name, found in rounds.items()})
    late = medians({name: [one.delay(1.0) for one in found] for name, found in rounds.items()})
    lost = sum(one.lost for found in rounds.values() for one in found)
    slow, middle, fast = (costs[_name(rate, knobs.people)] for rate in _RATES)
    goals = [
        Goal("400/s", fast, "at most", 2),
        Goal("100/s / 20/s", middle / slow, "at most", 1),
        Goal("400/s / 100/s", fast / middle, "at most", 1),
        Goal("unseen / seen", costs[_name(_RATES[0], knobs.people, _AWAY)] / slow, "at most", 1.5),
    ]
    whole = [
        Goal("the latest of all", max(late.values()), "at most", 1000),
        Goal("lost", lost, "at most", 0),
    ]
    return [
        Row("gathering", "µs of server CPU a message and page", costs, goals),
        Row("gathering", "ms until the last page has it", late, whole),
    ]


async def _crowd(
    server: Ours, room: str, people: int, rates: tuple[int, ...], knobs: Knobs, kind: str = _PAGES
) -> dict[str, list[Round]]:
    address = server.address(f"gathering-{room}")
    async with AsyncExitStack() as open_:
        pages = await open_.enter_async_context(Crowd(1))
        greeting = _unseen if kind == _AWAY else _first_frame
        await pages.join(f"{address}html/", people, greeting)
        writers = await open_.enter_async_context(Crowd(1))
        # They hear nothing of what is posted, so that all the cost is the pages'.
        await writers.join(f"{address}?events=deleted", _POSTERS)
        hall = Hall(server, pages)
        found: dict[str, list[Round]] = {_name(rate, people, kind): [] for rate in rates}
        for _ in range(knobs.repeat):
            for rate in rates:
                number = int(rate * knobs.seconds)

                async def post(rate: int = rate, number: int = number) -> int:
                    await steadily(writers.seats, rate, number, server.padding)
                    return number

                found[_name(rate, people, kind)].append(await hall.round(post))
    return found


def _name(rate: int, people: int, kind: str = _PAGES) -> str:
    return f"{rate:,} messages/s, {people:,} {kind}"


def _first_frame(place: int) -> str:
    return json.dumps({"page": f"bench{place}", "acked": "0", "after": "0"})


def _unseen(place: int) -> str:
    # Each has been away for another while, and counts another number in its title.
    return json.dumps({**json.loads(_first_frame(place)), "unseen": str(place)})
