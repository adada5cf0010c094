"""What a room's page begins with: its newest messages, kept as one text while the room rests.

It goes around the query for fifty rows and the joining of their fragments. The database is asked
for the room's head all the same, each time: a post, an edit and a deletion move it in their own
transaction, and a restore gives it another epoch, so that what was shown at a head is what stands
there, whichever process wrote it. A new release is a new process. Nothing is kept that is not the
same for every reader.
"""

from dataclasses import dataclass

from rooms import database, fragments, log
from rooms.log import Head

# Characters of all that is kept; the rooms that were asked for longest ago go first.
KEPT = 8_000_000


@dataclass(frozen=True, slots=True)
class Newest:
    """A room's newest messages, as list items, and the head up to which they were posted."""

    head: Head
    items: str


async def newest(room: str) -> Newest:
    """Return the newest messages of the room as it is now."""
    head = await database.read(log.head, room)
    kept = _kept.get(room)
    if kept is None or kept.head != head:
        messages = await database.read(log.page, head.room_id, head.seq)
        kept = Newest(head, fragments.items(room, messages))
    _keep(room, kept)
    return kept


# Private: touched by the event loop alone.


_kept: dict[str, Newest] = {}
_size = 0


def _keep(room: str, newest: Newest) -> None:
    global _size
    _forget(room)
    # Names of rooms that are not there could be asked for without end.
    if newest.head.room_id is not None:
        _kept[room] = newest
        _size += len(newest.items)
    while _size > KEPT:
        _forget(next(iter(_kept)))


def _forget(room: str) -> None:
    global _size
    if gone := _kept.pop(room, None):
        _size -= len(gone.items)
