"""Typed text to safe HTML.

Everything is shown as typed: line breaks kept, addresses linked, all else escaped. Django's
Urlizer is not used because it takes its input for HTML (`?a=1&lt=2` would link to `?a=1<=2`),
rewrites the query of an address, and links `javascript:x.com`.
"""

import re
from functools import lru_cache
from html import escape
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

# A page and a tool are told the same texts at the same time: as many as are posted in one group.
KEPT = 200

_REL = "nofollow noopener noreferrer"
_ADDRESS_MAX = 2048
_DOMAINS = "com|edu|gov|int|mil|net|org"

_HINT = re.compile(rf"://|@|www\.|\.(?:{_DOMAINS})", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"""([\s<>"'“”„«»]+)""")
_WITH_SCHEME = re.compile(r"https?://(?:\w|\[[\w:])", re.IGNORECASE)
_BARE = re.compile(
    rf"(?:www\.(?:[\w-]+\.)*[\w-]+|\w[\w-]*\.(?:[\w-]+\.)*(?:{_DOMAINS}))(?::\d+)?(?:[/?#].*)?",
    re.IGNORECASE,
)
# A link whose letters are reordered, or that hides some, shows another address than it opens.
_DECEPTIVE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_is_email = EmailValidator(allowlist=[])

_OPENING = "([{"
_CLOSING = {")": "(", "]": "[", "}": "{"}
_PUNCTUATION = frozenset(".,:;!?…")


@lru_cache(KEPT)
def to_html(text: str) -> str:
    """Return one `p` element with the text as safe HTML: `<br>` for newlines, links, no more."""
    if _HINT.search(text):
        safe = "".join(map(_word, _BETWEEN_WORDS.split(text)))
    else:
        safe = escape(text)
    return "<p>" + safe.replace("\n", "<br>") + "</p>"


def _word(word: str) -> str:
    """Return the word as HTML, with a link if it is an address, apart from what encloses it."""
    if not _HINT.search(word) or _DECEPTIVE.search(word):
        return escape(word)
    start, end = _bounds(word)
    address = word[start:end]
    target = _target(address)
    if target is None:
        return escape(word)
    link = f'<a href="{escape(target)}" rel="{_REL}">{escape(address)}</a>'
    return f"{escape(word[:start])}{link}{escape(word[end:])}"


def _bounds(word: str) -> tuple[int, int]:
    """Return where the address may begin and end, brackets and punctuation around it left out."""
    start = len(word) - len(word.lstrip(_OPENING))
    end = len(word)
    surplus = {
        closing: word.count(closing, start) - word.count(opening, start)
        for closing, opening in _CLOSING.items()
    }
    while end > start:
        last = word[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in _PUNCTUATION:
            break
        end -= 1
    return start, end


def _target(address: str) -> str | None:
    """Return what the address links to, or None if it is none."""
    if len(address) > _ADDRESS_MAX:
        return None
    if _WITH_SCHEME.match(address):
        return address
    if _BARE.fullmatch(address):
        return f"https://{address}"
    if "@" in address and ":" not in address:
        return _mailbox(address)
    return None


def _mailbox(address: str) -> str | None:
    try:
        _is_email(address)
    except ValidationError:
        return None
    local, _, domain = address.rpartition("@")
    return f"mailto:{quote(local, safe='')}@{quote(domain, safe='')}"
