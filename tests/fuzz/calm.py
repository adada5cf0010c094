"""What must hold whatever a stranger sends."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services import Rooms

_RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ )", re.MULTILINE)
_COMPLAINT = re.compile(r"Traceback|Unhandled|never retrieved|never awaited| (?:ERROR|CRITICAL) ")
# Django's word for what it has answered with a status of the client's fault.
_REFUSAL = re.compile(r"\S+ \S+ WARNING django\.request: ")


@contextmanager
def stays_calm(rooms: Rooms) -> Iterator[None]:
    """Hold that the server's log tells of no error that happened meanwhile."""
    before = len(rooms.log())
    yield
    for record in _RECORD.split(rooms.log()[before:]):
        assert _REFUSAL.match(record) or not _COMPLAINT.search(record), record
