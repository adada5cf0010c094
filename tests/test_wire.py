"""The short way to a reader, on a real transport."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.tcp import Connection

from rooms import wire
from rooms.consumers.room import RoomConsumer
from rooms.server.sockets import Socket
from rooms.wire import Texts
from tests.cast import texts

FRAME = wire.frame("hello")


class Transport(Connection):
    """A connection that nobody's event loop looks after: what it buffers stays there."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._tempDataBuffer: list[bytes] = []
        self._tempDataLen = 0
        self.connected = True

    def startWriting(self) -> None:  # noqa: N802 (the name is Twisted's)
        pass


@pytest.fixture
def ends() -> Iterator[tuple[Socket, socket.socket]]:
    """An open socket of the server, and the system's socket at its other end."""
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        ours = Socket()
        ours._connectionMade_called = True
        ours.transport = Transport(near)
        ours.state, ours.send_state = ours.STATE_OPEN, ours.SEND_STATE_GROUND
        ours.send_queue = []
        yield ours, far


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_client_reads_the_frame_of_any_text(size: int, letter: str) -> None:
    text = letter * (size // len(letter.encode()))
    assert texts(wire.frame(text)) == [text]


def test_texts_are_framed_one_after_the_other() -> None:
    both = Texts(["one", "zwölf"])
    assert texts(both.frames) == ["one", "zwölf"]
    assert both.size == 8


def test_what_nothing_waits_before_is_sent_at_once(ends: tuple[Socket, socket.socket]) -> None:
    ours, far = ends
    assert wire.write(ours, FRAME)
    assert far.recv(100) == FRAME
    assert ours.transport._tempDataBuffer == []


def _buffer(ours: Any) -> None:
    ours.transport.dataBuffer = b"before"


def _gather(ours: Any) -> None:
    ours.transport.write(b"before")


def _close(ours: Any) -> None:
    ours.state = ours.STATE_CLOSING


def _open(ours: Any) -> None:
    ours.state = ours.STATE_CONNECTING


def _begin(ours: Any) -> None:
    ours.send_state = ours.SEND_STATE_INSIDE_MESSAGE


def _queue(ours: Any) -> None:
    ours.send_queue = [(b"before", True)]


def _lose(ours: Any) -> None:
    ours.transport.disconnecting = True


@pytest.mark.parametrize(
    "disturb",
    [_buffer, _gather, _close, _open, _begin, _queue, _lose],
    ids=lambda one: one.__name__,
)
def test_nothing_is_written_while_anything_else_is_under_way(
    ends: tuple[Socket, socket.socket], disturb: Callable[[Any], None]
) -> None:
    ours, far = ends
    disturb(ours)
    assert not wire.write(ours, FRAME)
    with pytest.raises(BlockingIOError):
        far.recv(100)


def test_what_would_have_to_be_waited_for_goes_the_long_way(
    ends: tuple[Socket, socket.socket],
) -> None:
    ours, _ = ends
    assert not wire.write(ours, b"x" * (ours.transport.bufferSize + 1))


def test_what_the_system_leaves_comes_before_all_that_follows(
    ends: tuple[Socket, socket.socket],
) -> None:
    ours, far = ends
    frames = wire.frame("x" * 60_000)
    written = 0
    while wire.write(ours, frames):
        written += 1
    assert written
    waiting = b"".join(ours.transport._tempDataBuffer)
    sent = bytearray()
    while len(sent) < written * len(frames) - len(waiting):
        sent += far.recv(1 << 20)
    # It has room again, and still the rest comes first.
    assert wire.write(ours, FRAME) == (not waiting)
    assert bytes(sent) + waiting == frames * written


def test_one_who_is_gone_is_left_to_the_transport(ends: tuple[Socket, socket.socket]) -> None:
    ours, far = ends
    far.close()
    assert not wire.write(ours, FRAME)


def test_only_a_bare_connection_has_the_short_way(ends: tuple[Socket, socket.socket]) -> None:
    ours, _ = ends
    scope = {"extensions": wire.extensions(ours)}
    assert wire.of(scope)(FRAME)
    ours.transport.TLS = True
    assert wire.extensions(ours) == {}
    ours.transport = object()
    assert wire.extensions(ours) == {}
    assert not wire.of({})(FRAME)


async def test_a_consumer_writes_nothing_while_it_sends_or_once_it_has_closed() -> None:
    consumer, go_on = RoomConsumer(), asyncio.Event()

    async def send(event: dict[str, Any]) -> None:
        await go_on.wait()

    consumer.base_send = send
    consumer._wire = lambda frames: True
    assert consumer.write(FRAME)
    sending = asyncio.create_task(consumer.send_text("an acknowledgement"))
    await asyncio.sleep(0)
    assert not consumer.write(FRAME)
    go_on.set()
    await sending
    assert consumer.write(FRAME)
    await consumer.close()
    assert not consumer.write(FRAME)
