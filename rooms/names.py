"""Names of rooms and of people: what they may hold."""

import re
from hashlib import blake2s
from unicodedata import category, normalize

from rooms.errors import InvalidName, InvalidRoom

ROOM_NAME_MAX = 64
NAME_MAX = 32

_PLAIN_ROOM = re.compile(r"[a-z0-9_-]+")
# What NFKC leaves of all white space that is no control character.
_BLANKS = re.compile("[ \u1680]+")

# What could not be read, and what shows nothing although its category is that of a letter, a mark
# or a symbol.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc\ufffd"
    "\U000e0000-\U000e0fff]"
)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Spacing marks (Mc) do not pile up; vowels of Indian scripts are such marks.
_PILING_MARKS = frozenset({"Mn", "Me"})
_PILE_MAX = 2


def canonical_room(name: str) -> str:
    """Return the one form of a room's name under which the room is known.

    NFKC, case-folded, without surrounding white space; 1 to 64 letters, marks, decimal digits,
    `_` and `-`. Raises InvalidRoom for what is no such name.
    """
    room = folded(name)
    if not 1 <= len(room) <= ROOM_NAME_MAX:
        raise InvalidRoom
    if not _PLAIN_ROOM.fullmatch(room) and not all(map(_belongs_in_room, room)):
        raise InvalidRoom
    return room


def group_name(room: str) -> str:
    """Return the channel layer's name for the group of a room: short and ASCII."""
    return f"room.{blake2s(room.encode(), digest_size=16).hexdigest()}"


def display_name(name: str) -> str:
    """Return how somebody is called: NFKC, each run of blanks one, none around; 1 to 32 characters.

    Raises InvalidName for a name with control or invisible characters, with more than two marks
    piled on each other, or without a letter, a digit or a symbol.
    """
    shown = _BLANKS.sub(" ", normalize("NFKC", name)).strip(" ")
    if not 1 <= len(shown) <= NAME_MAX:
        raise InvalidName(f"A name has 1 to {NAME_MAX} characters.")
    categories = [category(character) for character in shown]
    if INVISIBLE.search(shown) or not _HIDDEN_CATEGORIES.isdisjoint(categories):
        raise InvalidName("A name holds no invisible characters.")
    if any(
        _PILING_MARKS.issuperset(categories[start : start + _PILE_MAX + 1])
        for start in range(len(shown) - _PILE_MAX)
    ):
        raise InvalidName("A name holds no pile of accents.")
    if not any(kind[0] in "LNS" for kind in categories):
        raise InvalidName("A name needs a letter, a digit or a symbol.")
    return shown


def folded(name: str) -> str:
    """Return NFKC and case-folded text that stays the same when it is folded again."""
    while (folded := normalize("NFKC", name.casefold()).strip()) != name:
        name = folded
    return name


def _belongs_in_room(character: str) -> bool:
    kind = category(character)
    return kind[0] in "LM" or kind == "Nd" or character in "_-"
