"""A server with a full room, and what a round of messages costs it."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tests.bench.cpu import cpu_of
from tests.bench.crowd import Crowd
from tests.bench.rivals import Ours, Rival

Server = Ours | Rival

# Waited for what is under way. The tutorial's chat needs it: it delivers for seconds after the
# last post.
_SETTLE_SECONDS = 30.0


@dataclass
class Round:
    """What came of some messages."""

    delivered: int
    lost: int
    cpu: int  # nanoseconds
    seconds: float  # from the first post to the last delivery
    delays: list[int]  # sampled and sorted, in nanoseconds

    @property
    def cost(self) -> float:
        """Microseconds of the server's processor for each delivery."""
        return self.cpu / 1000 / max(self.delivered, 1)

    def delay(self, part: float) -> float:
        """Return the milliseconds within which that part of the deliveries came."""
        if not self.delays:
            return float("inf")
        return self.delays[min(int(part * len(self.delays)), len(self.delays) - 1)] / 1e6


@dataclass
class Hall:
    """A server, the crowd in its room, and the other processes of that server."""

    server: Server
    crowd: Crowd
    others: Sequence[Server] = ()

    @property
    def cpu(self) -> int:
        """Nanoseconds of processor time that the server has used, all processes together."""
        return sum(cpu_of(one.pid) for one in (self.server, *self.others))

    async def round(self, post: Callable[[], Awaitable[int]]) -> Round:
        """Let messages be posted, and account for them; `post` returns how many there were.

        What a socket misses that was closed over it is lost; if it was ours, RuntimeError.
        """
        crowd = self.crowd
        crowd.take_delays()
        count, cpu, began = crowd.count, self.cpu, time.monotonic()
        expected = await post() * len(crowd.seats)
        lost = await crowd.settle(count + expected, _SETTLE_SECONDS)
        if isinstance(self.server, Ours):
            crowd.check()
        spent = self.cpu - cpu
        seconds = (crowd.last if lost else time.monotonic()) - began
        return Round(expected - lost, lost, spent, seconds, crowd.take_delays())


@asynccontextmanager
async def halls(servers: Iterable[Server], people: int) -> AsyncIterator[list[Hall]]:
    """Fill a room of each of the servers with so many people."""
    async with AsyncExitStack() as open_:
        found: list[Hall] = []
        for server in servers:
            crowd = await open_.enter_async_context(Crowd(server.marks))
            await crowd.join(server.address(), people)
            found.append(Hall(server, crowd))
        yield found


async def interleaved(
    subjects: Sequence[Hall], repeat: int, play: Callable[[Hall], Awaitable[Round]]
) -> dict[str, list[Round]]:
    """Play a round with each of the halls in turn, and again: what disturbs one disturbs all."""
    found: dict[str, list[Round]] = {hall.server.name: [] for hall in subjects}
    for _ in range(repeat):
        for hall in subjects:
            found[hall.server.name].append(await play(hall))
    return found
