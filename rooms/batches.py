"""What a round of a feed brings."""

from functools import cached_property

from rooms import fragments, frames
from rooms.log import Entry


class Batch:
    """What stands in the log above one cursor up to another, rendered once for all."""

    def __init__(self, room: str, entries: list[Entry], high: int, epoch: str) -> None:
        self.room = room
        self.entries = entries
        self.high = high
        self.cursor = f"{high}.{epoch}"
        self._frames: dict[frozenset[str], list[str]] = {}

    @cached_property
    def posted(self) -> int:
        """How many messages it brings."""
        return sum(entry.kind == "posted" for entry in self.entries)

    @cached_property
    def live(self) -> str:
        """The batch for pages that hold all before it."""
        return fragments.live(self.room, self.entries, self.cursor)

    @cached_property
    def backlog(self) -> str:
        """The batch for pages that were away."""
        return fragments.backlog(self.room, self.entries, self.cursor)

    @cached_property
    def streamed(self) -> str:
        """The batch for pages without script."""
        return fragments.streamed(self.room, self.entries)

    def frames(self, kinds: frozenset[str]) -> list[str]:
        """Return the batch for tools that asked for these kinds of frames."""
        if kinds not in self._frames:
            self._frames[kinds] = frames.entries(self.room, self.entries, kinds)
        return self._frames[kinds]
