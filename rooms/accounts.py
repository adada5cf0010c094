"""Whether those who are signed in still are: accounts and sessions, asked anew while one reads.

The database is the truth. The doorbell only says that something changed, so that every process
looks at once; what it loses is found SECONDS later.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection
from typing import Any, Protocol

from django.contrib.sessions.models import Session
from django.utils import timezone

from rooms import authors, database, doorbell
from rooms.authors import Author
from rooms.doorbell import Bell, News
from rooms.models import User

SITE = "site.accounts"
SECONDS = 1.0
# A storm of readers is looked at together.
GATHER_SECONDS = 0.1
# Parameters in one query.
CHUNK = 500

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """Who reads as somebody."""

    author: Author

    def revoke(self) -> None:
        """Hear that its author is not signed in any more."""


class Accounts:
    """The signed-in readers of one process."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._readers: set[Reader] = set()
        self._look = asyncio.Event()
        bell.listen(SITE, self._hear)
        self._task = bell.loop.create_task(self._watch(), name="accounts")

    def join(self, reader: Reader) -> None:
        """Watch over the reader, if it is signed in; what its handshake found may be old by now."""
        if reader.author.session:
            self._readers.add(reader)
            self._look.set()

    def look(self, reader: Reader) -> None:
        """Look at once, if the reader is signed in: it reads what it missed."""
        if reader in self._readers:
            self._look.set()

    def leave(self, reader: Reader) -> None:
        """Watch no more."""
        self._readers.discard(reader)

    async def close(self) -> None:
        """Stop the task (a test must, before its event loop goes)."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _hear(self, news: News) -> None:
        self._look.set()

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SECONDS):
                    await self._look.wait()
            self._look.clear()
            readers = list(self._readers)
            if not readers:
                continue
            try:
                known = await database.read(_known, {reader.author for reader in readers})
            except Exception as error:
                if not isinstance(error, database.AWAY):
                    logger.exception("The accounts could not be looked at")
                await asyncio.sleep(SECONDS)
                continue
            for reader in readers:
                if reader.author not in known:
                    reader.revoke()
            await asyncio.sleep(GATHER_SECONDS)


def session_ended(instance: Session, **_: Any) -> None:
    """Have all processes look: somebody signed out, or a session was deleted."""
    if instance.expire_date > timezone.now():  # expired ones are swept by the thousand
        doorbell.ring_site_on_commit(SITE)


def account_changed(
    created: bool = False, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    """Have all processes look: an account was changed or deleted."""
    if not created and set(update_fields or ()) != {"last_login"}:
        doorbell.ring_site_on_commit(SITE)


def _known(asked: set[Author]) -> set[Author]:
    """Return those who are still who they were: session, password, name, rights and all."""
    sessions: set[str] = set()
    users: dict[int, User] = {}
    keys = sorted({author.session for author in asked})
    accounts = sorted({author.user_id for author in asked if author.user_id is not None})
    for start in range(0, len(keys), CHUNK):
        found = Session.objects.filter(
            session_key__in=keys[start : start + CHUNK], expire_date__gt=timezone.now()
        )
        sessions.update(found.values_list("session_key", flat=True))
    for start in range(0, len(accounts), CHUNK):
        users |= User.objects.filter(is_active=True).in_bulk(accounts[start : start + CHUNK])
    return {
        author
        for author in asked
        if author.session in sessions
        and author.user_id in users
        and author == authors.member(users[author.user_id], author.session, author.address)
    }
