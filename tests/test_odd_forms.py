"""Forms that no page of ours sends."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.services import Rooms


@pytest.fixture
def visitor(rooms: Rooms) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=rooms.url) as client:
        yield client


def _token(visitor: httpx.Client, room: str) -> str:
    page = visitor.get(f"/chat/{room}/").text
    return str(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0])


@pytest.mark.parametrize(("text", "status"), [(b"in parts", 303), (b"caf\xe9", 400)])
def test_a_form_in_parts_is_taken_or_refused_like_any_other(
    visitor: httpx.Client, text: bytes, status: int
) -> None:
    token = _token(visitor, "parts")
    fields = {"csrfmiddlewaretoken": (None, token.encode()), "message": (None, text)}
    assert visitor.post("/chat/parts/", files=fields).status_code == status


def test_a_form_without_its_token_is_answered_in_our_own_words(visitor: httpx.Client) -> None:
    _token(visitor, "token")
    plain = visitor.post("/chat/token/", data={"message": "hello"})
    assert (plain.status_code, "cookies are blocked" in plain.text) == (403, True)
    inside = visitor.post("/chat/token/", data={"message": "hello"}, headers={"HX-Request": "true"})
    assert (inside.status_code, inside.headers["HX-Retarget"]) == (403, "#rejected")
    assert "<html" not in inside.text


def test_a_name_in_broken_utf8_is_refused(visitor: httpx.Client) -> None:
    token = _token(visitor, "name")
    body = f"csrfmiddlewaretoken={token}&name=caf%E9"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert visitor.post("/chat/name/name/", content=body, headers=kind).status_code == 400


def test_a_form_in_another_encoding_is_refused(visitor: httpx.Client) -> None:
    kind = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-16",
        "X-CSRFToken": _token(visitor, "name"),
    }
    assert visitor.post("/chat/name/name/", content="name=cafe", headers=kind).status_code == 400
