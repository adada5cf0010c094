"""A page that shows a room."""

from rooms import fragments
from rooms.batches import Batch
from rooms.log import Head
from rooms.subscribers.subscriber import Subscriber
from rooms.wire import Texts


class PageSubscriber(Subscriber):
    """A page: the same fragments for all, and its own title while nobody looks at it."""

    unseen: int | None = None

    def look(self) -> None:
        """Hear that somebody looks at the page."""
        self.unseen = None
        self._put(Texts([fragments.title(self.room, None)]))

    def look_away(self) -> None:
        """Hear that nobody looks at the page any more."""
        self.unseen = 0
        self._put(Texts([fragments.title(self.room, 0)]))

    def offer(self, batch: Batch) -> None:
        """Take a batch, or fall behind: then it is counted when it is read again."""
        unseen = self.unseen
        super().offer(batch)
        if self not in self.feed.live:
            self.unseen = unseen

    def _live(self, batch: Batch) -> Texts:
        return self._with_title(batch, batch.live)

    def _backlog(self, batch: Batch) -> Texts:
        return self._with_title(batch, batch.backlog)

    def _with_title(self, batch: Batch, fragment: Texts) -> Texts:
        if self.unseen is None or not batch.posted:
            return fragment
        self.unseen += batch.posted
        return fragment.then(Texts([fragments.title(self.room, self.unseen)]))

    def _news(self, kind: str, fragment: Texts, frame: Texts) -> Texts:
        return fragment

    def _arrival(self) -> Texts:
        return Texts([fragments.on_air(self.room) + self.feed.state()])

    def _restart(self, head: Head, reason: str) -> Texts:
        return Texts([fragments.reload(self.room)])

    async def _leap(self, head: Head) -> str:
        return await self.feed.newest(head)
