"""The room log: numbered changes in commit order, and how they are read.

`seq` is taken under the room's lock: the writing transaction increments the room's counter and
holds that row to commit. A reader at cursor *n* may therefore ask for everything after *n* and
know that nothing will ever appear behind it.
"""

from rooms.log.reading import (
    PAGE_SIZE,
    WINDOW,
    Entry,
    Head,
    after,
    around,
    head,
    heads,
    page,
)
from rooms.log.writing import Draft, Receipt, append, delete, edit, lock

__all__ = [
    "PAGE_SIZE",
    "WINDOW",
    "Draft",
    "Entry",
    "Head",
    "Receipt",
    "after",
    "append",
    "around",
    "delete",
    "edit",
    "head",
    "heads",
    "lock",
    "page",
]
