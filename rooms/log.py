"""The room log: numbered changes in commit order, and how they are read.

`seq` is taken under the room's lock: the writing transaction increments the room's counter and
holds that row to commit. A reader at cursor *n* may therefore ask for everything after *n* and
know that nothing will ever appear behind it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple

from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from rooms.authors import Author
from rooms.errors import IdConflict, Refused
from rooms.models import Epoch, Message, Room

PAGE_SIZE = 50
# Entry numbers read at once. A window of numbers, unlike a LIMIT, cannot slip over a row that
# moves while it is read.
WINDOW = 500
# Rooms of which the last message that was posted here is remembered.
KEPT_MAX = 10_000
# What one person says within this time is shown under one name.
_TOGETHER = timedelta(minutes=5)

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


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked text that is to be appended; with a `refusal`, only if it was posted before."""

    author: Author
    body: str
    client_id: str | None = None
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message was posted; `duplicate` if that had happened before, else with its entry."""

    message_id: int
    number: int
    seq: int
    duplicate: bool = False
    entry: Entry | None = field(default=None, compare=False, repr=False)


# Reading


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

    A deleted message has no *posted* entry of its own kind: the entry at its posted number still
    comes, as kind `posted` with `deleted_at` set, for a page shows its tombstone.
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


# Writing: only rooms.posting may call what stands below, inside a transaction.


def lock(room: str) -> Room:
    """Return the room, made if need be, locked until the transaction ends."""
    rows = Room.objects.select_for_update()
    try:
        return rows.get(name=room)
    except Room.DoesNotExist:
        # Two processes may make the same room at once; both then wait for the one row.
        Room.objects.bulk_create([Room(name=room)], ignore_conflicts=True)
        return rows.get(name=room)


def append(room: Room, drafts: Sequence[Draft]) -> list[Receipt | Refused]:
    """Append the drafts to the locked room; one that was posted before is answered as it was.

    Returns one result a draft: its receipt, its own refusal, or IdConflict when its id stands
    for another text.
    """
    known = _posted_before(room, drafts)
    previous: Message | _Last | None = _last(room) if drafts else None
    now = timezone.now()
    fresh: list[Message] = []
    results: list[tuple[Message, bool] | Refused] = []
    for draft in drafts:
        digest = _digest(draft.body)
        key = (draft.author.identity, draft.client_id)
        earlier = known.get(key) if draft.client_id is not None else None
        if earlier is not None:
            same = bytes(earlier.digest) == digest
            results.append((earlier, True) if same else IdConflict())
            continue
        if draft.refusal is not None:
            results.append(draft.refusal)
            continue
        known[key] = previous = _message(room, draft, digest, previous, now)
        fresh.append(previous)
        results.append((previous, False))
    if fresh:
        Message.objects.bulk_create(fresh)
        room.active_at = fresh[-1].sent_at
        room.save(update_fields=["seq", "number", "active_at"])
        transaction.on_commit(partial(_keep, fresh[-1]))
    return [one if isinstance(one, Refused) else _receipt(*one) for one in results]


def edit(room: Room, message: Message, body: str) -> None:
    """Give a message of the locked room another text, as the room's next entry."""
    message.body = body
    message.edited_at = timezone.now()
    _move(room, message, "body", "edited_at")


def delete(room: Room, message: Message) -> None:
    """Make a message of the locked room a tombstone, as the room's next entry."""
    message.body = ""
    message.deleted_at = timezone.now()
    _move(room, message, "body", "deleted_at")


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


def _posted_before(room: Room, drafts: Sequence[Draft]) -> dict[tuple[str, str | None], Message]:
    ids = {draft.client_id for draft in drafts if draft.client_id is not None}
    if not ids:
        return {}
    identities = {draft.author.identity for draft in drafts}
    rows = room.messages.filter(client_id__in=ids, identity__in=identities)
    return {(message.identity, message.client_id): message for message in rows}


def _last(room: Room) -> "_Last | None":
    """Return the last message of the locked room.

    The one that this process posted last is still the last, if the room's counters say so.
    """
    kept = _kept.get(room.pk)
    if kept is not None and (kept.number, kept.sent_at) == (room.number, room.active_at):
        return kept
    row = room.messages.order_by("-number").values_list(*_Last._fields).first()
    return _Last(*row) if row else None


def _keep(last: Message) -> None:
    if len(_kept) >= KEPT_MAX:
        _kept.clear()
    _kept[last.room_id] = _Last(last.number, last.sent_at, last.identity, last.author_name)


class _Last(NamedTuple):
    """What the next message has to know of the one before: no change of that one changes it."""

    number: int
    sent_at: datetime
    identity: str
    author_name: str


_kept: dict[int, _Last] = {}


def _receipt(message: Message, duplicate: bool) -> Receipt:
    seq = message.posted_seq
    entry = None if duplicate else Entry(seq, "posted", message)
    return Receipt(message.pk, message.number, seq, duplicate, entry)


def _message(
    room: Room, draft: Draft, digest: bytes, previous: Message | _Last | None, now: datetime
) -> Message:
    room.seq += 1
    room.number += 1
    # A clock that was set back must not put a message before the one it follows.
    sent_at = max(now, previous.sent_at) if previous else now
    opens_day = previous is None or _day(previous.sent_at) != _day(sent_at)
    author = draft.author
    return Message(
        room=room,
        number=room.number,
        posted_seq=room.seq,
        seq=room.seq,
        author_id=author.user_id,
        author_name=author.name,
        author_kind=author.kind,
        identity=author.identity,
        body=draft.body,
        sent_at=sent_at,
        continues=not opens_day
        and previous is not None
        and (previous.identity, previous.author_name) == (author.identity, author.name)
        and sent_at - previous.sent_at < _TOGETHER,
        opens_day=opens_day,
        client_id=draft.client_id,
        digest=digest,
    )


def _move(room: Room, message: Message, *fields: str) -> None:
    room.seq += 1
    message.seq = room.seq
    message.save(update_fields=["seq", *fields])
    room.save(update_fields=["seq"])


def _day(moment: datetime) -> object:
    return timezone.localtime(moment).date()


def _digest(body: str) -> bytes:
    # Keyed, so that a deleted text cannot be found again by trying.
    return salted_hmac("rooms.log", body, algorithm="sha256").digest()[:16]
