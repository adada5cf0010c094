"""What a server may complain of, and because of which fault."""

import re
from collections.abc import Collection

_COMPLAINS = re.compile(r"\b(ERROR|CRITICAL|Traceback|Unhandled|Exception)\b")

# Where the next entry begins; a traceback belongs to the one before it.
_ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d |Rooms is open)", re.MULTILINE)

# Fault: what a server says then.
_UNSTORED = r"ERROR rooms\.posting(\.writer)?: A post could not be stored: \w+Error$"
# A task of channels-redis that nobody waits for; the receiver beside it fails and is told of.
_UNTIDIED = (
    r"Task exception was never retrieved\nfuture: .*RedisChannelLayer\._clean_receive_backup"
)
_EXPLAINED = {
    "Redis killed": (_UNTIDIED,),
    "Redis restarted empty": (_UNTIDIED,),
    "SQLite locked": (_UNSTORED,),
    "disk full": (_UNSTORED,),
    "PostgreSQL restarted": (_UNSTORED,),
    "PostgreSQL connections ended": (_UNSTORED,),
}


def unexplained(log: str, faults: Collection[str]) -> list[str]:
    """Return what tells of an error that none of the faults explains: its first and last line."""
    known = [pattern for kind in set(faults) for pattern in _EXPLAINED.get(kind, ())]
    return [
        " … ".join(dict.fromkeys([entry.splitlines()[0], entry.strip().splitlines()[-1]]))
        for entry in _ENTRY.split(log)
        if _COMPLAINS.search(entry)
        and not any(re.search(pattern, entry, re.MULTILINE) for pattern in known)
    ]
