"""WebSockets on the wire."""

import asyncio
from typing import Any

from daphne.ws_protocol import WebSocketFactory

from rooms.server.buffers import Drained
from rooms.server.pulse import Pulse
from rooms.wire import Line

RESTARTS = 4012
# Frames that wait for the application before the socket is not read any further, and how often
# it is looked whether they have become less, in seconds.
WAITING_MAX = 100
GLANCE_SECONDS = 0.05


class Socket(Drained, Pulse):
    """One socket, read no faster than its frames are dealt with."""

    def connectionMade(self) -> None:
        # Until the upgrade the HTTP channel was the transport's producer.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        self.line = Line(self.transport, holds=1)
        super().connectionMade()

    def onOpen(self) -> None:
        super().onOpen()
        self.line.holds -= 1
        if self.server.is_ending:
            # Over a connection that was open before; a proxy keeps some for whoever comes next.
            self.say_goodbye()

    def sendCloseFrame(self, *args: Any, **kwargs: Any) -> None:
        self.line.holds += 1
        super().sendCloseFrame(*args, **kwargs)

    def connectionLost(self, reason: Any) -> None:
        self.line.holds += 1
        self.resumeProducing()
        super().connectionLost(reason)

    def failHandshake(self, reason: str, code: int = 400, headers: Any = None) -> None:
        # A header that is no origin at all is refused like a foreign one.
        super().failHandshake(reason, 403 if "Origin" in reason else code, headers)

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        super().onMessage(payload, is_binary)
        if self.application_queue.qsize() == WAITING_MAX:
            self.is_paused = True
            self.transport.pauseProducing()
            asyncio.get_event_loop().call_later(GLANCE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        if self.server.is_ending:
            return
        if self.application_queue.qsize() < WAITING_MAX:
            self.is_paused = False
            self.transport.resumeProducing()
        elif self.state != self.STATE_CLOSED:
            asyncio.get_event_loop().call_later(GLANCE_SECONDS, self._go_on)

    def serverSend(self, content: Any, binary: bool = False) -> None:
        # What is sent while the other end closes is lost, as it would be a moment later.
        if self.state in (self.STATE_CONNECTING, self.STATE_OPEN):
            super().serverSend(content, binary)

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=code or 1000)

    def say_goodbye(self) -> None:
        """Say that the server restarts."""
        self.muted = True
        self.serverClose(RESTARTS)
        # What lies unread when a connection ends would take the close frame with it.
        self.transport.resumeProducing()


class SocketFactory(WebSocketFactory):  # type: ignore[misc]
    """Makes the protocol of each new socket."""

    protocol: Any = Socket

    def setProtocolOptions(self, **options: Any) -> None:
        # Dropping the connection would keep the 1009 from the one it is meant for.
        super().setProtocolOptions(failByDrop=False, **options)
        # Each socket would copy them, and format the copies for a log that nobody keeps.
        shared = {name: _unbound(getattr(self, name)) for name in Socket.CONFIG_ATTRS}
        self.protocol = type("Socket", (Socket,), {**shared, "CONFIG_ATTRS": ()})


def _unbound(option: Any) -> Any:
    return staticmethod(option) if callable(option) else option
