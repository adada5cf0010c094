"""Room in what waits to be sent to a reader."""

import asyncio


class Drained:
    """A producer for Twisted's transport, which pauses it while the buffer is full.

    `drained` is set while there is room, and for good once the reader is gone.
    """

    drained: asyncio.Event

    def pauseProducing(self) -> None:
        self.drained.clear()

    def resumeProducing(self) -> None:
        self.drained.set()

    def stopProducing(self) -> None:
        self.drained.set()
