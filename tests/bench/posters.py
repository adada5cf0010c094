"""Those who post: at a given pace, or as fast as they are served."""

import asyncio
import itertools
import json
import time
from collections.abc import Sequence

from tests.bench.crowd import Seat

# After this a post is given up: some of the rivals lose them.
_PATIENCE_SECONDS = 2.0


def post(seat: Seat, padding: int) -> bytes:
    """Post a message that tells when it was sent; returns by what it is known."""
    known = f"at:={time.monotonic_ns():019d}"  # always as long
    seat.send(json.dumps({"message": f"{known} {'x' * padding}"}))
    return known.encode()


async def steadily(seats: Sequence[Seat], rate: float, number: int, padding: int) -> None:
    """Post so many messages, so many a second, from the seats in turn."""
    began = time.monotonic()
    for turn, seat in zip(range(number), itertools.cycle(seats), strict=False):
        await asyncio.sleep(max(0.0, began + turn / rate - time.monotonic()))
        post(seat, padding)


async def eagerly(seats: Sequence[Seat], seconds: float, padding: int) -> int:
    """Post from each seat, whenever its last message has come back; returns how many."""
    deadline = time.monotonic() + seconds
    posted = 0

    async def keep_posting(seat: Seat) -> None:
        nonlocal posted
        while time.monotonic() < deadline:
            seat.seen.clear()
            seat.wanted = post(seat, padding)
            posted += 1
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await seat.seen.wait()
            except TimeoutError:
                continue

    await asyncio.gather(*(keep_posting(seat) for seat in seats))
    return posted
