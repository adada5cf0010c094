"""What is under way in a server, so that it can be waited for before the server ends."""

from collections.abc import Awaitable, Callable
from typing import Any

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]


class Work:
    """ASGI middleware that knows which connections are at work.

    A socket is at work from a frame that it was given until it asks for the next; a request until
    it is answered, or known to be a stream, which has no end.
    """

    def __init__(self, application: Any) -> None:
        self.application = application
        self._under_way: set[object] = set()

    @property
    def is_done(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve the connection."""
        this = object()
        self._under_way.add(this)

        async def receive_next() -> Event:
            self._under_way.discard(this)
            event = await receive()
            self._under_way.add(this)
            return event

        async def send_part(event: Event) -> None:
            if event.get("more_body"):
                self._under_way.discard(this)
            await send(event)

        try:
            if scope["type"] == "websocket":
                await self.application(scope, receive_next, send)
            else:
                await self.application(scope, receive, send_part)
        finally:
            self._under_way.discard(this)
