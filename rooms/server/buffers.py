"""Room in what waits to be sent to a reader."""

import asyncio


class Drained:
    """A producer for Twisted's transport, which pauses it while the buffer is full."""

    _room: asyncio.Event | None = None  # made for those who wait: most readers are never waited for

    async def drain(self) -> None:
        """Wait until there is room, or the reader is gone."""
        if self._room is not None:
            await self._room.wait()

    def pauseProducing(self) -> None:
        if self._room is None:
            self._room = asyncio.Event()

    def resumeProducing(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.set()

    def stopProducing(self) -> None:
        self.resumeProducing()
