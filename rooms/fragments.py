"""What a page shows: HTML rendered once for all its readers (the twin of `frames`).

A message has one template; a page, a push and the history loader carry the same bytes.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template.loader import get_template
from django.utils import dateformat, timezone
from django.utils.html import escape

from rooms.authors import tag_of
from rooms.errors import Refused
from rooms.layouts import laid_out
from rooms.log import Entry
from rooms.models import Message

# Rendered messages kept in memory: 1 KB each, as people write them.
KEPT = 10_000
# Messages in one of the lists that a page's log consists of, or a batch more. With each new message
# the browser goes through the lists that are in sight, and passes over the others.
LIST = 50


def _version() -> str:
    digest = hashlib.blake2s(digest_size=6)
    for path in sorted((settings.BASE_DIR / "templates" / "rooms").glob("_*.html")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


# Stands in the addresses of immutable fragments, so that a new release never meets an old one.
VERSION = _version()


def message(room: str, message: Message) -> str:
    """Return the message's list item; rendered once for each of its states."""
    # After a restore another text may be the message's change of the same number.
    state = message.pk, message.seq, message.sent_at, message.edited_at, message.deleted_at
    html = _kept.get(state)
    if html is None:
        html = _kept[state] = _item(room, message)
        if len(_kept) > KEPT:
            _kept.pop(next(iter(_kept)), None)
    return html


def live(room: str, entries: Sequence[Entry], cursor: str) -> str:
    """Return what brings a page that shows everything before the entries up to the cursor."""
    numbers = [entry.message.number for entry in entries if entry.kind == "posted"]
    ends = any(number % LIST == 0 for number in numbers)
    return _render("live/batch", {**_sorted(room, entries), "ends": ends, "cursor": cursor})


def backlog(room: str, entries: Sequence[Entry], cursor: str) -> str:
    """Return the same for what was missed: not read aloud message by message."""
    return _render("live/backlog", {**_sorted(room, entries), "cursor": cursor})


def whole(room: str, messages: Sequence[Message], cursor: str) -> str:
    """Return what replaces the list of a page that missed very much."""
    return _render("live/whole", {"items": items(room, messages), "cursor": cursor})


def items(room: str, messages: Sequence[Message]) -> str:
    """Return the messages as items of a list, before them what loads older ones."""
    return _render("_items", {"room": room, **listing(room, messages)})


def listing(room: str, messages: Sequence[Message]) -> dict[str, Any]:
    """Return what a page shows: the rendered messages, and the number to load older from."""
    older = messages[0].number if messages and messages[0].number > 1 else None
    return {"messages": [message(room, one) for one in messages], "older": older}


def leaf(room: str, oob: bool = False) -> str:
    """Return the element that owns the socket."""
    return _render("_leaf", {"room": room, "oob": oob})


def offline(room: str) -> str:
    """Return what the leaf says without a socket."""
    return _render("_offline", {"room": room})


def form(room: str) -> str:
    """Return an empty form of the composer."""
    return _render("_form", {"room": room})


def on_air(room: str) -> str:
    """Return what says that the page is live."""
    return _at_a_time(room, "on_air") % {"clock": _clock(timezone.localtime())}


def beat(room: str) -> str:
    """Return the heartbeat: without another one in time the page connects anew."""
    return _at_a_time(room, "beat") % {"clock": _clock(timezone.localtime())}


@lru_cache
def here(count: int) -> str:
    """Return how many are here."""
    return _render("live/here", {"count": count})


@lru_cache
def typing(typists: tuple[tuple[str, str], ...]) -> str:
    """Return who is typing, as pairs of tag and name."""
    return _render("live/typing", {"typists": typists})


def acked(count: int, acked: int) -> str:
    """Return what takes the first `count` pending texts out of the composer."""
    return _render("live/acked", {"count": count, "acked": acked})


def rejected(room: str, text: str, refused: Refused, key: str) -> str:
    """Return what puts a refused text before its writer again, as a form with the reason."""
    return _render("live/rejected", {"room": room, "text": text, "error": refused, "key": key})


