"""What a site needs, calculated from what things cost: processes, Redis, PostgreSQL, bandwidth."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

# How much of a core a process may use in the mean: the rest is for bursts, and for the readers of
# one that restarts.
BUSY = 0.5
# Whoever would need more has something else to change.
PROCESSES_MAX = 1000
# As the settings have them, and the pool.
SOCKETS_MAX = 10_000
CONNECTIONS_MAX = 20
# Around a frame, in bytes: WebSocket, TLS, TCP and IP.
ENVELOPE = 4 + 22 + 52


@dataclass(frozen=True)
class Site:
    """So many rooms, with so many readers and messages a second in each."""

    rooms: int
    people: int
    rate: float

    @property
    def sockets(self) -> int:
        """All readers together."""
        return self.rooms * self.people


@dataclass(frozen=True)
class Costs:
    """What the bench found; µs of processor time where nothing else is said."""

    deliveries: Sequence[
        tuple[float, float]
    ]  # messages/s in a room, and what a delivery costs then
    post: float  # of a round in each process that serves the room
    idle: float  # of a socket, a second
    handshake: float
    memory: float  # of a socket, in kB
    commit: float  # milliseconds that one takes
    redis: float | None  # of Redis, for each process that a ring reaches
    frame: int  # bytes

    def of_reader(self, rate: float) -> float:
        """Return the µs a second that one reader of a room costs: straight lines between points."""
        points = [(0.0, 0.0), *((at, at * cost) for at, cost in self.deliveries)]
        for (low, less), (high, more) in pairwise(points):
            if rate <= high:
                return self.idle + less + (more - less) * (rate - low) / (high - low)
        return self.idle + rate * self.deliveries[-1][1]


@dataclass(frozen=True)
class Need:
    """What it takes."""

    processes: int
    deliveries: float  # a second
    redis: float | None  # of one core
    commits: float  # a second
    reads: float  # of the log, a second
    connections: int  # to PostgreSQL, at most
    memory: float  # of the sockets, in MB
    megabits: float  # a second
    returning: float  # seconds of a core until the readers of one process are back


def need(site: Site, costs: Costs, *, by_room: bool) -> Need | None:
    """Return what the site needs; None where no number of processes up to a thousand suffices.

    `by_room`: the proxy sends all readers of a room to one process. Else they are anywhere.
    """
    processes = _fewest(site, costs, by_room)
    if processes is None:
        return None
    rounds = _rounds(site, costs)
    heard = rounds * _spread(site, processes, by_room)
    deliveries = site.sockets * site.rate
    return Need(
        processes=processes,
        deliveries=deliveries,
        redis=None if costs.redis is None else heard * costs.redis / 1e6,
        commits=rounds,
        # Whoever wrote it need not read it; a tick each.
        reads=heard - rounds + processes,
        connections=processes * CONNECTIONS_MAX,
        memory=site.sockets * costs.memory / 1000,
        megabits=deliveries * (costs.frame + ENVELOPE) * 8 / 1e6,
        returning=site.sockets / processes * costs.handshake / 1e6,
    )


def _fewest(site: Site, costs: Costs, by_room: bool) -> int | None:
    if by_room and _cores(Site(1, site.people, site.rate), costs, 1) > BUSY:
        return None
    processes = 1
    # Each further one reads rooms that others read already, so that it may take yet another.
    while (more := _enough(site, costs, _spread(site, processes, by_room))) > processes:
        if more > PROCESSES_MAX:
            return None
        processes = more
    return processes


def _enough(site: Site, costs: Costs, spread: float) -> int:
    return max(
        ceil(_cores(site, costs, spread) / BUSY),
        ceil(_rounds(site, costs) * costs.commit / 1000 / BUSY),  # each has one writer
        ceil(site.sockets / SOCKETS_MAX),
        1,
    )


def _cores(site: Site, costs: Costs, spread: float) -> float:
    readers = site.sockets * costs.of_reader(site.rate)
    return (_rounds(site, costs) * spread * costs.post + readers) / 1e6


def _rounds(site: Site, costs: Costs) -> float:
    """Return in how many portions a second the messages of all rooms go through a process.

    What is posted in a room during a commit is committed, rung and read together.
    """
    return site.rooms * min(site.rate, 1000 / costs.commit)


def _spread(site: Site, processes: int, by_room: bool) -> float:
    """Return by how many processes a room is served, in the mean where its readers are anywhere."""
    return 1.0 if by_room else processes * (1 - (1 - 1 / processes) ** site.people)
