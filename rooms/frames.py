"""What a tool reads: one JSON object a frame (the twin of `fragments`)."""

import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from rooms.authors import Author
from rooms.errors import Refused
from rooms.log import Entry, Head, Receipt

Frame = dict[str, Any]


def encode(frame: Frame) -> str:
    """Return the text of a frame."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def entry(room: str, entry: Entry) -> Frame | None:
    """Return what tells of an entry; None for the posting of a message that is deleted by now."""
    message = entry.message
    frame: Frame = {
        "type": f"message.{entry.kind}",
        "room": room,
        "seq": entry.seq,
        "message_id": message.pk,
        "number": message.number,
    }
    if message.deleted_at is not None:
        return frame if entry.kind == "deleted" else None
    return frame | {
        "message": message.body,
        "html": message.html,
        "author": author(message.author_id, message.author_name, message.author_kind),
        "sent_at": moment(message.sent_at),
        "reply_to": None,
        "edited_at": moment(message.edited_at) if message.edited_at else None,
    }


def hello(room: str, head: Head, you: Author) -> Frame:
    """Greet a socket that resumes."""
    return {
        "type": "hello",
        "room": room,
        "head": head.seq,
        "epoch": head.epoch,
        "you": author(you.user_id, you.name, you.kind),
    }


def live(seq: int) -> Frame:
    """Say that the backlog ends here."""
    return {"type": "live", "seq": seq}


def reset(head: Head, reason: str) -> Frame:
    """Say that the cursor is not of this history."""
    return {"type": "reset", "reason": reason, "head": head.seq, "epoch": head.epoch}


def ack(client_id: str, receipt: Receipt) -> Frame:
    """Acknowledge a post that gave an id."""
    return {
        "type": "ack",
        "id": client_id,
        "seq": receipt.seq,
        "message_id": receipt.message_id,
        "duplicate": receipt.duplicate,
    }


def error(refused: Refused, client_id: str | None = None) -> Frame:
    """Say what was refused and why."""
    frame: Frame = {"type": "error", "code": refused.code, "error": refused.sentence}
    if refused.retry_after is not None:
        frame["retry_after"] = refused.retry_after
    if client_id is not None:
        frame["id"] = client_id
    return frame


def presence(room: str, names: Collection[str]) -> Frame:
    """Say who is here."""
    return {
        "type": "presence.changed",
        "room": room,
        "count": len(names),
        "names": sorted(names),
    }


def typing(room: str, typist: Frame) -> Frame:
    """Say that somebody is typing."""
    return {"type": "typing", "room": room, "author": typist}


def author(user_id: int | None, name: str, kind: str) -> Frame:
    """Return how an author is told."""
    return {"id": user_id, "name": name, "kind": kind}


def moment(time: datetime) -> str:
    """Return an instant to the millisecond, in UTC."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entries(room: str, found: Iterable[Entry], kinds: frozenset[str]) -> list[str]:
    """Return the frames of the entries whose type is among the kinds."""
    frames = (entry(room, one) for one in found)
    return [encode(frame) for frame in frames if frame is not None and frame["type"] in kinds]
