"""Who is speaking: an account, a guest or an anonymous tool."""

import hashlib
import secrets
from dataclasses import dataclass, field
from functools import cached_property

from rooms.models import Message, User

# Without letters and digits that are taken for one another.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class Author:
    """Somebody who may post. The identity holds for ids, edits and rates, and is never shown.

    The address is where they come from, counted together with all who come from there. The key of
    an account's session and the seal, a digest of its password, tell whether it is still signed in.
    """

    identity: str = field(repr=False)
    name: str
    kind: str = Message.Kind.GUEST.value
    user_id: int | None = None
    moderates: bool = False
    address: str = ""
    session: str = field(default="", repr=False)
    seal: str = field(default="", repr=False)

    @cached_property
    def tag(self) -> str:
        """What pages may know of the identity."""
        return tag_of(self.identity)


def tag_of(identity: str) -> str:
    """Return a short digest of an identity, fit for an attribute."""
    return hashlib.blake2s(identity.encode(), digest_size=6).hexdigest()


def member(user: User, session: str = "", address: str = "") -> Author:
    """Return the author that an account is; `session` is the key of the one it signed in to."""
    return Author(
        f"user:{user.pk}",
        user.get_username(),
        Message.Kind.MEMBER.value,
        user.pk,
        moderates=user.is_staff,
        address=address,
        session=session,
        seal=user.get_session_auth_hash() if session else "",
    )


def new_guest() -> Author:
    """Return a guest who was never here before."""
    return Author(f"guest:{secrets.token_urlsafe(16)}", _new_name())


def named_tool(name: str) -> Author:
    """Return an anonymous tool that gave its name; who gives the same name is the same author."""
    return Author(f"name:{name}", name)


def nameless_tool() -> Author:
    """Return an anonymous tool, somebody new on every connection."""
    return Author(f"socket:{secrets.token_urlsafe(16)}", _new_name())


def _new_name() -> str:
    return "guest-" + "".join(secrets.choice(_ALPHABET) for _ in range(4))
