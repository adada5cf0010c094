"""`python -m tests.bench.writing SECONDS REPEAT`: posts in a process of their own, as JSON.

The rules, the log, the doorbell and the rendering for a tool and a page that read along, without
sockets: these cost the same however it is written.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from django.core.management import call_command

POSTERS = 50
_ROOM = "bench"
_TEXT = "Good morning, *everybody*: see https://example.org/ and tell me what you think of it."

Post = Callable[[str], Awaitable[Any]]


def main() -> None:
    """Measure each way of posting in turn, and print what was found."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    gc.freeze()  # as `manage.py serve` does
    found = asyncio.run(_measure(float(sys.argv[1]), int(sys.argv[2])))
    print(json.dumps(found))  # noqa: T201


async def _measure(seconds: float, repeat: int) -> dict[str, list[dict[str, float]]]:
    from rooms import database, posting
    from rooms.authors import named_tool
    from rooms.posting import writer

    alice = named_tool("alice")
    thread = ThreadPoolExecutor(1)
    grouped = writer.GROUP_MAX

    async def together(key: str) -> Any:
        return await posting.apost_message(_ROOM, alice, _TEXT, key)

    async def directly(key: str) -> Any:
        def write() -> Any:
            return database.on_open_connection(posting.post_message, _ROOM, alice, _TEXT, key)

        return await asyncio.get_running_loop().run_in_executor(thread, write)

    ways: dict[str, tuple[Post, int, int]] = {
        "grouped": (together, POSTERS, grouped),
        "singly": (together, POSTERS, 1),
        "alone": (together, 1, grouped),
        "alone, directly": (directly, 1, grouped),
    }
    readers = await _read_along()
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for turn in range(repeat):
        for way, (post, posters, most) in ways.items():
            writer.GROUP_MAX = most
            found[way].append(await _posted(post, posters, seconds, f"{turn}-{way}"))
    for reader in readers:
        reader.cancel()
    return found


async def _posted(post: Post, posters: int, seconds: float, key: str) -> dict[str, float]:
    delays: list[float] = []
    began = time.monotonic()

    async def keep_posting(poster: int) -> None:
        turn = 0
        while (now := time.monotonic()) < began + seconds:
            await post(f"{key}-{poster}-{turn}")
            turn += 1
            delays.append(time.monotonic() - now)

    await asyncio.gather(*(keep_posting(poster) for poster in range(posters)))
    took = time.monotonic() - began
    delays.sort()
    return {
        "a second": len(delays) / took,
        "median": delays[len(delays) // 2] * 1000,
        "p99": delays[int(len(delays) * 0.99)] * 1000,
    }


async def _read_along() -> list[asyncio.Task[None]]:
    from rooms.authors import nameless_tool
    from rooms.subscribers import PageSubscriber, ToolSubscriber

    async def drop(text: str) -> None:
        """Throw it away: a socket would cost the same however it was written."""

    posted = frozenset({"message.posted"})
    tool = ToolSubscriber(_ROOM, nameless_tool(), drop, kinds=posted, resumes=False)
    page = PageSubscriber(_ROOM, nameless_tool(), drop)
    for reader in (tool, page):
        await reader.begin()
    return [asyncio.create_task(reader.run()) for reader in (tool, page)]


if __name__ == "__main__":
    main()
