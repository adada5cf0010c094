"""What a log holds, and how it is read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from django.db import connection

from rooms.models import Epoch, Message, Room

PAGE_SIZE = 50
# Entry numbers read at once. A window of numbers, unlike a LIMIT, cannot slip over a row that
# moves while it is read.
WINDOW = 500

Kind = Literal["posted", "changed", "deleted"]


@dataclass(frozen=True, slots=True)
class Head:
    """How far a room has come, with how many messages; `room_id` is None if it is not there."""

    room_id: int | None
    seq: int
    epoch: str
    number: int = 0
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log; the message is in its latest state."""

    seq: int
    kind: Kind
    message: Message


def head(room: str) -> Head:
    """Return how far the room has come, and the epoch of this history."""
    with connection.cursor() as cursor:
        cursor.execute(_HEAD, [room])
        [(room_id, seq, epoch, number, topic)] = cursor.fetchall()
    return Head(room_id, seq or 0, epoch, number or 0, topic or "")


def heads(rooms: Iterable[str]) -> tuple[str, dict[str, int]]:
    """Return the epoch, and how far each of the rooms has come that exists."""
    word = Epoch.objects.get().word
    return word, dict(Room.objects.filter(name__in=list(rooms)).values_list("name", "seq"))


def after(room_id: int, low: int, high: int) -> list[Entry]:
    """Return the entries with numbers above `low` up to `high`, in order.

    The posting of a message that is deleted by now comes too, with `deleted_at` set: a page shows
    its tombstone.
    """
    rows = Message.objects.raw(_AFTER, {"room": room_id, "low": low, "high": high})
    return sorted(_entries(rows, low, high), key=lambda entry: entry.seq)


def page(room_id: int | None, head: int, before: int | None = None) -> list[Message]:
    """Return the last `PAGE_SIZE` messages posted up to `head`, oldest first.

    With `before`, the last whose number is below it.
    """
    if room_id is None:
        return []
    # Ordered by what they are found by: else a long log is sorted for each page of it.
    rows = Message.objects.filter(room_id=room_id)
    if before is None:
        rows = rows.filter(posted_seq__lte=head).order_by("-posted_seq")
    else:
        rows = rows.filter(number__lt=before).order_by("-number")
    return list(rows[:PAGE_SIZE])[::-1]


def around(room_id: int, number: int) -> list[Message]:
    """Return the messages on both sides of `number`, oldest first."""
    near = PAGE_SIZE // 2
    rows = Message.objects.filter(room_id=room_id, number__range=(number - near, number + near))
    return list(rows.order_by("number"))


# Private


# By hand: each page, socket and round of a feed asks these, and Django takes many times as long to
# put such a question together as the database to answer it.
_HEAD = """
    SELECT room.id, room.seq, epoch.word, room.number, room.topic
    FROM rooms_epoch AS epoch LEFT JOIN rooms_room AS room ON room.name = %s
"""
_AFTER = """
    SELECT * FROM rooms_message
    WHERE room_id = %(room)s AND (
        posted_seq > %(low)s AND posted_seq <= %(high)s OR seq > %(low)s AND seq <= %(high)s
    )
"""


def _entries(rows: Iterable[Message], low: int, high: int) -> Iterator[Entry]:
    for message in rows:
        if low < message.posted_seq <= high:
            yield Entry(message.posted_seq, "posted", message)
        if message.seq > message.posted_seq and low < message.seq <= high:
            yield Entry(message.seq, "deleted" if message.deleted_at else "changed", message)
