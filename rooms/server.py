"""Daphne, with what the stock one leaves open.

- `send` waits while a reader's buffer is full. Daphne's never does, so that the server would keep
  everything for a reader who stopped reading.
- A frame above the limit is answered with close code 1009, and an application may close with any
  code of the protocol, not 1000 and 3000 to 4999 only.
- A socket whose frames are not dealt with is not read any further: Daphne's queue has no end.
- The accept backlog fits a storm of reconnecting browsers.
- Sockets are told when the server stops.
"""

import asyncio
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import defer, reactor, task
from twisted.python.failure import Failure

BACKLOG = 2048
RESTARTS = 4012
# Frames that wait for the application before the socket is not read any further, and how often
# it is looked whether they have become less, in seconds.
WAITING_MAX = 100
GLANCE_SECONDS = 0.05
# How long the last frames have to leave, in seconds.
GOODBYE_SECONDS = 0.1
# How long what runs has to end when it is cancelled, in seconds.
PATIENCE_SECONDS = 2.0


def endpoints(host: str, port: int) -> list[str]:
    """Return Twisted's description of the address to listen on."""
    [endpoint] = build_endpoint_description_strings(host=host, port=port)
    return [f"{endpoint}:backlog={BACKLOG}"]


class Server(DaphneServer):  # type: ignore[misc]
    """Daphne's server with our protocols; `failure` says why it could not listen."""

    failure: str = ""

    # Daphne's run() makes its factories itself; these put ours in their place.

    @property
    def http_factory(self) -> HTTPFactory:
        """What makes the protocol of a new connection."""
        return self._http_factory

    @http_factory.setter
    def http_factory(self, stock: HTTPFactory) -> None:
        self._http_factory = _HttpFactory(self)

    @property
    def ws_factory(self) -> WebSocketFactory:
        """What makes the protocol of a new socket."""
        return self._ws_factory

    @ws_factory.setter
    def ws_factory(self, stock: WebSocketFactory) -> None:
        self._ws_factory = _SocketFactory(self, server=self.server_name)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Hand on what the application sends; return when the reader has room for more."""
        await super().handle_reply(protocol, message)
        await protocol.drained.wait()

    def listen_error(self, failure: Failure) -> None:
        """Keep the reason, and stop."""
        self.failure = str(getattr(failure.value, "socketError", failure.value))
        self.stop()

    def kill_all_applications(self) -> defer.Deferred[Any]:
        """Tell the sockets that the server restarts, and end all that runs on the event loop."""
        for protocol in self.connections:
            if isinstance(protocol, _Socket) and protocol.state == protocol.STATE_OPEN:
                protocol.serverClose(RESTARTS)
        # Feeds and the doorbell too: what is pending when Python ends may crash it.
        running = asyncio.all_tasks(asyncio.get_event_loop())
        for one in running:
            one.cancel()
        if not running:
            return defer.succeed(None)
        ended = defer.Deferred.fromFuture(
            asyncio.ensure_future(asyncio.wait(running, timeout=PATIENCE_SECONDS))
        )
        return ended.addBoth(lambda _: task.deferLater(reactor, GOODBYE_SECONDS))


class _Drained:
    """A producer for Twisted's transport, which pauses it while the buffer is full."""

    drained: asyncio.Event

    def pauseProducing(self) -> None:
        self.drained.clear()

    def resumeProducing(self) -> None:
        self.drained.set()

    def stopProducing(self) -> None:
        self.drained.set()


class _Socket(_Drained, WebSocketProtocol):  # type: ignore[misc]
    def connectionMade(self) -> None:
        self.drained = asyncio.Event()
        self.drained.set()
        # Until the upgrade the HTTP channel was the transport's producer.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        super().connectionMade()

    def connectionLost(self, reason: Any) -> None:
        self.drained.set()
        super().connectionLost(reason)

    def failHandshake(self, reason: str, code: int = 400, headers: Any = None) -> None:
        # A header that is no origin at all is refused like a foreign one.
        super().failHandshake(reason, 403 if "Origin" in reason else code, headers)

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        super().onMessage(payload, is_binary)
        if self.application_queue.qsize() == WAITING_MAX:
            self.transport.pauseProducing()
            asyncio.get_event_loop().call_later(GLANCE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        if self.application_queue.qsize() < WAITING_MAX:
            self.transport.resumeProducing()
        elif self.state != self.STATE_CLOSED:
            asyncio.get_event_loop().call_later(GLANCE_SECONDS, self._go_on)

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=code or 1000)


class _SocketFactory(WebSocketFactory):  # type: ignore[misc]
    protocol = _Socket

    def setProtocolOptions(self, **options: Any) -> None:
        # Dropping the connection would keep the 1009 from the one it is meant for.
        super().setProtocolOptions(failByDrop=False, **options)


class _Request(_Drained, WebRequest):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.drained = asyncio.Event()
        self.drained.set()
        super().__init__(*args, **kwargs)

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message.get("more_body") and self.producer is None and not self.finished:
            self.registerProducer(self, True)
        super().handle_reply(message)

    def finish(self) -> None:
        if self.producer is not None:
            self.unregisterProducer()
        self.drained.set()
        super().finish()

    def connectionLost(self, reason: Any) -> None:
        self.drained.set()
        super().connectionLost(reason)


class _HttpFactory(HTTPFactory):  # type: ignore[misc]
    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = _Request
        return protocol
