"""A tool that reads a room."""

from collections.abc import Sequence

from rooms import frames
from rooms.authors import Author
from rooms.batches import Batch
from rooms.log import Head
from rooms.subscribers.subscriber import Over, Send, Subscriber


class ToolSubscriber(Subscriber):
    """A tool: one frame an entry, of the kinds that it asked for."""

    def __init__(
        self, room: str, author: Author, send: Send, kinds: frozenset[str], resumes: bool
    ) -> None:
        super().__init__(room, author, send)
        self._kinds = kinds
        self._resumes = resumes

    def _live(self, batch: Batch) -> Sequence[str]:
        return batch.frames(self._kinds)

    def _news(self, kind: str, fragment: str, frame: str) -> Sequence[str]:
        return [frame] if frame and kind in self._kinds else ()

    def _greeting(self, head: Head) -> Sequence[str]:
        return [frames.encode(frames.hello(self.room, head, self.author))] if self._resumes else ()

    def _arrival(self) -> Sequence[str]:
        return [frames.encode(frames.live(self.cursor))] if self._resumes else ()

    def _restart(self, head: Head, reason: str) -> Sequence[str]:
        return [frames.encode(frames.reset(head, reason))]

    async def _start_over(self) -> None:
        if not self._resumes:
            raise Over()  # it cannot be told of a gap, so it must not have one
        await super()._start_over()
