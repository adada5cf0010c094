"""Our Daphne: a restart that says so, and readers who do not read."""

import asyncio
import json
import os
import signal
import socket

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.services import Rooms

# More than the buffers of the system, the transport and the subscriber hold together.
COUNT, SIZE = 1500, 4000


async def test_a_server_that_stops_tells_its_sockets_and_ends_in_peace() -> None:
    with Rooms() as rooms:
        async with connect(rooms.ws + "/ws/chat/lobby/") as tool:
            os.kill(rooms.pid, signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(tool.recv(), 5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4012
        rooms.stop()
        assert "Traceback" not in rooms.log()
        assert "Segmentation" not in rooms.log()


async def test_one_who_does_not_read_costs_little_delays_nobody_and_loses_nothing() -> None:
    with Rooms(env={"POST_RATE": "off", "STUCK_SECONDS": "off"}) as rooms:
        address = rooms.ws + "/ws/chat/lobby/"
        deaf = socket.create_connection(("127.0.0.1", rooms.port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        async with (
            connect(address, sock=deaf, max_queue=1, compression=None) as slow,
            connect(address) as quick,
            connect(address) as poster,
        ):
            before = _resident(rooms.pid)
            for number in range(COUNT):
                await poster.send(json.dumps({"message": f"{number} ".ljust(SIZE, "x")}))
                told = json.loads(await asyncio.wait_for(quick.recv(), 5))
                assert told["number"] == number + 1
                await poster.recv()
            grown = _resident(rooms.pid) - before
            # Each frame holds the text twice, as it was typed and as HTML.
            assert grown < COUNT * SIZE, "the server kept everything for the one who did not read"
            numbers = [
                json.loads(await asyncio.wait_for(slow.recv(), 10))["number"] for _ in range(COUNT)
            ]
            assert numbers == list(range(1, COUNT + 1))


def _resident(pid: int) -> int:
    """Return the memory that a process holds, in bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * 4096
