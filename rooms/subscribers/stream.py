"""A page without script."""

from collections.abc import Sequence

from rooms import fragments
from rooms.batches import Batch
from rooms.subscribers.subscriber import Over, Subscriber


class StreamSubscriber(Subscriber):
    """A page without script: its log can only be appended to."""

    def _live(self, batch: Batch) -> Sequence[str]:
        return [batch.streamed] if batch.streamed else ()

    def tell(self, kind: str, fragment: str, frame: str) -> None:
        """Take the one piece of news that concerns it: to come anew."""
        if kind == "renew":
            self.reset()

    async def _start_over(self) -> None:
        await self._deliver(fragments.streamed_reload(self.room))
        raise Over()
