"""When two names look alike."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.skeletons import SKELETON_MAX, skeleton, skeletons


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("alice", "ALICE"),
        ("Alice", "аlice"),
        ("Alice", "alіce"),
        ("Alice", "AIice"),
        ("Alice", "A1ice"),
        ("Alice", "a|ice"),
        ("alice", "ａｌｉｃｅ"),
        ("alice", "𝓪𝓵𝓲𝓬𝓮"),
        ("alice", "ali\u200bce"),
        ("bob", "b0b"),
        ("Bob", "ВОВ"),
        ("Bob", "вов"),
        ("mike", "rnike"),
        ("MIKE", "rnike"),
        ("mike", "Ⲙike"),
        ("eve", "eνe"),
        ("TONY", "ΤΟΝΥ"),
        ("Straße", "STRASSE"),
        ("Вася", "вася"),
        ("Грег", "грег"),
        ("νίκος", "ΝΊΚΟΣ"),
        ("élodie", "E\u0301LODIE"),
    ],
)
def test_names_that_look_alike_share_a_skeleton(name: str, other: str) -> None:
    assert skeletons(name) & skeletons(other)


def test_names_that_look_different_have_skeletons_of_their_own() -> None:
    names = [
        "alice",
        "bob",
        "carol",
        "dave",
        "dane",
        "erin",
        "элис",
        "李雷",
        "علي",
        "🦊",
        "🐻",
        "guest-2a3b",
    ]
    assert len({skeleton(name) for name in names}) == len(names)


def test_no_other_letters_of_ascii_are_taken_for_one_another() -> None:
    alike = {"0": "o", "1": "l", "i": "l"}
    expected: dict[str, set[str]] = {}
    found: dict[str, set[str]] = {}
    for character in "abcdefghijklmnopqrstuvwxyz0123456789":
        expected.setdefault(alike.get(character, character), set()).add(character)
        found.setdefault(skeleton(character), set()).add(character)
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, expected.values()))


@settings(deadline=None)
@given(st.text(max_size=20))
def test_case_never_changes_a_skeleton(name: str) -> None:
    assert skeleton(name.casefold()) == skeleton(name)


def test_a_skeleton_fits_its_column() -> None:
    assert len(skeleton("\ufdfa" * 150)) == SKELETON_MAX
