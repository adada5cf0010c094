"""A tool: somebody at the other end of a room's JSON socket."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

from websockets.asyncio.client import ClientConnection, connect

from tests.services import Rooms

Frame = dict[str, Any]

_SECONDS = 5
_QUIET = 0.3


class Tool:
    """A tool's end of one socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, **frame: Any) -> None:
        """Send one frame."""
        await self.socket.send(json.dumps(frame))

    async def next(self) -> Frame:
        """Return the next frame; TimeoutError when none comes within 5 seconds."""
        async with asyncio.timeout(_SECONDS):
            frame = json.loads(await self.socket.recv())
        assert isinstance(frame, dict)
        return frame

    async def until(self, kind: str, **keys: Any) -> Frame:
        """Return the next frame of that type with those keys, passing over the others."""
        return (await self.all_until(kind, **keys))[-1]

    async def all_until(self, kind: str, **keys: Any) -> list[Frame]:
        """Return every frame up to the first of that type with those keys, that one included."""
        wanted = {"type": kind, **keys}.items()
        frames: list[Frame] = []
        async with asyncio.timeout(_SECONDS):
            while not frames or not wanted <= _hashable(frames[-1]):
                frames.append(await self.next())
        return frames

    async def post(self, message: str) -> Frame:
        """Post and return the `message.posted` that comes of it."""
        await self.send(message=message)
        return await self.until("message.posted", message=message)

    async def refused(self) -> str:
        """Return the code of the `error` that is the next frame."""
        frame = await self.next()
        assert frame["type"] == "error", frame
        assert frame["error"].strip()
        code = frame["code"]
        assert isinstance(code, str)
        return code

    async def is_silent(self) -> bool:
        """Whether nothing comes for a moment."""
        try:
            async with asyncio.timeout(_QUIET):
                await self.socket.recv()
        except TimeoutError:
            return True
        return False

    async def closed(self) -> int:
        """Wait for the server's close and return its code."""
        async with asyncio.timeout(_SECONDS):
            await self.socket.wait_closed()
        code = self.socket.close_code
        assert code is not None
        return code


@asynccontextmanager
async def tool(
    rooms: Rooms,
    room: str,
    *,
    headers: dict[str, str] | None = None,
    **options: object,
) -> AsyncIterator[Tool]:
    """Connect a tool to the room, with the options of the query string."""
    query = f"?{urlencode(options)}" if options else ""
    async with connect(
        f"{rooms.ws}/ws/chat/{quote(room)}/{query}",
        additional_headers=headers,
        proxy=None,
        max_size=None,
        max_queue=None,  # a test that does not read must still be able to close
    ) as socket:
        yield Tool(socket)


def new_room() -> str:
    """Return a room's name that no other test has."""
    return f"room-{secrets.token_hex(4)}"


def _hashable(frame: Frame) -> set[tuple[str, Any]]:
    return {(key, value) for key, value in frame.items() if not isinstance(value, dict | list)}
