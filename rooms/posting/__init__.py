"""The write side: post, edit, delete. Nothing else writes to a log.

Everybody comes in here: sockets, forms, the admin, a line in the shell. The asynchronous
entrances hand their text to the process's one writer, which commits what is waiting together,
one room a transaction. The synchronous ones write in the caller's thread, inside the caller's
transaction if there is one: handing it to the writer would wait for ever on SQLite's lock.
"""

import asyncio
import logging
from dataclasses import replace

from django.conf import settings
from django.db import Error

from rooms import database, doorbell, limits, log, policies
from rooms.authors import Author
from rooms.errors import Forbidden, NotFound, RateLimited, Refused, Unavailable
from rooms.forms import clean_client_id, clean_message
from rooms.log import Draft, Receipt
from rooms.models import Message, Room
from rooms.names import canonical_room
from rooms.posting.writer import Order, Writer, commit

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
    """Give one's own message another text; returns where the change stands.

    Raises a kind of Refused, and then has written nothing.
    """
    order = _edit(room, author, message_id, text)
    limits.take_here(*_uses("change", author))
    return _write(order)


async def aedit_message(room: str, author: Author, message_id: int, text: str) -> Receipt:
    """Do what `edit_message` does, from an event loop, under limits that all processes share."""
    order = _edit(room, author, message_id, text)
    await limits.take(*_uses("change", author))
    return await _awrite(order)


def delete_message(room: str, author: Author, message_id: int) -> Receipt:
    """Make one's own message (a moderator: any) a tombstone; returns where the deletion stands.

    Raises a kind of Refused, and then has written nothing.
    """
    limits.take_here(*_uses("change", author))
    return _write(_delete(room, author, message_id))


async def adelete_message(room: str, author: Author, message_id: int) -> Receipt:
    """Do what `delete_message` does, from an event loop, under limits that all processes share."""
    await limits.take(*_uses("change", author))
    return await _awrite(_delete(room, author, message_id))


def is_idle() -> bool:
    """Tell whether nothing waits to be written by this process, nor is being written."""
    return _writer.is_idle


# Private


def _post(room: str, author: Author, text: str, client_id: str | None) -> Order:
    room = canonical_room(room)
    body = clean_message(text)
    if client_id is not None:
        client_id = clean_client_id(client_id)
    return Order(room, Draft(author, body, client_id))


def _retry(order: Order, refused: RateLimited) -> Order:
    """Return an order that stores nothing new; raises the refusal if that is all it can say.

    A retry of what was posted already is answered, however fast it comes.
    """
    draft = order.wish
    assert isinstance(draft, Draft)
    if draft.client_id is None:
        raise refused
    return Order(order.room, replace(draft, refusal=refused))


def _edit(room: str, author: Author, message_id: int, text: str) -> Order:
    body = clean_message(text)

    def change(locked: Room) -> Receipt:
        message = _find(locked, message_id)
        if not policies.may_edit(author, message):
            raise Forbidden()
        log.edit(locked, message, body)
        return Receipt(message.pk, message.number, message.seq)

    return Order(canonical_room(room), change)


def _delete(room: str, author: Author, message_id: int) -> Order:
    def change(locked: Room) -> Receipt:
        message = _find(locked, message_id)
        if not policies.may_delete(author, message):
            raise Forbidden()
        log.delete(locked, message)
        return Receipt(message.pk, message.number, message.seq)

    return Order(canonical_room(room), change)


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


def _write(order: Order) -> Receipt:
    try:
        [result] = commit(order.room, [order.wish])
    except Error as error:
        logger.error("A post could not be stored: %s", type(error).__name__)
        raise Unavailable() from error
    if isinstance(result, Refused):
        raise result
    return result


async def _awrite(order: Order) -> Receipt:
    doorbell.bell()  # started here, or the writer would have to wait for the layer itself
    return await asyncio.wrap_future(_writer.submit(order))


_writer = Writer()
_known: set[str] = set()
