"""Who is typing in a room: said again and again while it lasts, and soon forgotten."""

from collections.abc import Iterable
from itertools import islice

from rooms.frames import Frame

# How long somebody is typing after having said so, in seconds.
LASTS = 5.0
# How often one person's typing is told, in seconds.
EVERY = 1.0
# More names than this say nothing to anybody.
SHOWN = 5


class Typists:
    """The people who said a moment ago that they are typing; times are the event loop's."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[Frame, float]] = {}

    def has_just_told(self, tag: str, now: float) -> bool:
        """Tell whether this person's typing was told so lately that it need not be again."""
        return tag in self._until and self._until[tag][1] - now > LASTS - EVERY

    def begin(self, tag: str, typist: Frame, now: float) -> None:
        """Take somebody in, or hear that they go on."""
        self._until[tag] = typist, now + LASTS

    def end(self, tags: Iterable[str]) -> bool:
        """Forget people, because their message is there; return whether one of them was typing."""
        forgotten = [tag for tag in tags if self._until.pop(tag, None)]
        return bool(forgotten)

    def expire(self, now: float) -> bool:
        """Forget who said nothing for long enough; return whether that was anybody."""
        return self.end([tag for tag, (_, until) in self._until.items() if until <= now])

    def shown(self) -> tuple[tuple[str, str], ...]:
        """Return the tags and names of the first few."""
        first = islice(self._until.items(), SHOWN)
        return tuple((tag, typist["name"]) for tag, (typist, _) in first)
