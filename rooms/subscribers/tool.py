"""A tool that reads a room."""

from rooms import frames
from rooms.authors import Author
from rooms.batches import Batch
from rooms.log import Head
from rooms.subscribers.subscriber import Over, Send, Subscriber
from rooms.wire import Line, Texts


class ToolSubscriber(Subscriber):
    """A tool: one frame an entry, of the kinds that it asked for."""

    def __init__(
        self,
        room: str,
        author: Author,
        send: Send,
        line: Line | None = None,
        *,
        kinds: frozenset[str],
        resumes: bool,
    ) -> None:
        super().__init__(room, author, send, line)
        self._kinds = kinds
        self._resumes = resumes

    def _live(self, batch: Batch) -> Texts:
        return batch.frames(self._kinds)

    def _news(self, kind: str, fragment: Texts, frame: Texts) -> Texts:
        return frame if kind in self._kinds else Texts()

    def _greeting(self, head: Head) -> Texts:
        return self._say(frames.hello(self.room, head, self.author))

    def _arrival(self) -> Texts:
        return self._say(frames.live(self.cursor))

    def _restart(self, head: Head, reason: str) -> Texts:
        return self._say(frames.reset(head, reason))

    async def _start_over(self) -> None:
        if not self._resumes:
            raise Over()  # it cannot be told of a gap, so it must not have one
        await super()._start_over()

    def _say(self, frame: frames.Frame) -> Texts:
        return Texts([frames.encode(frame)] if self._resumes else ())
