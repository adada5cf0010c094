"""A copy of all that is stored, and its way back.

One format for every store, so that a chat can move from one to another: Django's own JSON lines,
compressed, between a line that says what they are and one that says how many rows there were.
"""

from rooms.backups.contents import Unusable, models, told
from rooms.backups.restoring import restore
from rooms.backups.taking import take

__all__ = ["Unusable", "models", "restore", "take", "told"]
