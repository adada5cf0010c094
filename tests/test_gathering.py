"""A room in which it takes long to tell everybody."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rooms import feeds
from rooms.batches import Batch
from tests.cast import Tool, say, unhurried, until

__all__ = ["unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)

ROUND_SECONDS = 0.02


@pytest.fixture
async def full(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Tool, list[int]]]:
    """A reader who stands for very many, and how many messages came to them in each round."""
    rounds: list[int] = []
    tool = await Tool().join()
    offer = tool.subscriber.offer

    def take_long(batch: Batch) -> None:
        rounds.append(len(batch.entries))
        time.sleep(ROUND_SECONDS)  # as a thousand writes would
        offer(batch)

    monkeypatch.setattr(tool.subscriber, "offer", take_long)
    await until(lambda: tool.is_live)
    yield tool, rounds
    await tool.leave()


async def test_messages_gather_for_longer_than_it_takes_to_tell_them(
    full: tuple[Tool, list[int]],
) -> None:
    tool, rounds = full
    began = time.monotonic()
    await say(*map(str, range(30)))
    await until(lambda: len(tool.said) == 30)
    took = time.monotonic() - began
    assert sum(rounds) == 30
    assert len(rounds) <= took / (2 * ROUND_SECONDS) + 2


async def test_all_who_come_during_a_round_wait_for_one_more_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "TICK_SECONDS", 60.0)  # it would find that half of it is not true
    tool = await Tool().join()
    await until(lambda: tool.is_live)
    room = tool.subscriber.feed
    rounds: list[int] = []

    def say_more(batch: Batch) -> None:
        rounds.append(batch.high)
        if batch.high < 50:
            room._written[batch.high + 1] = replace(batch.entries[0], seq=batch.high + 1)
            room._reached = batch.high + 1

    monkeypatch.setattr(tool.subscriber, "offer", say_more)
    await say("one")
    await until(lambda: rounds)
    before = len(rounds)
    async with room._lock:
        comers = [asyncio.create_task(room.open()) for _ in range(20)]
        await asyncio.sleep(0.01)
    await asyncio.gather(*comers)
    assert len(rounds) - before == 1
    await tool.leave()
