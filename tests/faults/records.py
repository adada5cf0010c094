"""What was seen, as the judge reads it."""

from dataclasses import dataclass, field


@dataclass
class Wish:
    """A text that somebody wants in a room, and what became of it as they were told."""

    room: str
    identity: str
    client_id: str
    text: str | None  # as it stands after the last acknowledged change; None: deleted
    is_acknowledged: bool = False


@dataclass(frozen=True)
class Row:
    """A message in the database."""

    number: int
    posted_seq: int
    seq: int
    identity: str
    client_id: str | None
    text: str | None  # None: deleted


@dataclass(frozen=True)
class Sight:
    """An entry of the log as a tool was told of it."""

    seq: int
    kind: str
    number: int
    text: str | None = None


@dataclass
class Reading:
    """All that one reader was told, along all its sockets."""

    who: str
    room: str
    hears_changes: bool
    after: int = 0  # where it began
    sights: list[Sight] = field(default_factory=list)
    is_live: bool = False  # until the end
    stays: bool = True  # to the end; else it is judged up to the last that it saw
    resets: int = 0


@dataclass(frozen=True)
class Item:
    """A message as a page shows it; `look` is all else that is to be seen of it."""

    number: int
    text: str
    look: str


@dataclass
class Showing:
    """A page at the end, and a fresh one of the same room."""

    who: str
    room: str
    items: list[Item]
    fresh: list[Item]


@dataclass
class Records:
    """All that the judge is given."""

    wishes: list[Wish] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)  # by room
    readings: list[Reading] = field(default_factory=list)
    showings: list[Showing] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)  # room and text, on pages
    memory: dict[str, int] = field(default_factory=dict)  # the most bytes of each process
    logs: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)  # kinds, as they happened
    complaints: list[str] = field(default_factory=list)  # what an actor found wrong by itself
