"""The short way to a reader, on a real transport."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.tcp import Connection

from rooms import wire
from rooms.consumers.room import RoomConsumer
from rooms.server.sockets import Socket
from rooms.wire import Line, Texts
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
        ours.line = Line(ours.transport)
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


def test_what_was_framed_for_all_is_not_framed_again_with_what_one_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for_all = Texts(["one", "zwölf"])
    assert for_all.frames
    framed: list[str] = []
    frame = wire.frame

    def watched(text: str) -> bytes:
        framed.append(text)
        return frame(text)

    monkeypatch.setattr(wire, "frame", watched)
    both = for_all.then(Texts(["mine"]))
    assert [*both] == ["one", "zwölf", "mine"]
    assert texts(both.frames) == ["one", "zwölf", "mine"]
    assert both.size == 12
    assert framed == ["mine"]


def test_what_nothing_waits_before_is_sent_at_once(ends: tuple[Socket, socket.socket]) -> None:
    ours, far = ends
    assert ours.line.write(FRAME)
    assert far.recv(100) == FRAME
    assert ours.transport._tempDataBuffer == []


def _buffer(ours: Any) -> None:
    ours.transport.dataBuffer = b"before"


def _gather(ours: Any) -> None:
    ours.transport.write(b"before")


def _lose(ours: Any) -> None:
    ours.transport.disconnecting = True


def _hold(ours: Any) -> None:
    ours.line.holds += 1


@pytest.mark.parametrize(
    "disturb",
    [_buffer, _gather, _lose, _hold],
    ids=lambda one: one.__name__,
)
def test_nothing_is_written_while_anything_else_is_under_way(
    ends: tuple[Socket, socket.socket], disturb: Callable[[Any], None]
) -> None:
    ours, far = ends
    disturb(ours)
    assert not ours.line.write(FRAME)
    with pytest.raises(BlockingIOError):
        far.recv(100)


def test_what_would_have_to_be_waited_for_goes_the_long_way(
    ends: tuple[Socket, socket.socket],
) -> None:
    ours, _ = ends
    assert not ours.line.write(b"x" * (ours.transport.bufferSize + 1))


def test_what_the_system_leaves_comes_before_all_that_follows(
    ends: tuple[Socket, socket.socket],
) -> None:
    ours, far = ends
    frames = wire.frame("x" * 60_000)
    written = 0
    while ours.line.write(frames):
        written += 1
    assert written
    waiting = b"".join(ours.transport._tempDataBuffer)
    sent = bytearray()
    while len(sent) < written * len(frames) - len(waiting):
        sent += far.recv(1 << 20)
    # It has room again, and still the rest comes first.
    assert ours.line.write(FRAME) == (not waiting)
    assert bytes(sent) + waiting == frames * written


def test_one_who_is_gone_is_left_to_the_transport(ends: tuple[Socket, socket.socket]) -> None:
    ours, far = ends
    far.close()
    assert not ours.line.write(FRAME)


def test_only_a_bare_connection_has_the_short_way(ends: tuple[Socket, socket.socket]) -> None:
    ours, _ = ends
    assert wire.of({"extensions": {wire.EXTENSION: ours.line}}).write(FRAME)
    ours.transport.TLS = True
    assert not Line(ours.transport).write(FRAME)
    assert not Line(object()).write(FRAME)
    assert not wire.of({}).write(FRAME)
    assert not wire.of({"extensions": None}).write(FRAME)


def test_a_socket_has_it_from_its_opening_to_its_close_frame(
    ends: tuple[Socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = ends
    ours.server = SimpleNamespace(is_ending=False)
    for name in ("connectionMade", "onOpen", "sendCloseFrame", "connectionLost"):
        monkeypatch.setattr(WebSocketProtocol, name, lambda *_: None)
    monkeypatch.setattr(Transport, "unregisterProducer", lambda *_: None)
    monkeypatch.setattr(Transport, "registerProducer", lambda *_: None)
    ours.connectionMade()
    assert not ours.line.write(FRAME)
    ours.onOpen()
    assert ours.line.write(FRAME)
    ours.sendCloseFrame(1000)
    assert not ours.line.write(FRAME)
    ours.connectionMade()
    ours.onOpen()
    ours.connectionLost(None)
    assert not ours.line.write(FRAME)


async def test_a_consumer_holds_the_line_while_it_sends_and_once_it_has_closed() -> None:
    consumer, go_on = RoomConsumer(), asyncio.Event()

    async def send(event: dict[str, Any]) -> None:
        await go_on.wait()

    consumer.base_send = send
    consumer.line = Line()
    before = consumer.line.holds
    sending = asyncio.create_task(consumer.send_text("an acknowledgement"))
    await asyncio.sleep(0)
    assert consumer.line.holds == before + 1
    go_on.set()
    await sending
    assert consumer.line.holds == before
    await consumer.close()
    assert consumer.line.holds == before + 1
