from urllib.parse import quote, quote_from_bytes

import pytest
from pytest_django import Settings

from rooms.errors import EmptyMessage, InvalidFrame, InvalidText, MessageTooLong, Refused
from rooms.forms import clean_client_id, clean_message, require_utf8, whole_number


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "  hello  ",
        "a\tb\n\n\nc\n",
        "<script>alert(1)</script>",
        "&lt;b&gt; \" ' `",
        "javascript:alert(1)",
        "שלום \u202eevil\u202c \u2066x\u2069",
        "e" + "\u0301" * 3000,
        "👩\u200d👩\u200d👧\u200d👦 🏳\ufe0f\u200d🌈 👍🏽",
        "\u200bzero\u200bwidth\ufeff",
        "cafe\u0301 ﬁ Ａ",
        "\u2028\u2029\ufffd\ufffe\ue000",
        "x" * 4000,
    ],
)
def test_a_message_is_stored_as_typed(text: str) -> None:
    assert clean_message(text) == text


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("0", 0),
        ("007", 7),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("", None),
        ("-1", None),
        ("1.0", None),
        ("1 ", None),
        ("٣", None),
        ("²", None),
        (None, None),
        (7, None),
    ],
)
def test_a_number_is_a_few_plain_digits(raw: object, number: int | None) -> None:
    assert whole_number(raw) == number


def test_a_line_break_of_a_form_is_one_newline() -> None:
    assert clean_message("a\r\nb\r\n\r\nc") == "a\nb\n\nc"


@pytest.mark.parametrize(
    "character",
    [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"]
    + ["\ud800", "\udbff", "\udc00", "\udfff"],
    ids=ascii,
)
def test_a_message_holds_no_other_control_character_and_no_half_surrogate_pair(
    character: str,
) -> None:
    for text in (character, f"hello{character}", f"{character}hello", f"a{character}b"):
        with pytest.raises(InvalidText):
            clean_message(text)


@pytest.mark.parametrize("text", ["a\rb", "a\r", "\r", "a\r\r\nb", "a\n\rb"])
def test_a_carriage_return_without_its_newline_is_refused(text: str) -> None:
    with pytest.raises(InvalidText):
        clean_message(text)


@pytest.mark.parametrize("text", ["", " ", "\n", "\r\n", "\t \n", "\u00a0\u2003\u3000", "\u2028"])
def test_a_message_of_nothing_but_white_space_is_empty(text: str) -> None:
    with pytest.raises(EmptyMessage):
        clean_message(text)


def test_a_message_has_at_most_message_max_characters(settings: Settings) -> None:
    settings.MESSAGE_MAX = 10
    assert clean_message("x" * 9)
    assert clean_message("x" * 10)
    assert clean_message("👍" * 10)
    with pytest.raises(MessageTooLong) as refused:
        clean_message("x" * 11)
    assert "10" in refused.value.sentence


def test_a_line_break_counts_as_one_character(settings: Settings) -> None:
    settings.MESSAGE_MAX = 3
    assert clean_message("a\r\nb") == "a\nb"


def test_a_limit_that_is_off_lets_any_length_pass(settings: Settings) -> None:
    settings.MESSAGE_MAX = None
    assert len(clean_message("x" * 1_000_000)) == 1_000_000


@pytest.mark.parametrize("value", ["c", "c-1", "x" * 63, "x" * 64, "é 👍", " "])
def test_an_id_has_one_to_64_characters(value: str) -> None:
    assert clean_client_id(value) == value


@pytest.mark.parametrize(
    "value",
    ["", "x" * 65, None, 1, 1.5, True, [], {}, b"c-1", "a\x00", "a\n", "\t", "\x85", "\ud800"],
    ids=ascii,
)
def test_anything_else_is_no_id(value: object) -> None:
    with pytest.raises(InvalidFrame):
        clean_client_id(value)


@pytest.mark.parametrize("text", ["hello", "café", "👍", "a&b=c+d%", "\n"])
def test_a_form_in_utf8_passes(text: str) -> None:
    require_utf8(f"message={quote(text)}".encode())
    require_utf8(f"message={text}".encode())


@pytest.mark.parametrize(
    "broken",
    [b"\xff", b"caf\xe9", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"],
)
def test_a_form_in_broken_utf8_is_refused(broken: bytes) -> None:
    for body in (b"message=" + quote_from_bytes(broken).encode(), b"message=" + broken):
        with pytest.raises(InvalidText):
            require_utf8(body)


@pytest.mark.parametrize("text", ["\u200b", " \u200d\u2060\n", "\ufeff"])
def test_what_takes_no_room_is_as_empty_as_white_space(text: str) -> None:
    with pytest.raises(EmptyMessage):
        clean_message(text)


def test_every_refusal_has_a_code_of_its_own_and_a_sentence() -> None:
    kinds = Refused.__subclasses__()
    assert {kind.code: kind.status for kind in kinds} == {
        "invalid_json": 400,
        "invalid_frame": 400,
        "empty_message": 400,
        "message_too_long": 400,
        "rate_limited": 429,
        "invalid_text": 400,
        "id_conflict": 409,
        "invalid_cursor": 400,
        "invalid_name": 400,
        "name_taken": 400,
        "invalid_room": 400,
        "unavailable": 503,
        "not_found": 404,
        "forbidden": 403,
    }
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.default.endswith(".") for kind in kinds)
    assert EmptyMessage("Say something.").sentence == "Say something."
    assert EmptyMessage().retry_after is None