def rejected_form(room: str, text: str, refused: Refused, key: str) -> str:
    """Return that form alone."""
    return _render("_rejected", {"room": room, "text": text, "error": refused, "key": key})


def title(room: str, unseen: int | None) -> str:
    """Return the document's title, with what came since nobody looks (None: somebody does)."""
    if not unseen:
        return _title(room, unseen)
    return _title(room, _NUMBER) % {"unseen": unseen}


def reload(room: str) -> str:
    """Return what makes the page load itself anew: its history is not ours any more."""
    return _render("live/reload", {"room": room})


def streamed(room: str, entries: Iterable[Entry]) -> str:
    """Return the entries for a page that can only be appended to."""
    parts = []
    for entry in entries:
        if entry.kind == "posted":
            parts.append(message(room, entry.message))
        else:
            parts.append(_render("live/streamed_change", {"room": room, "entry": entry}))
    return "".join(parts)


def streamed_reload(room: str, seconds: int) -> str:
    """Return what makes such a page load itself anew so long after the response has ended."""
    return _render("live/streamed_reload", {"room": room, "seconds": seconds})


# Private


_kept: dict[tuple[int, int, datetime, datetime | None, datetime | None], str] = {}


@lru_cache(KEPT)
def _at_a_time(room: str, name: str) -> str:
    mark = {"clock": "clock.of.now"}
    return laid_out(_render(f"live/{name}", {"room": room, **mark}), mark)


# Nothing of a message is in its layout but its room, whose name has no dots, and could be a number
# that anybody knows. A title's layout holds no more.
_ITEM = {name: f"{name}.of.a.message" for name in ("tag", "name", "html")}
_ITEM |= {name: f"{name}.of.its.posting" for name in ("date", "day", "moment", "clock")}
_NUMBER = 10**17 + secrets.randbelow(10**17)


def _item(room: str, message: Message) -> str:
    is_deleted = message.deleted_at is not None
    is_edited = message.edited_at is not None and not is_deleted
    sent_at = timezone.localtime(message.sent_at)
    return _item_layout(room, message.continues, message.opens_day, is_edited, is_deleted) % {
        "number": message.number,
        "tag": tag_of(message.identity),
        "name": escape(message.author_name),
        "html": "" if is_deleted else message.html,
        "date": sent_at.date().isoformat(),
        "day": _day(sent_at.date()),
        "moment": sent_at.isoformat(),
        "clock": _clock(sent_at),
    }


@lru_cache(KEPT)
def _item_layout(
    room: str, continues: bool, opens_day: bool, is_edited: bool, is_deleted: bool
) -> str:
    context = {
        "room": room,
        "number": _NUMBER,
        "continues": continues,
        "opens_day": opens_day,
        "is_edited": is_edited,
        "is_deleted": is_deleted,
    }
    return laid_out(_render("_message", {**context, **_ITEM}), {**_ITEM, "number": _NUMBER})


@lru_cache(KEPT)
def _title(room: str, unseen: int | None) -> str:
    html = _render("live/title", {"room": room, "unseen": unseen})
    return laid_out(html, {"unseen": unseen}) if unseen else html


def _clock(time: datetime) -> str:
    return f"{time:%H:%M}"


@lru_cache(64)
def _day(day: date) -> str:
    return dateformat.format(day, "l, j F Y")


def _sorted(room: str, entries: Sequence[Entry]) -> dict[str, Any]:
    posted = [entry.message for entry in entries if entry.kind == "posted"]
    numbers = {message.number for message in posted}
    # A message posted and changed in one batch is posted in its latest state already.
    changed = [e.message for e in entries if e.kind != "posted" and e.message.number not in numbers]
    return {
        "posted": [message(room, one) for one in posted],
        "changed": [_in_place(message(room, one)) for one in changed],
    }


def _in_place(item: str) -> str:
    return item.replace("<li ", '<li hx-swap-oob="true" ', 1)


def _render(name: str, context: dict[str, Any]) -> str:
    html: str = _template(f"rooms/{name}.html").render({**context, "version": VERSION})
    return html


@lru_cache
def _template(name: str) -> Any:
    return get_template(name)
