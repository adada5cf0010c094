"""Who may do what: pure functions, no I/O."""

from rooms.authors import Author
from rooms.models import Message


def may_edit(author: Author, message: Message) -> bool:
    """One edits one's own message while it stands."""
    return message.deleted_at is None and message.identity == author.identity


def may_delete(author: Author, message: Message) -> bool:
    """One deletes one's own message, a moderator any."""
    return message.deleted_at is None and (author.moderates or message.identity == author.identity)
