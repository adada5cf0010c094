"""How many sockets and streams are open: of one address in all processes, and of this process.

In Redis each process keeps, for each address, how many it holds and until when that is true: a
number told twice does no harm, one that was lost is told again, and a killed process's numbers
expire.
"""

import asyncio
import secrets
from collections import Counter
from typing import Literal

from django.conf import settings

from rooms.errors import RateLimited
from rooms.limits import Shared, shared

# What closed is told after TELL_SECONDS, everything again after RENEW_SECONDS.
TELL_SECONDS = 1.0
RENEW_SECONDS = 8.0
LEASE_SECONDS = 20
# When one who found no place may try again.
RETRY_SECONDS = 10.0

# Returns 1 and keeps the process's number, or 0 and keeps the old one if all together are too many.
_KEEP = """
local process, count, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tonumber(redis.call('TIME')[1])
local kept, total = redis.call('HGETALL', KEYS[1]), count
for i = 1, #kept, 2 do
  local held, ends = string.match(kept[i + 1], '(%d+) (%d+)')
  if tonumber(ends) < now then
    redis.call('HDEL', KEYS[1], kept[i])
  elseif kept[i] ~= process then
    total = total + held
  end
end
if most > 0 and total > most then return 0 end
if count == 0 then
  redis.call('HDEL', KEYS[1], process)
else
  redis.call('HSET', KEYS[1], process, count .. ' ' .. now + ARGV[4])
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return 1
"""

Kind = Literal["socket", "stream"]
Place = tuple[Kind, str]


def connections() -> "Connections":
    """Return the connections of the running event loop."""
    global _connections
    current = shared()
    if _connections is None or _connections.shared is not current:
        _connections = Connections(current)
    return _connections


class Connections:
    """The open sockets and streams of one process."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self._process = secrets.token_hex(8)
        self._open: Counter[Place] = Counter()
        self._all = 0  # of all addresses, of which there may be many
        self._closed: set[Place] = set()
        self._task: asyncio.Task[None] | None = None

    async def open(self, kind: Kind, address: str) -> None:
        """Count one more; `close` must follow.

        Raises RateLimited, and counts nothing, when the address or the process has too many.
        """
        if settings.SOCKETS_MAX and self._all >= settings.SOCKETS_MAX:
            raise RateLimited(RETRY_SECONDS, "The server is full. Try again in a moment.")
        place, most = (kind, address), _most(kind) if address else None
        self._open[place] += 1
        self._all += 1
        if settings.REDIS_URL and self._task is None:
            self._task = self.shared.loop.create_task(self._tell(), name="connections")
        try:
            if most and (self._open[place] > most or not await self._keep(place, most)):
                raise RateLimited(RETRY_SECONDS, f"Too many {kind}s are open from your address.")
        except BaseException:  # one who leaves while Redis is asked is cancelled here
            self.close(kind, address)
            raise

    def close(self, kind: Kind, address: str) -> None:
        """Count one less."""
        place = (kind, address)
        self._open[place] -= 1
        self._all -= 1
        if not self._open[place]:
            del self._open[place]
        if self._task is not None:
            self._closed.add(place)

    async def is_full(self, kind: Kind, address: str) -> bool:
        """Tell whether the address may open no more."""
        try:
            await self.open(kind, address)
        except RateLimited:
            return True
        self.close(kind, address)
        return False

    async def end(self) -> None:
        """Stop telling (a test must, before its event loop goes)."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self, place: Place, most: int) -> bool:
        kind, address = place
        key, count = f"rooms.open.{kind}.{address}", self._open[place]
        kept = await self.shared.ask(_KEEP, [key], [self._process, count, most, LEASE_SECONDS])
        return kept != 0

    async def _tell(self) -> None:
        renew = 0.0
        while True:
            places, self._closed = self._closed, set()
            if self.shared.loop.time() >= renew:
                renew = self.shared.loop.time() + RENEW_SECONDS
                places |= set(self._open)
            for place in places:
                if place[1] and _most(place[0]):
                    await self._keep(place, 0)
            await asyncio.sleep(TELL_SECONDS)


def _most(kind: Kind) -> int | None:
    most: int | None = getattr(settings, f"ADDRESS_{kind.upper()}S_MAX")
    return most


_connections: Connections | None = None
