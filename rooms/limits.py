"""Rates and counts that hold for all processes: kept in Redis where there is one, else here.

Redis is asked with a time limit. While it is away each process counts for itself, and nobody waits
for it again before it answers.
"""

import asyncio
import contextlib
import hashlib
import logging
from typing import Any

from django.conf import settings
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from rooms.errors import RateLimited
from rooms.rates import Limiter, Rate, rounded_up

# A Redis that answers later than this is away, and is asked again after AWAY_SECONDS.
PATIENCE_SECONDS = 0.25
AWAY_SECONDS = 2.0
CONNECTIONS_MAX = 20

# The window of rates.py, with the clock of Redis: each list holds the latest uses, newest first.
# Returns the microseconds to wait, or 0 when the uses are recorded.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait = 0
for i, key in ipairs(KEYS) do
  local count, span = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local oldest = redis.call('LINDEX', key, count - 1)
  if oldest then wait = math.max(wait, oldest + span - now) end
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  redis.call('LPUSH', key, now)
  redis.call('LTRIM', key, 0, ARGV[2 * i - 1] - 1)
  redis.call('PEXPIRE', key, math.ceil(ARGV[2 * i] / 1000))
end
return 0
"""

Use = tuple[str, str, tuple[int, float] | None]  # what is done, who does it, the setting
logger = logging.getLogger(__name__)


async def take(*uses: Use) -> None:
    """Record the uses, in all processes. Raises RateLimited, and records nothing, for one too many.

    A use whose rate is `off`, or that nobody is known for, is always allowed.
    """
    if rates := _rates(uses):
        wait = await shared().ask(
            _TAKE,
            [f"rooms.rate.{key}" for key in rates],
            [part for rate in rates.values() for part in (rate.count, int(rate.seconds * 1e6))],
        )
        if wait is None:
            _here.take(rates)
        elif wait:
            raise RateLimited(rounded_up(wait / 1e6))


def take_here(*uses: Use) -> None:
    """Do what `take` does in this process alone, from any thread: for the admin and the shell."""
    if rates := _rates(uses):
        _here.take(rates)


def shared() -> "Shared":
    """Return what the running event loop shares with other processes."""
    global _shared
    loop = asyncio.get_running_loop()
    if _shared is None or _shared.loop is not loop:
        _shared = Shared(loop)
    return _shared


class Shared:
    """Redis, as far as it answers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._redis: Any = None
        self._answered = self._asked_again = -AWAY_SECONDS
        self._is_away = False
        self._probe: asyncio.Task[None] | None = None
        if settings.REDIS_URL:
            pool = BlockingConnectionPool.from_url(
                settings.REDIS_URL,
                max_connections=CONNECTIONS_MAX,
                # A second try of the client's own would wait longer than anybody here does.
                retry=Retry(NoBackoff(), 0),
            )
            self._redis = Redis.from_pool(pool)

    async def ask(self, script: str, keys: list[str], arguments: list[Any]) -> int | None:
        """Return what the script answers; None without a Redis, or while it is away."""
        if self._redis is None:
            return None
        if self._is_away:
            self._ask_again()
            return None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer: int = await self._redis.eval(script, len(keys), *keys, *arguments)
                self._answered = self.loop.time()
                return answer
        except Exception as error:  # whatever the client raises when its server is away
            # In a storm it is this process that has no time for the answer.
            is_busy = self.loop.time() - self._answered < AWAY_SECONDS
            if not (isinstance(error, TimeoutError) and is_busy) and not self._is_away:
                logger.warning("Limits are counted here alone: %s", type(error).__name__)
                self._is_away = True
                self._asked_again = self.loop.time()
            return None

    async def close(self) -> None:
        """Close the connections (a test must, before its event loop goes)."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        if self._redis is not None:
            await self._redis.aclose()

    def _ask_again(self) -> None:
        now = self.loop.time()
        if now - self._asked_again >= AWAY_SECONDS:
            self._asked_again = now
            self._probe = self.loop.create_task(self._ping())

    async def _ping(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(AWAY_SECONDS):
                await self._redis.ping()
                self._is_away = False
                self._answered = self.loop.time()
                logger.info("Limits are counted in all processes again")


def _rates(uses: tuple[Use, ...]) -> dict[str, Rate]:
    # A digest, because an identity is as good as a password and stays where it is known.
    return {
        hashlib.blake2s(f"{what}:{who}".encode(), digest_size=16).hexdigest(): Rate(*setting)
        for what, who, setting in uses
        if setting is not None and who
    }


_here = Limiter()
_shared: Shared | None = None
