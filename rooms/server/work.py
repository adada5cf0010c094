"""What is under way in a server, so that it can be waited for before the server ends."""

from collections.abc import Awaitable, Callable
from typing import Any

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]


class Work:
    """Which connections are at work.

    A socket is at work from a frame that it was given until it asks for the next (its inbox tells);
    a request until it is answered, or known to be a stream, which has no end.
    """

    def __init__(self) -> None:
        self._under_way: set[object] = set()

    def begin(self, one: object) -> None:
        """Hear that a connection is at work."""
        self._under_way.add(one)

    def end(self, one: object) -> None:
        """Hear that it is not, if it was."""
        self._under_way.discard(one)

    @property
    def is_done(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    async def answer(self, application: Any, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request."""
        this = object()
        self.begin(this)

        async def send_part(event: Event) -> None:
            if event.get("more_body"):
                self.end(this)
            await send(event)

        try:
            await application(scope, receive, send_part)
        finally:
            self.end(this)
