"""What must hold whatever a stranger sends."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services import Rooms

_COMPLAINT = re.compile(r"Traceback|Unhandled|never retrieved|never awaited| (?:ERROR|CRITICAL) ")


@contextmanager
def stays_calm(rooms: Rooms) -> Iterator[None]:
    """Hold that the server's log tells of no error that happened meanwhile."""
    before = len(rooms.log())
    yield
    new = rooms.log()[before:]
    assert not _COMPLAINT.search(new), new
