"""The write side: post, edit, delete. Nothing else writes to a log.

Everybody comes in here: sockets, forms, the admin, a line in the shell. The asynchronous
entrances hand their text to the process's one writer, which commits what is waiting together,
one room a transaction. The synchronous ones write in the caller's thread, inside the caller's
transaction if there is one: handing it to the writer would wait for ever on SQLite's lock.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import Error, transaction

from rooms import database, doorbell, limits, log, policies
from rooms.authors import Author
from rooms.errors import Forbidden, NotFound, RateLimited, Refused, Unavailable
from rooms.forms import clean_client_id, clean_message
from rooms.log import Draft, Receipt
from rooms.models import Message, Room
from rooms.names import canonical_room

# Posts in one transaction: bounds how long the first of them waits for the last.
GROUP_MAX = 200
# Names of rooms of which it is remembered that they are there.
KNOWN_MAX = 10_000

logger = logging.getLogger(__name__)


def post_message(room: str, author: Author, text: str, client_id: str | None = None) -> Receipt:
    """Post a text in a room; returns where it stands. With a `client_id`, only once.

    Raises a kind of Refused, and then has written nothing.
    """
    order = _post(room, author, text, client_id)
    try:
        limits.take_here(*_uses("post", author))
    except RateLimited as refused:
        order = _retry(order, refused)
    return _write(order)


async def apost_message(
    room: str, author: Author, text: str, client_id: str | None = None
) -> Receipt:
    """Do what `post_message` does, from an event loop, under limits that all processes share."""
    order = _post(room, author, text, client_id)
    try:
        await limits.take(*_uses("post", author))
        await _found(order.room, author)
    except RateLimited as refused:
        order = _retry(order, refused)
    return await _awrite(order)


def edit_message(room: str, author: Author, message_id: int, text: str) -> Receipt:
    """Give one's own message another text. Raises a kind of Refused."""
    order = _edit(room, author, message_id, text)
    limits.take_here(*_uses("change", author))
    return _write(order)


async def aedit_message(room: str, author: Author, message_id: int, text: str) -> Receipt:
    """Do what `edit_message` does, from an event loop, under limits that all processes share."""
    order = _edit(room, author, message_id, text)
    await limits.take(*_uses("change", author))
    return await _awrite(order)


def delete_message(room: str, author: Author, message_id: int) -> Receipt:
    """Make one's own message (a moderator: any) a tombstone. Raises a kind of Refused."""
    limits.take_here(*_uses("change", author))
    return _write(_delete(room, author, message_id))


async def adelete_message(room: str, author: Author, message_id: int) -> Receipt:
    """Do what `delete_message` does, from an event loop, under limits that all processes share."""
    await limits.take(*_uses("change", author))
    return await _awrite(_delete(room, author, message_id))


def is_idle() -> bool:
    """Tell whether nothing waits to be written by this process, nor is being written."""
    return _writer.is_idle


# Private: an order is a checked wish; a change is carried out under the room's lock.

Change = Callable[[Room], Receipt]


@dataclass(frozen=True, slots=True)
class _Order:
    room: str
    wish: Draft | Change


def _post(room: str, author: Author, text: str, client_id: str | None) -> _Order:
    room = canonical_room(room)
    body = clean_message(text)
    if client_id is not None:
        client_id = clean_client_id(client_id)
    return _Order(room, Draft(author, body, client_id))


def _retry(order: _Order, refused: RateLimited) -> _Order:
    """Return an order that stores nothing new; raises the refusal if that is all it can say.

    A retry of what was posted already is answered, however fast it comes.
    """
    draft = order.wish
    assert isinstance(draft, Draft)
    if draft.client_id is None:
        raise refused
    return _Order(order.room, replace(draft, refusal=refused))


def _edit(room: str, author: Author, message_id: int, text: str) -> _Order:
    body = clean_message(text)

    def change(locked: Room) -> Receipt:
        message = _find(locked, message_id)
        if not policies.may_edit(author, message):
            raise Forbidden()
        log.edit(locked, message, body)
        return Receipt(message.pk, message.number, message.seq)

    return _Order(canonical_room(room), change)


def _delete(room: str, author: Author, message_id: int) -> _Order:
    def change(locked: Room) -> Receipt:
        message = _find(locked, message_id)
        if not policies.may_delete(author, message):
            raise Forbidden()
        log.delete(locked, message)
        return Receipt(message.pk, message.number, message.seq)

    return _Order(canonical_room(room), change)


def _uses(what: str, author: Author) -> list[limits.Use]:
    if what == "change" and author.moderates:
        return []
    return [
        (what, author.identity, settings.POST_RATE),
        ("address", author.address, settings.ADDRESS_POST_RATE),
    ]


async def _found(room: str, author: Author) -> None:
    """Count a room that the author's message brings into being."""
    if settings.ROOM_RATE is None or room in _known:
        return
    try:
        if (await database.read(log.head, room)).room_id is None:
            await limits.take(("room", author.identity, settings.ROOM_RATE))
    except database.AWAY as error:
        raise Unavailable() from error
    if len(_known) >= KNOWN_MAX:
        _known.clear()
    _known.add(room)


def _find(room: Room, message_id: int) -> Message:
    message = Message.objects.filter(room=room, pk=message_id, deleted_at=None).first()
    if message is None:
        raise NotFound()
    return message


def _write(order: _Order) -> Receipt:
    try:
        [result] = _commit(order.room, [order.wish])
    except Error as error:
        logger.error("A post could not be stored: %s", type(error).__name__)
        raise Unavailable() from error
    if isinstance(result, Refused):
        raise result
    return result


async def _awrite(order: _Order) -> Receipt:
    doorbell.bell()  # started here, or the writer would have to wait for the layer itself
    return await asyncio.wrap_future(_writer.submit(order))


def _commit(room: str, wishes: Sequence[Draft | Change]) -> list[Receipt | Refused]:
    """Carry out the wishes in one transaction, and ring when it has committed."""
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
            doorbell.ring_on_commit(room, locked.seq)
        elif locked.seq == 0:
            transaction.set_rollback(True)  # a room comes into being with its first message
    return results


class _Writer:
    """One thread that writes what is waiting, a room a transaction."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[_Order, Future[Receipt]]] = deque()
        self._something = threading.Condition()
        self._thread: threading.Thread | None = None
        self._count = 0

    @property
    def is_idle(self) -> bool:
        return not self._count

    def submit(self, order: _Order) -> Future[Receipt]:
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
            rooms: dict[str, list[tuple[_Order, Future[Receipt]]]] = {}
            for order, future in taken:
                if future.set_running_or_notify_cancel():
                    rooms.setdefault(order.room, []).append((order, future))
            for group in rooms.values():
                self._settle(group)
            with self._something:
                self._count -= len(taken)

    def _settle(self, group: list[tuple[_Order, Future[Receipt]]]) -> None:
        room = group[0][0].room
        try:
            results = database.on_open_connection(_commit, room, [order.wish for order, _ in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, database.AWAY):
                # One bad post must not sink its group.
                for single in group:
                    self._settle([single])
                return
            if isinstance(error, Error):  # what the database says may hold the text
                logger.error("A post could not be stored: %s", type(error).__name__)
            else:
                logger.exception("A post could not be stored")
            results = [Unavailable() for _ in group]
        for (_, future), result in zip(group, results, strict=True):
            if isinstance(result, Refused):
                future.set_exception(result)
            else:
                future.set_result(result)


_writer = _Writer()
_known: set[str] = set()
