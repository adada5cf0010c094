"""The doorbell: *this room has reached 412*, to whoever listens, in this process and the others.

The channel layer is nothing but this. Losing, doubling or reordering a ring is harmless: who
hears it reads the log from its own cursor. Beside rings it carries ephemeral news (who is here,
who is typing) that may be lost as well. Only this process's own listeners are handed what was
written, so that they need not read it again; the layer never is.

A process owns one channel and adds it to the group of each room that it serves; sockets have no
channels of their own. Daphne has no lifespan events, so the channel's tasks start with the first
listener and belong to its event loop.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from rooms.names import group_name

News = dict[str, Any]
Listener = Callable[[News], None]

# A stuck Redis delays nobody for longer than this, and memberships that its data lost are back
# after REJOIN_SECONDS (the feeds' tick covers the time until then).
SEND_SECONDS = 2.0
REJOIN_SECONDS = 30.0
RETRY_SECONDS = 1.0
# News that waits for a stuck layer; beyond it the oldest is dropped.
OUTBOX_MAX = 1000

logger = logging.getLogger(__name__)


def ring_on_commit(room: str, seq: int, written: Sequence[Any] = ()) -> None:
    """Ring once the surrounding transaction has committed (at once if there is none)."""
    transaction.on_commit(lambda: ring(room, seq, written), robust=True)


def ring(room: str, seq: int, written: Sequence[Any] = ()) -> None:
    """Say that the room has reached `seq`; any thread may.

    What was written is handed to this process's listeners, as the ring's `written`. Never waits for
    the layer where an event loop serves listeners, at most SEND_SECONDS elsewhere.
    """
    _ring({"type": "room.rang", "group": group_name(room), "room": room, "seq": seq}, written)


def ring_site_on_commit(group: str) -> None:
    """Say to a group of the whole site that something changed, once it has; any thread may."""
    news: News = {"type": "site.rang", "group": group}
    transaction.on_commit(lambda: _ring(news), robust=True)


def bell() -> "Bell":
    """Return the bell of the running event loop, made and started by the first call."""
    global _bell
    loop = asyncio.get_running_loop()
    if _bell is None or _bell.loop is not loop:
        _bell = Bell(loop)
    return _bell


class Bell:
    """The process's one channel on the layer, and the listeners behind it."""

    loop: asyncio.AbstractEventLoop
    process: str  # tells this process's news from the others'

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.process = secrets.token_hex(8)
        self._layer = get_channel_layer()
        # A layer in memory leads to nobody, and takes longer the more groups there are.
        self._is_alone = isinstance(self._layer, InMemoryChannelLayer)
        self._channel = ""
        self._listeners: dict[str, list[Listener]] = {}
        self._outbox: dict[object, News] = {}
        self._outgoing = asyncio.Event()
        self._joins = asyncio.Event()
        self._joined: set[str] = set()
        self._tasks = [
            loop.create_task(self._receive(), name="doorbell-receive"),
            loop.create_task(self._join(), name="doorbell-join"),
            loop.create_task(self._deliver(), name="doorbell-deliver"),
        ]

    def listen(self, group: str, listener: Listener) -> None:
        """Call the listener, in this event loop, with every ring and news for the group."""
        self._listeners.setdefault(group, []).append(listener)
        self._joins.set()

    def unlisten(self, group: str, listener: Listener) -> None:
        """Stop calling the listener."""
        with contextlib.suppress(KeyError, ValueError):
            self._listeners[group].remove(listener)
            if not self._listeners[group]:
                del self._listeners[group]
                self._joins.set()

    def ring(self, news: News, written: Sequence[Any] = ()) -> None:
        """Wake this process's listeners now, and the other processes' beside that."""
        self._hear({**news, "written": written})
        # A later ring says all that an earlier one did.
        self._post((news["type"], news["group"]), news)

    def tell(self, news: News) -> None:
        """Send ephemeral news to the group that it names, here and elsewhere; it may be lost."""
        self._hear(news)
        self._post(object(), news)

    async def close(self) -> None:
        """Stop the tasks (a test must, before its event loop goes)."""
        running = set(self._tasks)
        while running:
            # A layer's client may swallow a cancellation that meets it at the wrong moment.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=0.5)

    def _hear(self, news: News) -> None:
        for listener in list(self._listeners.get(news.get("group", ""), ())):
            try:
                listener(news)
            except Exception:
                # News of another release, say, must not end the task that brings all others.
                logger.exception("A listener stumbled over a ring")

    def _post(self, key: object, news: News) -> None:
        if self._is_alone:
            return
        self._outbox[key] = {**news, "from": self.process}
        if len(self._outbox) > OUTBOX_MAX:
            del self._outbox[next(iter(self._outbox))]
        self._outgoing.set()

    async def _deliver(self) -> None:
        while True:
            await self._outgoing.wait()
            self._outgoing.clear()
            while self._outbox:
                await _send(self._layer, self._outbox.pop(next(iter(self._outbox))))

    async def _receive(self) -> None:
        is_away = False
        while True:
            try:
                if not self._channel:
                    self._channel = await self._layer.new_channel("rooms")
                    self._joins.set()
                news = await self._layer.receive(self._channel)
            except Exception as error:
                # The layer is away: the feeds' tick does its work until it is back.
                if not is_away:
                    logger.warning("The channel layer is away: %s", error)
                is_away = True
                self._joined.clear()
                self._joins.set()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            is_away = False
            if news.get("from") != self.process:
                self._hear(news)

    async def _join(self) -> None:
        rejoin = self.loop.time() + REJOIN_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(rejoin):
                    await self._joins.wait()
            if self.loop.time() >= rejoin:
                rejoin = self.loop.time() + REJOIN_SECONDS
                self._joined.clear()
            self._joins.clear()
            if not self._channel:
                continue
            try:
                for group in self._listeners.keys() - self._joined:
                    async with asyncio.timeout(SEND_SECONDS):
                        await self._layer.group_add(group, self._channel)
                    self._joined.add(group)
                for group in self._joined - self._listeners.keys():
                    self._joined.discard(group)
                    async with asyncio.timeout(SEND_SECONDS):
                        await self._layer.group_discard(group, self._channel)
            except Exception:
                # Told by the receiver already; it clears what was joined when the layer returns.
                await asyncio.sleep(RETRY_SECONDS)
                self._joins.set()


def _ring(news: News, written: Sequence[Any] = ()) -> None:
    if _bell is not None and not _bell.loop.is_closed():
        _bell.loop.call_soon_threadsafe(_bell.ring, news, written)
        return
    async_to_sync(_send)(get_channel_layer(), news)


async def _send(layer: Any, news: News) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await layer.group_send(news["group"], news)
    except Exception as error:
        logger.debug("A ring for %s was lost: %s", news["group"], error)


_bell: Bell | None = None
