"""The four rules of the design, each switched off in this process: the judge must find it.

1 the database is the truth, 2 `seq` is taken under the room's lock, 3 the channel layer is a
doorbell, 4 delivery is by cursor, behind or live.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from django.db import transaction

from rooms import database, doorbell, log
from rooms.batches import Batch
from rooms.errors import Refused
from rooms.feed import Feed
from rooms.feeds import Feeds
from rooms.log import Draft, Head, Receipt
from rooms.posting import writer as post_writer
from rooms.subscribers import Subscriber

_HESITATION = 0.3  # between what should be one, in seconds


def switch_off(rule: int) -> None:
    """Switch off the rule, 1 to 4."""
    _RULES[rule]()


def _acknowledge_before_the_commit() -> None:
    def settle(writer: Any, group: list[tuple[Any, Future[Receipt]]]) -> None:
        def work() -> None:
            with transaction.atomic():
                results = post_writer.commit(group[0][0].room, [order.wish for order, _ in group])
                for (_, future), result in zip(group, results, strict=True):
                    if isinstance(result, Refused):
                        future.set_exception(result)
                    else:
                        future.set_result(result)
                time.sleep(_HESITATION)

        with suppress(Exception):
            database.on_open_connection(work)

    patch.object(post_writer.Writer, "_settle", settle).start()


def _take_numbers_outside_the_lock() -> None:
    def commit(room: str, wishes: Sequence[Any]) -> list[Receipt | Refused]:
        with transaction.atomic():
            locked = log.lock(room)
            seq, number = locked.seq, locked.number
            locked.seq += len(wishes)
            locked.number += sum(isinstance(wish, Draft) for wish in wishes)
            locked.save()
        with transaction.atomic():
            locked.seq, locked.number = seq, number
            results: list[Receipt | Refused] = []
            with patch.object(locked, "save"):
                for wish in wishes:
                    if isinstance(wish, Draft):
                        results += log.append(locked, [wish])
                    else:
                        results.append(wish(locked))
            time.sleep(random.uniform(0, _HESITATION))
            doorbell.ring_on_commit(room, locked.seq)
        return results

    patch.object(post_writer, "commit", commit).start()


def _believe_the_ring() -> None:
    def reach(feed: Feed, seq: int) -> None:
        if feed.head.seq >= 0:
            feed.head = Head(feed.head.room_id, seq - 1, feed.head.epoch)
        feed._reached = seq
        feed._rung.set()

    async def tick(feeds: Feeds) -> None:
        await asyncio.Event().wait()

    patch.object(Feed, "reach", reach).start()
    patch.object(Feeds, "_tick", tick).start()


def _forget_what_does_not_fit() -> None:
    def offer(reader: Subscriber, batch: Batch) -> None:
        reader._put(reader._live(batch))
        reader.cursor = batch.high

    patch.object(Subscriber, "offer", offer).start()


_RULES = {
    1: _acknowledge_before_the_commit,
    2: _take_numbers_outside_the_lock,
    3: _believe_the_ring,
    4: _forget_what_does_not_fit,
}
