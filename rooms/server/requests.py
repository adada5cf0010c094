"""HTTP on the wire."""

import sys
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from twisted.web import http

from rooms.server.buffers import Drained

_BAD = b"400 Bad Request"
_TOO_LARGE = b"413 Content Too Large"
_HEADERS_TOO_LARGE = b"431 Request Header Fields Too Large"
_END_OF_ANSWER = b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_StockChannel: Any = http.HTTPChannel


class _Request(Drained, WebRequest):  # type: ignore[misc]
    """One request, whose body is bounded and whose answer waits for its reader."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._size = 0
        super().__init__(*args, **kwargs)

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        if settings.FORM_MAX and length and length > settings.FORM_MAX:
            self.channel.refuse(_TOO_LARGE)

    def handleContentChunk(self, data: bytes) -> None:
        self._size += len(data)  # nobody tells the length of a chunked body
        if settings.FORM_MAX and self._size > settings.FORM_MAX:
            self.channel.refuse(_TOO_LARGE)
        else:
            super().handleContentChunk(data)

    def requestReceived(self, *line: bytes) -> None:
        if not self.channel.is_refused:
            super().requestReceived(*line)

    def process(self) -> Any:
        # Whoever sends the one would choose where our redirects lead, and we speak no protocol that
        # the other could ask for; Daphne stumbles over either when it is not ASCII.
        for name in (b"daphne-root-path", b"sec-websocket-protocol"):
            self.requestHeaders.removeHeader(name)
        return super().process()

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message.get("more_body") and self.producer is None and not self.finished:
            self.registerProducer(self, True)
        super().handle_reply(message)

    def finish(self) -> None:
        if self.producer is not None:
            self.unregisterProducer()
        self.resumeProducing()
        super().finish()

    def connectionLost(self, reason: Any) -> None:
        self.resumeProducing()
        super().connectionLost(reason)


class _Channel(_StockChannel):  # type: ignore[misc]
    """One connection, and the requests on it one after the other."""

    is_refused = False

    def connectionMade(self) -> None:
        most = settings.HEADERS_MAX
        # One line may be as long as all of them; the base class counts what it has received.
        self.totalHeadersSize = self.MAX_LENGTH = most or sys.maxsize
        self.timeOut = settings.REQUEST_SECONDS
        super().connectionMade()

    def refuse(self, status: bytes) -> None:
        """Answer with the bare status, and read no more."""
        if not self.is_refused:
            self.is_refused = True
            self.transport.write(b"HTTP/1.1 " + status + _END_OF_ANSWER)
            self.loseConnection()

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        if self.factory.server.is_ending:
            # Whoever goes on asking over one connection would never let the server finish.
            request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
            return False
        return bool(super().checkPersistence(request, version))

    def resetTimeout(self) -> None:
        # Each byte of a request that never ends would buy its connection the same time again.
        pass

    def dataReceived(self, data: bytes) -> None:
        if not self.is_refused:
            super().dataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(_HEADERS_TOO_LARGE)

    def _respondToBadRequestAndDisconnect(self) -> None:
        too_large = self._receivedHeaderSize > self.totalHeadersSize
        self.refuse(_HEADERS_TOO_LARGE if too_large else _BAD)


class RequestFactory(HTTPFactory):  # type: ignore[misc]
    """Makes the protocol of each new connection."""

    protocol = _Channel

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = _Request  # Daphne's own puts its own there
        return protocol
