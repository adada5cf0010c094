"""`websockets`' own broadcast: `python -m tests.bench.rivals.broadcast PORT`."""

import asyncio
import json
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

from tests.services.ports import HOST

_everybody: set[ServerConnection] = set()


async def _chat(socket: ServerConnection) -> None:
    _everybody.add(socket)
    try:
        async for text in socket:
            broadcast(_everybody, json.dumps({"message": json.loads(text)["message"]}))
    finally:
        _everybody.discard(socket)


async def main() -> None:
    """Serve until stopped."""
    async with serve(_chat, HOST, int(sys.argv[1]), compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
