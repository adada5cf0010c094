"""When two names look alike."""

import json
from functools import cache, lru_cache
from importlib.resources import files
from string import ascii_lowercase, digits
from unicodedata import category, normalize

from rooms.names import INVISIBLE, folded

SKELETON_MAX = 300

# Capitals that look like other Latin letters than their small forms, ν and υ, do.
_CAPITALS = str.maketrans({"\u039d": "N", "\u03a5": "Y"})


@lru_cache(maxsize=4096)
def skeleton(name: str) -> str:
    """Return a key, at most 300 characters, that names share when one may be taken for another.

    The skeleton of Unicode's UTS #39, widened to names that differ in case only.
    """
    visible = "".join(
        character
        for character in INVISIBLE.sub("", normalize("NFD", folded(name)))
        if category(character) not in {"Cc", "Cf"}
    )
    return normalize("NFD", visible.translate(_prototypes()))[:SKELETON_MAX]


def skeletons(name: str) -> set[str]:
    """Return all keys of a name: it may be taken for another if they share one."""
    return {skeleton(name), skeleton(name.translate(_CAPITALS))}


@cache
def _prototypes() -> dict[int, str]:
    """Return what stands for each character in a skeleton, one for all that look like it."""
    pairs = _confusable_pairs()
    singles = sorted((one, other) for one, other in pairs if len(other) == 1)
    looks = _Looks()
    for one, _ in singles:
        looks.join(one, one.casefold())
    for one, other in singles:
        looks.join(one, other)
    stands_for = {}
    for one, _ in pairs:
        for form in (one, one.casefold()):
            stands_for[form] = looks.prototype(form)
    for one, several in sorted(pairs):
        prototype = looks.prototype(one)
        if (
            len(several) > 1
            and prototype not in several
            and (one == prototype or not prototype.isascii())
        ):
            stands_for[prototype] = "".join(map(looks.prototype, several.casefold()))
    return {ord(one): stands_for.get(to, to) for one, to in stands_for.items() if len(one) == 1}


def _confusable_pairs() -> set[tuple[str, str]]:
    """Return each character of Unicode's table with each text that it is confusable with."""
    table = files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8")
    # The package's own marks around right-to-left text belong to its table, not to the text.
    found = {
        (one.strip("\u200e"), other["c"].strip("\u200e"))
        for one, others in json.loads(table).items()
        for other in others
    }
    return {(one, other) for one, other in found if len(one) == 1 and ord(one) not in _CAPITALS}


class _Looks:
    """Characters in classes that look alike, each class with one prototype."""

    _ANCHORS = frozenset(ascii_lowercase + digits)

    def __init__(self) -> None:
        self._next = {"i": "l", "1": "l", "0": "o"}

    def prototype(self, character: str) -> str:
        while (following := self._next.get(character, character)) != character:
            character = following
        return character

    def join(self, one: str, other: str) -> None:
        """Make two characters alike, unless that made two other letters of ASCII alike too."""
        one, other = self.prototype(one), self.prototype(other)
        if one in self._ANCHORS:
            one, other = other, one
        if one not in self._ANCHORS and len(other) == 1 and one != other:
            self._next[one] = other
