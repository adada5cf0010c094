"""Visitors without an account: the signed cookie, and the names they may take.

A visitor has a key and a name in a cookie that the page sets: a GET writes nothing to the
database, and a socket cannot set cookies. The key is the guest's identity for ids and edits;
pages show only a digest of it.
"""

from collections.abc import Mapping
from dataclasses import replace

from django.conf import settings
from django.core import signing
from django.http.response import HttpResponseBase

from rooms import database, limits
from rooms.authors import Author
from rooms.errors import NameTaken
from rooms.feeds import feeds
from rooms.models import User
from rooms.names import display_name
from rooms.skeletons import skeletons

SALT = "guest"
COOKIE = "__Host-guest" if settings.HTTPS else "guest"
COOKIE_SECONDS = 365 * 24 * 3600


def recall(cookies: Mapping[str, str]) -> Author | None:
    """Return the guest whom the cookie names, or None without a valid one."""
    try:
        key, name = signing.loads(cookies.get(COOKIE, ""), salt=SALT, max_age=COOKIE_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Author(f"guest:{key}", str(name))


def remember(response: HttpResponseBase, guest: Author) -> None:
    """Set the guest's cookie."""
    response.set_cookie(
        COOKIE,
        signing.dumps([guest.identity.removeprefix("guest:"), guest.name], salt=SALT),
        max_age=COOKIE_SECONDS,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


async def rename(guest: Author, wish: str) -> Author:
    """Return the guest under another name. Raises what `claim_name` does, or RateLimited."""
    await limits.take(("name", guest.identity, settings.NAME_RATE))
    return replace(guest, name=await claim_name(wish, guest.tag))


async def claim_name(wish: str, tag: str) -> str:
    """Return the name as the author of this tag may have it.

    Raises InvalidName, or NameTaken when it looks like an account's or like that of somebody
    else who is present.
    """
    name = display_name(wish)
    if feeds().presence.is_taken(name, by_other_than=tag):
        raise NameTaken()
    if await database.read(User.objects.filter(skeleton__in=skeletons(name)).exists):
        raise NameTaken()
    return name
