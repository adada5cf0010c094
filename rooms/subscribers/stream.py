"""A page without script."""

from rooms import fragments
from rooms.batches import Batch
from rooms.subscribers.subscriber import Over, Subscriber
from rooms.wire import Texts

# Until it loads itself anew, in seconds. It cannot try twice: a server that restarts needs time.
RELOAD_SECONDS = 1
RESTART_SECONDS = 10


class StreamSubscriber(Subscriber):
    """A page without script: its log can only be appended to."""

    _pause = RELOAD_SECONDS

    def _live(self, batch: Batch) -> Texts:
        return Texts([batch.streamed] if batch.streamed else ())

    def tell(self, kind: str, fragment: Texts, frame: Texts) -> None:
        """Take the one piece of news that concerns it: to come anew."""
        if kind in {"renew", "away"}:
            self._pause = RESTART_SECONDS if kind == "away" else self._pause
            self.reset()

    async def _start_over(self) -> None:
        await self._deliver(fragments.streamed_reload(self.room, self._pause))
        raise Over()
