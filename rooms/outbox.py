"""The texts that stand pending in a page, posted once and in order.

The page sends all its pending texts, again and again; text *i* of a frame whose `acked` is *a*
has the number a + i, and with the page's key that is its id: sending again posts nothing twice.
Each acknowledgement takes one form out of the page. What comes faster than POST_RATE allows is
held here, as much as comes in one frame (PAGE_FRAME_MAX), and posted as the rate allows.
"""

import asyncio
import logging
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable

from django.conf import settings

from rooms import fragments, posting
from rooms.authors import Author
from rooms.errors import InvalidFrame, RateLimited, Refused, Unavailable

RETRY_SECONDS = 1.0

_PAGE = re.compile(r"[A-Za-z0-9_-]{1,40}")

logger = logging.getLogger(__name__)


class Outbox:
    """One page's pending texts. Raises InvalidFrame for a page key that is none."""

    def __init__(
        self,
        room: str,
        author: Author,
        page: str,
        acked: int,
        send: Callable[[str], Awaitable[None]],
    ) -> None:
        if not _PAGE.fullmatch(page):
            raise InvalidFrame()
        self._room = room
        self._author = author
        self._page = page
        self._acked = acked  # what the page was last told
        self._held: deque[str] = deque()
        self._send = send
        self._work: asyncio.Task[None] | None = None

    def take(self, acked: int, texts: list[str]) -> None:
        """Take the texts that stand in the page from number `acked` on, as far as they are new."""
        known = self._acked + len(self._held)
        if acked > known:
            raise InvalidFrame()
        size = sum(map(_size, self._held))
        for text in texts[known - acked :]:
            size += _size(text)
            if self._held and settings.PAGE_FRAME_MAX and size > settings.PAGE_FRAME_MAX:
                break  # it stays in the page, and comes again
            self._held.append(text)
        if self._held and (self._work is None or self._work.done()):
            self._work = asyncio.create_task(self._post_all())

    def close(self) -> None:
        """Post no more."""
        if self._work is not None:
            self._work.cancel()

    async def _post_all(self) -> None:
        while self._held:
            try:
                done = await self._post(self._held[0])
            except Exception:
                logger.exception("An outbox stumbled")
                return
            self._held.popleft()
            self._acked += 1
            await self._send(done + fragments.acked(1, self._acked))

    async def _post(self, text: str) -> str:
        """Post one text; returns the fragment that gives a refused one back to its writer."""
        while True:
            try:
                client_id = f"{self._page}-{self._acked}"
                await posting.apost_message(self._room, self._author, text, client_id)
            except RateLimited as refused:
                await asyncio.sleep(refused.retry_after or RETRY_SECONDS)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
            except Refused as refused:
                return fragments.rejected(self._room, text, refused, secrets.token_urlsafe(12))
            else:
                return ""


def _size(text: str) -> int:
    return len(text) + 1  # a frame has more than that around each
