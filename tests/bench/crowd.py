"""Many sockets in one room, and what each of them has received."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Self

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

# A message tells when it was sent, behind this.
MARK = b"at:="
_SENT = re.compile(rb"at:=(\d+)")
# One socket in so many looks at the time; parsing costs, and all of them would tell the same.
_SAMPLED = 10
_AT_ONCE = 50
_QUIET_SECONDS = 3.0


class Seat(WSListener):
    """One socket of a crowd."""

    transport: WSTransport

    def __init__(self, marks: int, samples: bool) -> None:
        self.delays: list[int] = []  # nanoseconds from sending to here
        self.wanted = b""
        self.seen = asyncio.Event()
        self.is_open = True
        self.size = 0  # of the frame that was wanted
        self._marks = marks
        self._samples = samples
        self._received = 0

    @property
    def count(self) -> int:
        """How many messages have come."""
        return self._received // self._marks

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        data = frame.get_payload_as_bytes()
        self._received += data.count(MARK)
        if self._samples:
            now = time.monotonic_ns()
            self.delays += [now - int(sent) for sent in _SENT.findall(data)]
        if self.wanted and self.wanted in data:
            self.wanted = b""
            self.size = len(data)
            self.seen.set()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.is_open = False

    def send(self, text: str) -> None:
        """Send a text frame."""
        self.transport.send(WSMsgType.TEXT, text.encode())


class Crowd:
    """The sockets of one room; `marks` is how often MARK stands in what tells of one message."""

    def __init__(self, marks: int) -> None:
        self.seats: list[Seat] = []
        self.last = 0.0
        self._marks = marks

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for seat in self.seats:
            seat.transport.disconnect(graceful=False)
        await asyncio.sleep(0.1)

    @property
    def count(self) -> int:
        """How many messages have come, at all seats together."""
        return sum(seat.count for seat in self.seats)

    def take_delays(self) -> list[int]:
        """Return the sampled delays since this was last asked, sorted, in nanoseconds."""
        delays = sorted(delay for seat in self.seats for delay in seat.delays)
        for seat in self.seats:
            seat.delays = []
        return delays

    def check(self) -> None:
        """Raise RuntimeError if a socket was closed: then all that is counted means nothing."""
        if closed := sum(not seat.is_open for seat in self.seats):
            raise RuntimeError(f"{closed} of {len(self.seats)} sockets were closed")

    async def join(
        self, address: str, number: int, greeting: Callable[[int], str] | None = None
    ) -> None:
        """Open so many sockets at the address, and send the greeting of each."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def sit(place: int) -> None:
            seat = Seat(self._marks, place % _SAMPLED == 0)
            async with gate:
                await ws_connect(lambda: seat, address, websocket_handshake_timeout=30)
            self.seats.append(seat)
            if greeting is not None:
                seat.send(greeting(place))

        async with asyncio.TaskGroup() as group:
            for place in range(number):
                group.create_task(sit(place))

    async def settle(self, expected: int, seconds: float) -> int:
        """Wait until so many messages have come; returns how many are missing.

        At most so long, and not on when nothing has come for a while; `last` tells when it did.
        """
        deadline = time.monotonic() + seconds
        count, self.last = self.count, time.monotonic()
        while count < expected and time.monotonic() < min(deadline, self.last + _QUIET_SECONDS):
            await asyncio.sleep(0.01)
            if self.count > count:
                count, self.last = self.count, time.monotonic()
        return expected - count
