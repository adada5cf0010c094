"""How often somebody may do something: an exact sliding window in process memory."""

import math
import time
from collections import deque
from dataclasses import dataclass
from threading import Lock

from rooms.errors import RateLimited

_KEYS_BEFORE_FIRST_SWEEP = 1024


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` uses in any `seconds` seconds."""

    count: int
    seconds: float


class Limiter:
    """Remembers the latest uses of each key; any thread may ask it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[str, _Window] = {}
        self._sweep_at = _KEYS_BEFORE_FIRST_SWEEP

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._windows)

    def take(self, rates: dict[str, Rate], now: float | None = None) -> None:
        """Record one use of each key at `now`, in seconds of the monotonic clock.

        Raises RateLimited, and records nothing, when the rate of one of them is used up; waiting
        for its `retry_after` is enough.
        """
        if now is None:
            now = time.monotonic()
        with self._lock:
            self._sweep(now)
            wait = max((self._wait(key, rate, now) for key, rate in rates.items()), default=0)
            if wait > 0:
                raise RateLimited(rounded_up(wait))
            for key, rate in rates.items():
                self._windows.setdefault(key, _Window()).take(rate, now)

    def _wait(self, key: str, rate: Rate, now: float) -> float:
        window = self._windows.get(key)
        return window.wait(rate, now) if window else 0

    def _sweep(self, now: float) -> None:
        # Waiting until the keys have doubled keeps the cost of each use constant.
        if len(self._windows) < self._sweep_at:
            return
        self._windows = {
            key: window for key, window in self._windows.items() if window.ends_at > now
        }
        self._sweep_at = max(_KEYS_BEFORE_FIRST_SWEEP, 2 * len(self._windows))


class _Window:
    """The uses of one key that still count, oldest first."""

    __slots__ = ("ends_at", "uses")

    def __init__(self) -> None:
        self.uses: deque[float] = deque()
        self.ends_at = -math.inf

    def wait(self, rate: Rate, now: float) -> float:
        """Return the seconds until one more use is allowed, 0 if it is now."""
        uses = self.uses
        while uses and uses[0] + rate.seconds <= now:
            uses.popleft()
        # Not always the first: the rate may have been lowered since.
        return uses[-rate.count] + rate.seconds - now if len(uses) >= rate.count else 0

    def take(self, rate: Rate, now: float) -> None:
        self.uses.append(now)
        self.ends_at = now + rate.seconds


def rounded_up(seconds: float) -> float:
    """Return whole milliseconds, always more than was asked: a float may fall short by a hair."""
    return (math.floor(seconds * 1000) + 1) / 1000
