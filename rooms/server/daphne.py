"""The server itself: what listens, and how it ends."""

import asyncio
import contextlib
from functools import partial
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import HTTPFactory
from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketFactory
from django.conf import settings
from twisted.internet import defer
from twisted.python.failure import Failure

from rooms import posting, wire
from rooms.feeds import feeds
from rooms.server.inbox import Inbox
from rooms.server.requests import RequestFactory
from rooms.server.sockets import GLANCE_SECONDS, Socket, SocketFactory
from rooms.server.work import Work

BACKLOG = 2048
# In a storm of a thousand handshakes the last waits longer than Daphne's 5 s, and so does one for a
# database that is away: who comes then is to be told so.
HANDSHAKE_SECONDS = 60
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

    def __init__(self, application: Any, *args: Any, **kwargs: Any) -> None:
        self._application = application
        self._work = Work()
        self._ports: list[Any] = []
        self.is_ending = False
        patience = dict.fromkeys(
            ("websocket_handshake_timeout", "websocket_connect_timeout"), HANDSHAKE_SECONDS
        )
        answer = partial(self._work.answer, application)
        super().__init__(answer, *args, **{**kwargs, **patience})

    # Daphne's run() makes its factories itself; these put ours in their place.

    @property
    def http_factory(self) -> HTTPFactory:
        """What makes the protocol of a new connection."""
        return self._http_factory

    @http_factory.setter
    def http_factory(self, stock: HTTPFactory) -> None:
        self._http_factory = RequestFactory(self)

    @property
    def ws_factory(self) -> WebSocketFactory:
        """What makes the protocol of a new socket."""
        return self._ws_factory

    @ws_factory.setter
    def ws_factory(self, stock: WebSocketFactory) -> None:
        self._ws_factory = SocketFactory(self, server=self.server_name)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Serve a connection; a socket offers the application its short way to the wire."""
        if not isinstance(protocol, Socket):
            return super().create_application(protocol, scope)
        inbox = Inbox(self._work)
        scope |= {"asgi": {"version": "3.0"}, "extensions": {wire.EXTENSION: protocol.line}}
        serving = asyncio.ensure_future(
            self._application(scope, inbox.get, partial(self.handle_reply, protocol))
        )
        serving.add_done_callback(lambda _: self._work.end(inbox))
        self.connections[protocol]["application_instance"] = serving
        return inbox

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Hand on what the application sends; return when the reader has room for more."""
        await super().handle_reply(protocol, message)
        await protocol.drain()

    def listen_error(self, failure: Failure) -> None:
        """Keep the reason, and stop."""
        self.failure = str(getattr(failure.value, "socketError", failure.value))
        self.stop()

    def listen_success(self, port: Any) -> None:
        """Remember the port, to close it before all else."""
        self._ports.append(port)
        super().listen_success(port)

    def kill_all_applications(self) -> defer.Deferred[Any]:
        """Let what is under way finish, send the readers away, and end all that still runs."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        self.is_ending = True
        for port in self._ports:
            port.stopListening()
        for one in self._sockets():
            one.transport.pauseProducing()
        await self._finish_work()
        feeds().send_away()
        await asyncio.sleep(GOODBYE_SECONDS)
        # Anew: a connection may have become a socket meanwhile.
        for one in self._sockets():
            if one.state == one.STATE_OPEN:
                one.say_goodbye()
        # Feeds and the doorbell too: what is pending when Python ends may crash it.
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for other in running:
            other.cancel()
        if running:
            await asyncio.wait(running, timeout=PATIENCE_SECONDS)
        await asyncio.sleep(GOODBYE_SECONDS)

    def _sockets(self) -> list[Socket]:
        return [one for one in self.connections if isinstance(one, Socket)]

    async def _finish_work(self) -> None:
        calm = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.DRAIN_SECONDS):
                # Twice: what has just been written is acknowledged in a moment.
                while calm < 2:
                    await asyncio.sleep(GLANCE_SECONDS)
                    calm = calm + 1 if self._work.is_done and posting.is_idle() else 0
