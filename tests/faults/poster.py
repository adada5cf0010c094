"""A tool that posts, and repeats what it posted until it is acknowledged."""

import asyncio
import json
from random import Random
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.faults.connection import BROKEN, RETRY_SECONDS, connection, pause
from tests.faults.records import Records, Wish

_ANSWER_SECONDS = 4
# When all is healed every try gets its answer: a server that gives none has stopped for good.
_PATIENCE_SECONDS = 60
_MOST_AT_ONCE = 4
_LONG = ("lorem ipsum dolor sit amet " * 130).strip()


class Poster:
    """Posts in one room under one name; now and then it edits or deletes what it posted."""

    def __init__(
        self, front: str, room: str, name: str, hurried: bool, dice: Random, records: Records
    ) -> None:
        self._front, self._room, self._name = front, room, name
        self._dice, self._records = dice, records
        # Who is in a hurry posts much, and at length: a reader who stops soon falls behind.
        self._rest, self._at_length = (0.1, 0.4) if hurried else (0.5, 0.0)
        self._count = 0
        # By id: the frame that is to be acknowledged, and what it is about.
        self._open: dict[str, tuple[dict[str, Any], Wish]] = {}
        self._posted: list[tuple[int, Wish]] = []

    async def run(self, end: asyncio.Event) -> None:
        """Post until the end, and then until all is acknowledged; complain if it never is."""
        async with asyncio.TaskGroup() as acting:
            posting = acting.create_task(self._post(end))
            await end.wait()
            await asyncio.wait([posting], timeout=_PATIENCE_SECONDS)
            if not posting.done():
                posting.cancel()
                self._records.complaints.append(f"{self._name} has no answer to {[*self._open]}")

    async def _post(self, end: asyncio.Event) -> None:
        while not end.is_set() or self._open:
            try:
                async with connection(
                    self._front, self._room, name=self._name, events="typing"
                ) as socket:
                    await self._talk(socket, end)
            except BROKEN:
                await asyncio.sleep(RETRY_SECONDS)

    async def _talk(self, socket: ClientConnection, end: asyncio.Event) -> None:
        while self._open or not end.is_set():
            if not self._open:
                self._want()
            for frame, _ in self._open.values():
                await socket.send(json.dumps(frame))
            async with asyncio.timeout(_ANSWER_SECONDS):
                tries = len(self._open)
                while self._open and tries:
                    tries -= self._hear(json.loads(await socket.recv()))
            await pause(self._dice.uniform(0, 2 * self._rest), end)

    def _want(self) -> None:
        for _ in range(self._dice.randint(1, _MOST_AT_ONCE)):
            self._count += 1
            client_id = f"c-{self._count}"
            text = f"{self._name} {self._count}"
            if self._dice.random() < self._at_length:
                text = f"{text} {_LONG}"
            wish = Wish(self._room, f"name:{self._name}", client_id, text)
            self._records.wishes.append(wish)
            self._open[client_id] = ({"message": text, "id": client_id}, wish)
        if self._posted and self._dice.random() < 0.3:
            self._want_a_change()

    def _want_a_change(self) -> None:
        # Each message is changed at most once: a frame that was thought lost may still arrive
        # later, and must then change nothing.
        message_id, wish = self._posted.pop(self._dice.randrange(len(self._posted)))
        if self._dice.random() < 0.3:
            frame = {"type": "delete", "message_id": message_id, "id": f"d-{wish.client_id}"}
        else:
            text = f"{wish.text} edited"
            frame = {
                "type": "edit",
                "message_id": message_id,
                "message": text,
                "id": f"e-{wish.client_id}",
            }
        self._open[str(frame["id"])] = (frame, wish)

    def _hear(self, answer: dict[str, Any]) -> bool:
        """Take an answer; whether it was one to what is open."""
        frame, wish = self._open.get(answer.get("id", ""), (None, None))
        if frame is None or wish is None:
            return False
        kind = frame.get("type", "post")
        code = answer.get("code")
        # Deleted already: the answer to the first try was lost on its way.
        if answer["type"] == "ack" or (kind == "delete" and code == "not_found"):
            del self._open[frame["id"]]
            if kind == "post":
                wish.is_acknowledged = True
                self._posted.append((answer["message_id"], wish))
            elif kind == "edit":
                wish.text = frame["message"]
            else:
                wish.text = None
        elif code != "unavailable":
            del self._open[frame["id"]]
            self._records.complaints.append(f"{self._name} was told {answer} for {frame}")
        return True
