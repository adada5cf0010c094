"""The feeds of one process: one for each room that somebody reads here."""

import asyncio
import logging

from rooms import database, fragments, log
from rooms.accounts import Accounts
from rooms.authors import Author
from rooms.doorbell import Bell, bell
from rooms.feed import Feed, Reader
from rooms.presence import Presence
from rooms.wire import Texts

# A lost last ring, or a dead Redis, is made good within this: half of what is promised, for the
# tick's own query and the round after it take their time too.
TICK_SECONDS = 1.0
BEAT_SECONDS = 10.0
# By then the browser has the cookie with the new name.
RENEW_SECONDS = 1.0

logger = logging.getLogger(__name__)


def feeds() -> "Feeds":
    """Return the feeds of the running event loop."""
    global _feeds
    current = bell()
    if _feeds is None or _feeds.bell is not current:
        _feeds = Feeds(current)
    return _feeds


class Feeds:
    """The feeds of one process, and the slow tick that makes good what the doorbell lost."""

    def __init__(self, bell: Bell) -> None:
        self.bell = bell
        self.presence = Presence(bell)
        self.accounts = Accounts(bell)
        self._feeds: dict[str, Feed] = {}
        self._tasks = [
            bell.loop.create_task(self._tick(), name="tick"),
            bell.loop.create_task(self._beat(), name="beat"),
        ]

    def join(self, room: str, reader: Reader) -> Feed:
        """Return the room's feed, with the reader among its subscribers, not live yet."""
        feed = self._feeds.get(room)
        if feed is None:
            feed = self._feeds[room] = Feed(room, self.bell, self.presence)
        feed.readers.add(reader)
        return feed

    def type(self, room: str, author: Author) -> None:
        """Say that the author is typing, if anybody reads the room."""
        if room in self._feeds:
            self._feeds[room].type(author)

    def renew(self, tag: str) -> None:
        """Let the author's pages connect anew, under the name that their cookie has by then."""
        self.bell.loop.call_later(RENEW_SECONDS, self._renew, tag)

    def send_away(self) -> None:
        """Let all pages connect anew at once: this process ends."""
        for feed in self._feeds.values():
            for reader in list(feed.live):
                reader.tell("away", Texts([fragments.leaf(feed.room, oob=True)]), Texts())

    def leave(self, feed: Feed, reader: Reader) -> None:
        """Take a subscriber out; with the last one the feed ends."""
        feed.live.discard(reader)
        feed.readers.discard(reader)
        if not feed.readers and self._feeds.get(feed.room) is feed:
            del self._feeds[feed.room]
            feed.close()

    async def close(self) -> None:
        """Stop everything (a test must, before its event loop goes)."""
        for feed in list(self._feeds.values()):
            feed.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.presence.close()
        await self.accounts.close()
        await self.bell.close()

    def _renew(self, tag: str) -> None:
        for room, feed in self._feeds.items():
            for reader in [reader for reader in feed.live if reader.author.tag == tag]:
                reader.tell("renew", Texts([fragments.leaf(room, oob=True)]), Texts())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if not self._feeds:
                continue
            since = {room: feed.head.seq for room, feed in self._feeds.items()}
            try:
                epoch, heads = await database.read(log.heads, since)
                for room, feed in list(self._feeds.items()):
                    if room in since:
                        feed.find(heads.get(room, 0), epoch, since[room])
            except Exception as error:
                if not isinstance(error, database.AWAY):
                    logger.exception("The tick stumbled")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for feed in list(self._feeds.values()):
                try:
                    feed.beat()
                except Exception:
                    # Without a beat all the pages of all the rooms would connect anew, for ever.
                    logger.exception("A beat stumbled")
                await asyncio.sleep(0)


_feeds: Feeds | None = None
