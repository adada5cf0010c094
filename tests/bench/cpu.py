"""How much processor time a server has used."""

import os
import time
from collections.abc import Iterator
from pathlib import Path


def cpu_of(pid: int) -> int:
    """Return the nanoseconds, user and system, that a process and its children have used.

    The scheduler's own count, as in `schedstat`, but with the threads that have ended: Django
    serves each request in a thread of its own.
    """
    return sum(_clock(process) for process in _family(pid))


def memory_of(pid: int) -> int:
    """Return the bytes of memory that a process and its children occupy."""
    pages = (int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in _family(pid))
    return sum(pages) * os.sysconf("SC_PAGESIZE")


def _clock(pid: int) -> int:
    # What clock_getcpuclockid(3) returns, which Python does not offer.
    return time.clock_gettime_ns((~pid << 3) | 2)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            children = (task / "children").read_text().split()
        except FileNotFoundError:
            continue  # a thread that has ended since
        for child in children:
            yield from _family(int(child))
