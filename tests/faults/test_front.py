"""The front breaks connections as it is told to, and only then."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.front import Front
from tests.services.ports import HOST, free_port

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(100):
        writer.write(some)
    writer.close()


@pytest_asyncio.fixture
async def front() -> AsyncIterator[Front]:
    """A front before two servers that echo, of which the first does not run."""
    port = free_port()
    server = await asyncio.start_server(echo, HOST, port)
    async with Front([free_port(), port]) as front:
        yield front
    server.close()


@pytest_asyncio.fixture
async def alice(front: Front) -> AsyncIterator[Streams]:
    """Somebody whose connection works."""
    streams = await asyncio.open_connection(HOST, front.port)
    assert await answer(streams) == b"hello"
    yield streams
    streams[1].close()


async def answer(streams: Streams) -> bytes:
    """What is echoed; TimeoutError when nothing is."""
    reader, writer = streams
    writer.write(b"hello")
    async with asyncio.timeout(0.3):
        return await reader.read(100)


async def test_a_connection_goes_to_the_next_server_that_accepts(front: Front) -> None:
    for _ in range(4):
        bob = await asyncio.open_connection(HOST, front.port)
        assert await answer(bob) == b"hello"
        bob[1].close()


async def test_connections_that_are_cut_are_gone_and_others_can_be_made(
    front: Front, alice: Streams
) -> None:
    assert front.cut() == 1
    assert await alice[0].read(100) == b""
    bob = await asyncio.open_connection(HOST, front.port)
    assert await answer(bob) == b"hello"
    bob[1].close()


async def test_a_half_open_connection_is_open_and_silent_while_others_work(
    front: Front, alice: Streams
) -> None:
    assert front.hang() == 1
    with pytest.raises(TimeoutError):
        await answer(alice)
    bob = await asyncio.open_connection(HOST, front.port)
    assert await answer(bob) == b"hello"
    bob[1].close()
