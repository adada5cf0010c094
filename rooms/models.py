"""What is stored: data and constraints, no rules.

A room is a log. `Room.seq` counts its changes in commit order; a message stands for at most two
entries of that log: it was posted at `posted_seq` and, if `seq` is larger, last changed at `seq`.
"""

import secrets
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from rooms.errors import InvalidRoom
from rooms.formatting import to_html
from rooms.names import canonical_room
from rooms.skeletons import skeleton


class User(AbstractUser):
    """An account."""

    # Two names that look alike have the same skeleton.
    skeleton = models.CharField(max_length=300, db_index=True, editable=False)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the account together with what its name looks like."""
        self.skeleton = skeleton(self.username)
        super().save(*args, **kwargs)


class Epoch(models.Model):
    """The one row that names this history; a restore changes it, and old cursors with it."""

    word = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.word

    @staticmethod
    def new_word() -> str:
        """Return a random word for a new history."""
        return secrets.token_hex(8)


class Room(models.Model):
    """A room and the counters of its log."""

    name = models.CharField(max_length=64, unique=True)
    topic = models.CharField(max_length=200, blank=True)
    seq = models.BigIntegerField(default=0, editable=False)
    number = models.BigIntegerField(default=0, editable=False)
    active_at = models.DateTimeField(null=True, editable=False, db_index=True)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Keep the canonical name. Raises ValidationError for what is no room's name."""
        try:
            self.name = canonical_room(self.name)
        except InvalidRoom as refused:
            raise ValidationError({"name": refused.sentence}) from None


class Message(models.Model):
    """A message in its latest state; a deleted one stays as a tombstone without its text."""

    class Kind(models.TextChoices):
        """What its author is."""

        MEMBER = "member"
        GUEST = "guest"
        BOT = "bot"

    room = models.ForeignKey(Room, models.PROTECT, related_name="messages")
    number = models.BigIntegerField()
    posted_seq = models.BigIntegerField()
    seq = models.BigIntegerField()

    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    author_name = models.CharField(max_length=150)
    author_kind = models.CharField(max_length=6, choices=Kind)
    identity = models.CharField(max_length=200)

    body = models.TextField(blank=True)
    sent_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    # Decided when it is posted, because one fragment serves every reader.
    continues = models.BooleanField(default=False)
    opens_day = models.BooleanField(default=False)

    # A retry is told from a conflict by what was posted, whatever was edited since.
    client_id = models.CharField(max_length=150, null=True)
    digest = models.BinaryField(max_length=16)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "number"], name="message_number"),
            models.UniqueConstraint(fields=["room", "posted_seq"], name="message_posted_seq"),
            models.UniqueConstraint(fields=["room", "seq"], name="message_seq"),
            models.UniqueConstraint(
                fields=["room", "identity", "client_id"],
                condition=Q(client_id__isnull=False),
                name="message_once",
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1, posted_seq__gte=F("number"), seq__gte=F("posted_seq")),
                name="message_counts",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True) | Q(body=""), name="message_tombstone"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_id}/{self.number}"

    @property
    def html(self) -> str:
        """The text as safe HTML."""
        return to_html(self.body)
