"""The room page as it is laid out for all its readers, and filled in for one."""

from typing import Any

import pytest
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils.html import escape

from rooms import fragments
from rooms.authors import Author
from rooms.views import layout

GUEST = Author("guest:secret", "<b>alice</b> %s %(key)s")
MEMBER = Author("user:7", "bob & co", kind="member", user_id=7, moderates=True)


@pytest.fixture(autouse=True)
def one_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "get_token", lambda request: "token")


@pytest.fixture
def request_() -> HttpRequest:
    return RequestFactory().get("/chat/lobby/")


def shown(you: Author, **other: Any) -> dict[str, Any]:
    return {
        "room": "lobby",
        "topic": "",
        "count": 12,
        "you": you,
        "version": fragments.VERSION,
        "items": '<li id="m1">100 % of %(name)s</li>',
        "cursor": "7.epoch",
        "key": "key",
        **other,
    }


@pytest.mark.parametrize("topic", ["", "50 % & <more> %(key)s csrf_token"])
@pytest.mark.parametrize("you", [GUEST, MEMBER], ids=["guest", "member"])
def test_it_is_the_page_that_the_template_renders(
    request_: HttpRequest, you: Author, topic: str
) -> None:
    said = shown(you, topic=topic)
    rendered = render_to_string("rooms/room.html", {**said, "first": True, "csrf_token": "token"})
    for _ in range(2):
        assert layout.filled(request_, said) == rendered
    assert escape(you.name) in rendered
    assert rendered.count("token") >= 2
    assert said["items"] in rendered


def test_a_page_is_laid_out_once_for_all_its_readers(
    request_: HttpRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []
    render = render_to_string

    def counted(name: str, context: dict[str, Any]) -> str:
        rendered.append(name)
        return render(name, context)

    monkeypatch.setattr(layout, "render_to_string", counted)
    layout._layout.cache_clear()
    first = layout.filled(request_, shown(GUEST, key="first", cursor="1.x"))
    other = layout.filled(request_, shown(Author("guest:other", "carol"), key="other", items=""))
    assert len(rendered) == 1
    for own in (escape(GUEST.name), "first", "1.x", "m1"):
        assert own in first
        assert own not in other


def test_the_layouts_that_are_kept_are_bounded() -> None:
    assert layout._layout.cache_info().maxsize == layout.KEPT
