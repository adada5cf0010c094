"""The last message of a log, as the next one has to know it.

It goes around a question at each post: the one that this process posted last is still the last if
the locked room says so, by its counter and the time of its last message.
"""

from datetime import datetime
from typing import NamedTuple

from rooms.models import Message, Room

# Rooms of which the last message that was posted here is remembered.
KEPT_MAX = 10_000


class Last(NamedTuple):
    """What the next message has to know of the one before: no change of that one changes it."""

    number: int
    sent_at: datetime
    identity: str
    author_name: str


def of(room: Room) -> Last | None:
    """Return the last message of the locked room, if there is one."""
    kept = _kept.get(room.pk)
    if kept is not None and (kept.number, kept.sent_at) == (room.number, room.active_at):
        return kept
    row = room.messages.order_by("-number").values_list(*Last._fields).first()
    return Last(*row) if row else None


def keep(message: Message) -> None:
    """Remember a message that was posted here last, once that has committed."""
    if len(_kept) >= KEPT_MAX:
        _kept.clear()
    _kept[message.room_id] = Last(
        message.number, message.sent_at, message.identity, message.author_name
    )


_kept: dict[int, Last] = {}
