"""The conversations in docs/protocol.md, held with the real server."""

import json
import re
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from tests.services import Rooms

_DOCUMENT = (Path(__file__).parent.parent / "docs" / "protocol.md").read_text()
_CONVERSATIONS = re.findall(r"```frames (\S+)\n(.*?)```", _DOCUMENT, re.DOTALL)
# What another run of the same conversation must answer with the same words.
_STABLE = {"type", "code", "error", "id", "room", "seq", "number", "message", "duplicate", "reason"}


def _told(frame: dict[str, Any]) -> dict[str, Any]:
    """Return all keys of a frame, and its values where they are stable from run to run."""
    return {key: value if key in _STABLE else "…" for key, value in frame.items()}


async def test_every_conversation_of_the_document_happens_as_it_says(rooms: Rooms) -> None:
    assert len(_CONVERSATIONS) >= 6
    ids: dict[int, int] = {}  # the document's message ids, and those of this run
    for address, lines in _CONVERSATIONS:
        async with connect(rooms.ws + address) as socket:
            for line in lines.splitlines():
                if line.startswith("> "):
                    await socket.send(_with_ids(line[2:], ids))
                    continue
                expected = json.loads(line[2:])
                answer = await _next(socket, expected["type"])
                if "message_id" in expected:
                    ids.setdefault(expected["message_id"], answer["message_id"])
                assert _told(answer) == _told(expected), address


def test_the_document_names_every_code() -> None:
    from rooms import errors

    codes = {kind.code for kind in errors.Refused.__subclasses__()} - {"invalid_room"}
    assert codes == {code for code in codes if f"`{code}`" in _DOCUMENT}


async def _next(socket: Any, kind: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(await socket.recv())
        # Presence and one's own message come when they come, between the lines.
        if frame["type"] == kind or frame["type"] not in {"presence.changed", "message.posted"}:
            return frame


def _with_ids(text: str, ids: dict[int, int]) -> str:
    try:
        frame = json.loads(text)
    except ValueError:
        return text
    if "message_id" in frame:
        frame["message_id"] = ids[frame["message_id"]]
    return json.dumps(frame)
