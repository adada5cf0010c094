"""The database from the event loop: a few threads of our own, whose connections stay open.

Channels' `database_sync_to_async` runs everything in one thread of the process, and Django opens
a connection for each request under ASGI; a feed's read would wait behind somebody's page.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# What a database that is away, full or locked for too long raises.
AWAY = (OperationalError, InterfaceError)

_COUNT = 4
_threads = ThreadPoolExecutor(max_workers=_COUNT, thread_name_prefix="rooms-read")


async def read(
    question: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Return what the synchronous question answers, asked in a thread that may block."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        _threads, lambda: on_open_connection(question, *args, **kwargs)
    )


def on_open_connection(
    work: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Do the work; a connection that broke under it is closed, so that the next finds a new one."""
    try:
        return work(*args, **kwargs)
    except AWAY:
        connection.close()
        raise


def close() -> None:
    """Close the threads' connections (a test must, before its database goes)."""
    # Each task holds its thread until all have one, so every thread is reached.
    together = threading.Barrier(_COUNT)

    def close_mine() -> None:
        together.wait(timeout=10)
        connection.close()

    wait([_threads.submit(close_mine) for _ in range(_COUNT)])
