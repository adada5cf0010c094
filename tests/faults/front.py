"""A front of ours before the servers, whose connections can be cut or left half-open."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.services.ports import HOST, free_port

# What lies in the front on its way; a slow reader is felt by the server soon.
_ON_THE_WAY = 16_384
_CONNECT_SECONDS = 1.0


class Front:
    """Takes connections and hands each to the next server that accepts."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.ws = f"ws://{HOST}:{self.port}"
        self._ports = ports
        self._turns = itertools.count()
        self._open: set[_Connection] = set()

    async def __aenter__(self) -> Self:
        listening = _socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, self.port))
        self._server = await asyncio.start_server(
            self._serve, sock=listening, backlog=1024, limit=_ON_THE_WAY
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        while self._open:
            self.cut()
            await asyncio.sleep(0.01)

    def cut(self) -> int:
        """Cut every connection; returns how many there were."""
        for connection in self._open:
            connection.cut()
        return len(self._open)

    def hang(self) -> int:
        """Forward nothing any more on the connections there are, and tell nobody."""
        for connection in self._open:
            connection.hang()
        return len(self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await self._next()
        if server is None:
            writer.transport.abort()
            return
        connection = _Connection((reader, writer), server)
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
            connection.cut()

    async def _next(self) -> "_Streams | None":
        first = next(self._turns)
        for n in range(len(self._ports)):
            port = self._ports[(first + n) % len(self._ports)]
            outgoing = _socket()
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await asyncio.get_running_loop().sock_connect(outgoing, (HOST, port))
                    return await asyncio.open_connection(sock=outgoing, limit=_ON_THE_WAY)
            except OSError:
                outgoing.close()
        return None


_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connection:
    def __init__(self, client: _Streams, server: _Streams) -> None:
        self._ways = (client[0], server[1]), (server[0], client[1])
        self._hangs = False
        self._is_cut = asyncio.Event()

    async def run(self) -> None:
        # Until both are through: what a server said last still leaves.
        await asyncio.gather(*(self._forward(*way) for way in self._ways))

    def cut(self) -> None:
        self._is_cut.set()
        for _, writer in self._ways:
            if not writer.transport.is_closing():
                writer.transport.abort()

    def hang(self) -> None:
        self._hangs = True

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(_ON_THE_WAY)
        with contextlib.suppress(OSError):
            while some := await reader.read(_ON_THE_WAY):
                await self._hang_if_told()
                writer.write(some)
                await writer.drain()
        await self._hang_if_told()
        writer.close()

    async def _hang_if_told(self) -> None:
        if self._hangs:
            await self._is_cut.wait()


def _socket() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        made.setsockopt(socket.SOL_SOCKET, buffer, _ON_THE_WAY)
    return made
