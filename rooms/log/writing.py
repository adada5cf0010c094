"""What is written to a log. Only `rooms.posting` may, inside a transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from rooms.authors import Author
from rooms.errors import IdConflict, Refused
from rooms.log import last
from rooms.log.last import Last
from rooms.log.reading import Entry
from rooms.models import Message, Room

# What one person says within this time is shown under one name.
_TOGETHER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked text that is to be appended; with a `refusal`, only if it was posted before."""

    author: Author
    body: str
    client_id: str | None = None
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message stands: its number, and the `seq` of what was done with it.

    A `duplicate` had been posted before; what is posted now comes with its entry.
    """

    message_id: int
    number: int
    seq: int
    duplicate: bool = False
    entry: Entry | None = field(default=None, compare=False, repr=False)


def lock(room: str) -> Room:
    """Return the room, made if need be, locked until the transaction ends."""
    locked = _locked(room)
    if locked is None:
        # Two processes may make the same room at once; both then wait for the one row.
        Room.objects.bulk_create([Room(name=room)], ignore_conflicts=True)
        locked = _locked(room)
        assert locked is not None
    return locked


def append(room: Room, drafts: Sequence[Draft]) -> list[Receipt | Refused]:
    """Append the drafts to the locked room; one that was posted before is answered as it was.

    Returns one result a draft: its receipt, its own refusal, or IdConflict when its id stands
    for another text.
    """
    known = _posted_before(room, drafts)
    previous: Message | Last | None = last.of(room) if drafts else None
    now = timezone.now()
    fresh: list[Message] = []
    results: list[tuple[Message | _Posted, bool] | Refused] = []
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
        # Were it to raise, what is stored already would be taken for a failure, and written again.
        transaction.on_commit(lambda: last.keep(fresh[-1]), robust=True)
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


# By hand, like what is read at each round of a feed: each post asks these.
_ROOM = "SELECT * FROM rooms_room WHERE name = %s"
_POSTED = """
    SELECT identity, client_id, id, number, posted_seq, digest FROM rooms_message
    WHERE room_id = %s AND client_id IN ({ids}) AND identity IN ({identities})
"""


class _Posted(NamedTuple):
    """What a retry has to know of the message that it was."""

    pk: int
    number: int
    posted_seq: int
    digest: bytes


def _locked(room: str) -> Room | None:
    can_lock = connection.features.has_select_for_update  # SQLite has locked all since it began
    sql = f"{_ROOM} {connection.ops.for_update_sql()}" if can_lock else _ROOM
    return next(iter(Room.objects.raw(sql, [room])), None)


def _posted_before(
    room: Room, drafts: Sequence[Draft]
) -> dict[tuple[str, str | None], Message | _Posted]:
    ids = {draft.client_id for draft in drafts if draft.client_id is not None}
    if not ids:
        return {}
    identities = {draft.author.identity for draft in drafts}
    sql = _POSTED.format(ids=_places(ids), identities=_places(identities))
    with connection.cursor() as cursor:
        cursor.execute(sql, [room.pk, *ids, *identities])
        rows = cursor.fetchall()
    return {(identity, client_id): _Posted(*row) for identity, client_id, *row in rows}


def _places(values: Collection[str]) -> str:
    return ", ".join(["%s"] * len(values))


def _receipt(message: Message | _Posted, duplicate: bool) -> Receipt:
    seq = message.posted_seq
    entry = (
        Entry(seq, "posted", message) if isinstance(message, Message) and not duplicate else None
    )
    return Receipt(message.pk, message.number, seq, duplicate, entry)


def _message(
    room: Room, draft: Draft, digest: bytes, previous: Message | Last | None, now: datetime
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
