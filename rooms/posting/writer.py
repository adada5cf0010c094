"""The process's one writer: it commits what is waiting together, one room a transaction."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from django.db import Error, transaction

from rooms import database, doorbell, log
from rooms.errors import Refused, Unavailable
from rooms.log import Draft, Receipt
from rooms.models import Room

# Posts in one transaction: bounds how long the first of them waits for the last.
GROUP_MAX = 200

Change = Callable[[Room], Receipt]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """A checked wish: a text to append, or a change that is carried out under the room's lock."""

    room: str
    wish: Draft | Change


def commit(room: str, wishes: Sequence[Draft | Change]) -> list[Receipt | Refused]:
    """Carry out the wishes in one transaction, and ring when it has committed.

    Returns one result a wish: its receipt, or why it was refused.
    """
    with transaction.atomic():
        locked = log.lock(room)
        before = locked.seq
        results: list[Receipt | Refused] = []
        drafts: list[Draft] = []
        for wish in wishes:
            if isinstance(wish, Draft):
                drafts.append(wish)
                continue
            results += log.append(locked, drafts)
            drafts = []
            try:
                results.append(wish(locked))
            except Refused as refused:
                results.append(refused)
        results += log.append(locked, drafts)
        if locked.seq > before:
            receipts = [result for result in results if isinstance(result, Receipt)]
            written = [receipt.entry for receipt in receipts if receipt.entry is not None]
            doorbell.ring_on_commit(room, locked.seq, written)
        elif locked.seq == 0:
            transaction.set_rollback(True)  # a room comes into being with its first message
    return results


class Writer:
    """One thread that writes what is waiting, a room a transaction."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Order, Future[Receipt]]] = deque()
        self._something = threading.Condition()
        self._thread: threading.Thread | None = None
        self._count = 0
        self._is_failing = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits, and nothing is being written."""
        return not self._count

    def submit(self, order: Order) -> Future[Receipt]:
        """Have the order written; the future brings what it came to, or raises a Refused."""
        future: Future[Receipt] = Future()
        with self._something:
            self._waiting.append((order, future))
            self._count += 1
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="rooms-write", daemon=True)
                self._thread.start()
            self._something.notify()
        return future

    def _run(self) -> None:
        while True:
            with self._something:
                while not self._waiting:
                    self._something.wait()
                taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_MAX))]
            rooms: dict[str, list[tuple[Order, Future[Receipt]]]] = {}
            for order, future in taken:
                if future.set_running_or_notify_cancel():
                    rooms.setdefault(order.room, []).append((order, future))
            for group in rooms.values():
                self._settle(group)
            with self._something:
                self._count -= len(taken)

    def _settle(self, group: list[tuple[Order, Future[Receipt]]]) -> None:
        room = group[0][0].room
        try:
            results = database.on_open_connection(commit, room, [order.wish for order, _ in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, database.AWAY):
                # One bad post must not sink its group.
                for single in group:
                    self._settle([single])
                return
            self._tell(error)
            results = [Unavailable() for _ in group]
        else:
            self._tell(None)
        for (_, future), result in zip(group, results, strict=True):
            if isinstance(result, Refused):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _tell(self, error: Exception | None) -> None:
        if error is None:
            if self._is_failing:
                logger.warning("Posts are stored again")
        elif not isinstance(error, Error):
            logger.error("A post could not be stored", exc_info=error)
        elif not self._is_failing:
            # What the database says may hold the text.
            logger.error("A post could not be stored: %s", type(error).__name__)
        self._is_failing = error is not None
