"""What a run of the bench may be told."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Knobs:
    """How long, how often, and how much; the smoke test takes little of all."""

    seconds: float = 2.0  # of each measurement
    repeat: int = 3  # measurements of each subject, in turn
    people: int = 1000  # sockets in a full room
    idle: int = 5000  # sockets that do nothing
    history: int = 1_000_000  # messages in a long room
    log: int = 5000  # messages in the long log of a page
