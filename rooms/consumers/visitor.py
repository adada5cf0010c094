"""Who opens a socket."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie

from rooms import authors, database, guests
from rooms.addresses import address_of
from rooms.authors import Author
from rooms.sessions import SessionStore


async def visitor(scope: Mapping[str, Any]) -> Author:
    """Return who opens the socket: an account, a guest or a tool.

    The database is asked once, and only for who has a session's cookie. Raises what it raises when
    it is away.
    """
    cookies = _cookies(scope)
    session = cookies.get(settings.SESSION_COOKIE_NAME)
    author = await database.read(_member, session) if session else None
    if author is None:
        author = (guests.recall(cookies) if cookies else None) or authors.nameless_tool()
    return replace(author, address=address_of(scope))


def _cookies(scope: Mapping[str, Any]) -> dict[str, str]:
    for name, value in scope["headers"]:
        if name == b"cookie":
            return parse_cookie(value.decode("latin-1"))
    return {}


def _member(session: str) -> Author | None:
    request = HttpRequest()
    request.session = SessionStore(session)
    user = get_user(request)
    if not user.is_authenticated:
        return None
    return authors.member(user, request.session.session_key or "")
