"""The places of those who are connected."""

import asyncio
from typing import Any

from pytest_django import Settings

from rooms.connections import Connections
from rooms.limits import Shared


class Silent(Shared):
    """A Redis that never answers."""

    async def ask(self, script: str, keys: list[str], arguments: list[Any]) -> int | None:
        await asyncio.Event().wait()
        return None


async def test_one_who_leaves_while_redis_is_asked_holds_no_place(settings: Settings) -> None:
    settings.SOCKETS_MAX = settings.ADDRESS_STREAMS_MAX = 1
    here = Connections(Silent(asyncio.get_running_loop()))
    coming = asyncio.create_task(here.open("stream", "192.0.2.7"))
    await asyncio.sleep(0)
    assert await here.is_full("stream", ""), "for this test to mean anything"
    coming.cancel()
    await asyncio.gather(coming, return_exceptions=True)
    assert not await here.is_full("stream", "")
