"""Whether the other end of a socket is still there.

Every SECONDS a socket is pinged, and it is dropped if nothing came since the ping before. This goes
around what Daphne and Autobahn do for the same: asking each socket every two seconds for the time,
thrice, making each ping anew, keeping a timer for its answer, and taking that apart like a message.
Here all get the same ping, on the short way where there is one, and all that comes is an answer.
"""

import time

from daphne.ws_protocol import WebSocketProtocol

from rooms.wire import Line

# A dead end is noticed within twice this and four more, in seconds, for Daphne calls every two.
SECONDS = 24.0

_PING = b"\x89\x00"
# The whole answer: its four other bytes are a mask, of nothing.
_PONG = b"\x8a\x80"
_PONG_SIZE = 6


class Pulse(WebSocketProtocol):  # type: ignore[misc]
    """A socket whose other end is known to be there."""

    line: Line
    is_paused = False  # then its answer would not be read
    _is_silent = False
    _next_ping = 0.0

    def check_timeouts(self) -> None:
        now = time.monotonic()
        if self.state != self.STATE_OPEN:
            super().check_timeouts()
        elif not self._next_ping:
            self._next_ping = now + SECONDS
        elif now >= self._next_ping:
            self._next_ping = now + SECONDS
            self._ping()

    def dataReceived(self, data: bytes) -> None:
        self._is_silent = False
        if not self._is_pong(data):
            # Past Autobahn's own, which describes all data to a log that nobody keeps.
            self._dataReceived(data)

    def _ping(self) -> None:
        if self._is_silent:
            self.onAutoPingTimeout()
            return
        self._is_silent = not self.is_paused
        if not self.line.write(_PING):
            self.sendPing()

    def _is_pong(self, data: bytes) -> bool:
        return (
            len(data) == _PONG_SIZE
            and data.startswith(_PONG)
            and self.state == self.STATE_OPEN
            # In the midst of a frame it would be a part of that.
            and self.current_frame is None
            and not self.data
        )
