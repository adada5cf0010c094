import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.errors import InvalidName, InvalidRoom
from rooms.names import (
    NAME_MAX,
    ROOM_NAME_MAX,
    canonical_room,
    display_name,
    group_name,
)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("lobby", "lobby"),
        ("Lobby", "lobby"),
        ("  LOBBY\n", "lobby"),
        ("ｌｏｂｂｙ", "lobby"),
        ("Straße", "strasse"),
        ("cafe\u0301", "café"),
        ("x²", "x2"),
        ("大廳", "大廳"),
        ("हिन्दी", "हिन्दी"),
        ("room_1-a", "room_1-a"),
        ("٣", "٣"),
    ],
)
def test_a_room_has_one_canonical_name(typed: str, canonical: str) -> None:
    assert canonical_room(typed) == canonical


@pytest.mark.parametrize(
    "name",
    ["", "   ", "a b", "a/b", "a.b", "a?b", "😀", "½", "Ⅷ:", "a\u200bb", "a\x00b", "\ud800", "<b>"],
)
def test_anything_else_is_no_room(name: str) -> None:
    with pytest.raises(InvalidRoom) as refused:
        canonical_room(name)
    assert refused.value.code == "invalid_room"


def test_a_room_name_has_one_to_64_characters_in_its_canonical_form() -> None:
    assert canonical_room("a")
    assert canonical_room("a" * (ROOM_NAME_MAX - 1))
    assert canonical_room(f" {'A' * ROOM_NAME_MAX} ") == "a" * 64
    with pytest.raises(InvalidRoom):
        canonical_room("a" * (ROOM_NAME_MAX + 1))
    with pytest.raises(InvalidRoom):
        canonical_room("ß" * 33)


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "M", "Nd", "Zs"]), max_size=20))
def test_a_canonical_room_name_is_its_own_canonical_name(name: str) -> None:
    try:
        room = canonical_room(name)
    except InvalidRoom:
        return
    assert canonical_room(room) == room
    assert unicodedata.is_normalized("NFKC", room)


def test_every_character_that_is_a_room_name_has_a_canonical_name_that_stays() -> None:
    rooms = set()
    for code in range(0x30000):
        with suppress(InvalidRoom):
            rooms.add(canonical_room(chr(code)))
    assert len(rooms) > 100_000, "for this test to mean anything"
    assert all(canonical_room(room) == room for room in rooms)


@pytest.mark.parametrize("room", ["lobby", "大廳", "a" * 64])
def test_a_group_name_suits_every_channel_layer(room: str) -> None:
    name = group_name(room)
    assert name.isascii()
    assert len(name) < 100
    assert name.startswith("room.")
    assert name.removeprefix("room.").isalnum()


def test_two_rooms_have_two_groups() -> None:
    assert group_name("lobby") != group_name("lobby2")
    assert group_name("lobby") == group_name("lobby")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("alice", "alice"),
        ("Alice Liddell", "Alice Liddell"),
        ("  alice \u00a0\u2003 l.  ", "alice l."),
        ("ａｌｉｃｅ", "alice"),
        ("e\u0301lodie", "élodie"),
        ("李雷", "李雷"),
        ("عَلِيّ", "عَلِيّ"),
        ("हिन्दी", "हिन्दी"),
        ("🦊", "🦊"),
        ("7", "7"),
        ("q\u0323\u0307", "q\u0323\u0307"),
    ],
)
def test_a_name_is_shown_normalised(typed: str, shown: str) -> None:
    assert display_name(typed) == shown


@pytest.mark.parametrize(
    "hidden",
    [
        *"\x00\t\n\r\x1f\x7f\x85\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180e\u180f",
        *"\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2065\u2066\u2069",
        *"\u2800\u3164\ufe00\ufe0f\ufeff\uffa0\ufff9\ufffc\ue000\ud800\udfff\uffff",
        *"\U0001d173\U000e0001\U000e0041\U000e0100\U000e01ef\U0010ffff",
    ],
    ids=lambda hidden: f"U+{ord(hidden):04X}",
)
def test_a_name_holds_nothing_invisible(hidden: str) -> None:
    with pytest.raises(InvalidName):
        display_name(f"ali{hidden}ce")
    with pytest.raises(InvalidName):
        display_name(hidden)


@pytest.mark.parametrize("name", ["", "   ", "-", "...", "()", "\u0301", "\u0301\u0302", "_"])
def test_a_name_needs_a_letter_a_digit_or_a_symbol(name: str) -> None:
    with pytest.raises(InvalidName):
        display_name(name)


def test_a_name_piles_up_to_two_marks() -> None:
    for marks in range(3):
        assert display_name("q" + "\u0323" * marks)
    for marks in (3, 4, 20):
        with pytest.raises(InvalidName):
            display_name("q" + "\u0323" * marks + "x")
        with pytest.raises(InvalidName):
            display_name("xq" + "\u0307" * marks)


def test_a_name_has_one_to_32_characters() -> None:
    assert display_name("a")
    assert display_name("a" * (NAME_MAX - 1))
    assert display_name(f" {'a' * NAME_MAX} ") == "a" * 32
    with pytest.raises(InvalidName):
        display_name("a" * (NAME_MAX + 1))
    with pytest.raises(InvalidName):
        display_name("\ufdfa" * 2)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_shown_name_is_shown_the_same_again(name: str) -> None:
    try:
        shown = display_name(name)
    except InvalidName:
        return
    assert display_name(shown) == shown
