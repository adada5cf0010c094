"""The room page, laid out once for all its readers and filled in for each.

It is laid out without a request and without a reader: where something of theirs is to stand it has
a blank, so that nothing of one reader can come into another's page. A page that says why something
was refused is rendered.
"""

import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.html import escape

from rooms import fragments
from rooms.authors import Author
from rooms.layouts import laid_out

# Pages that are kept: 5 KB each.
KEPT = 1000

# Drawn anew in each process: what a topic says is no mark.
_BLANKS = {
    name: f"{name}.{secrets.token_hex(16)}"
    for name in ("csrf_token", "count", "name", "items", "cursor", "key")
}


def filled(request: HttpRequest, shown: Mapping[str, Any]) -> str:
    """Return what `rooms/room.html` shows a reader to whom nothing was refused."""
    you: Author = shown["you"]
    return _layout(shown["room"], shown["topic"], you.user_id is not None) % {
        **shown,
        "csrf_token": get_token(request),
        "name": escape(you.name),
    }


@lru_cache(KEPT)
def _layout(room: str, topic: str, is_member: bool) -> str:
    """Return the page as a format, with the blanks as its keys."""
    context = {
        **_BLANKS,
        "room": room,
        "topic": topic,
        "you": Author("", _BLANKS["name"], user_id=int(is_member)),
        "version": fragments.VERSION,
        "first": True,
    }
    return laid_out(render_to_string("rooms/room.html", context), _BLANKS)
