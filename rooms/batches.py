"""What a round of a feed brings."""

from functools import cached_property

from rooms import fragments, frames
from rooms.log import Entry
from rooms.wire import Texts


class Batch:
    """What stands in the log above one cursor up to another, rendered once for all."""

    def __init__(self, room: str, entries: list[Entry], high: int, epoch: str) -> None:
        self.room = room
        self.entries = entries
        self.high = high
        self.cursor = f"{high}.{epoch}"
        self._frames: dict[frozenset[str], Texts] = {}

    @cached_property
    def posted(self) -> int:
        """How many messages it brings."""
        return sum(entry.kind == "posted" for entry in self.entries)

    @cached_property
    def live(self) -> Texts:
        """The batch for pages that hold all before it."""
        return Texts([fragments.live(self.room, self.entries, self.cursor)])

    @cached_property
    def backlog(self) -> Texts:
        """The batch for pages that were away."""
        return Texts([fragments.backlog(self.room, self.entries, self.cursor)])

    @cached_property
    def streamed(self) -> str:
        """The batch for pages without script."""
        return fragments.streamed(self.room, self.entries)

    def frames(self, kinds: frozenset[str]) -> Texts:
        """Return the batch for tools that asked for these kinds of frames."""
        if kinds not in self._frames:
            self._frames[kinds] = Texts(frames.entries(self.room, self.entries, kinds))
        return self._frames[kinds]
