"""A browser's requests, one after the other over one connection."""

import asyncio
import time
from typing import Self

from tests.services.ports import HOST


class Client:
    """One connection, with the cookies of one visitor."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def get(self, path: str) -> bytes:
        """Return the body as it comes, compressed; RuntimeError for all but 200."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        head = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\nAccept-Encoding: gzip\r\n"
        self._writer.write(f"{head}Cookie: {cookies}\r\n\r\n".encode())
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = 0
        for line in lines:
            name, _, value = line.partition(": ")
            if name.lower() == "content-length":
                length = int(value)
            elif name.lower() == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self._cookies[cookie] = content
        body = await self._reader.readexactly(length)
        if " 200 " not in status:
            raise RuntimeError(f"{path}: {status}")
        return body


async def look(client: Client, path: str, seconds: float) -> int:
    """Ask for a page again and again for so long; returns how often."""
    deadline, times = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        await client.get(path)
        times += 1
    return times
