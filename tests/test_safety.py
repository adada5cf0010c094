"""Safety from the start: headers, cookies, hostile input, and every limit from both sides."""

import asyncio
import json
from collections.abc import Iterator
from html import unescape

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.services import Rooms
from tests.tool import new_room, tool
from tests.visitor import Page, Visitor

_PAGES = (
    "/chat/",
    "/chat/?room=no%20room",
    "/chat/{room}/",
    "/chat/{room}/?before=2",
    "/chat/{room}/1/",
    "/chat/{room}/1/edit/",
    "/chat/{room}/name/",
    "/chat/{room}/people/",
    "/chat/{room}/live/",
    "/chat/{room}/offline/",
    "/chat/{room}/form/",
    "/chat/me.css",
    "/healthz",
    "/elsewhere/",
    "/admin/login/",
    "/",
)

_HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg/onload=alert(1)> ' onmouseover='alert(1)",
    "&lt;script&gt; &amp; &#60;b&#62; &quot;",
    "javascript:alert(1) and JaVaScRiPt:alert(1)//https://example.org",
    "data:text/html,<script>alert(1)</script>",
    'https://example.org/"onclick="alert(1) https://example.org/\'><b>x</b>',
    "https://user:pass@example.org/%22%3E<i>",
    "http://javascript:alert(1)/ vbscript:x file:///etc/passwd",
    "\u202eevil\u202c \u2066isolated\u2069 \u200f",
    "z" + "\u0301" * 3_000,
    "a" * 4_000,
    "</textarea></title></style><!-- --> ]]> {{ 1|add:1 }} {% load x %}",
    '<i hx-get="/" hx-trigger="load" hx-swap-oob="true" id="cursor">',
    "</li></ol></main>\n<b>\n\n\tend",
)

_ACTIVE = ("js:", "javascript:", "data:", "vbscript:")


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


# Headers


@pytest.mark.parametrize("path", ["/elsewhere/", "/chat/Lobby/", "/chat/lobby"])
def test_no_shared_cache_keeps_what_may_hold_a_visitors_cookie(alice: Visitor, path: str) -> None:
    assert alice.get(path).headers["Cache-Control"] == "private"


@pytest.mark.parametrize("path", ["/chat/", "/chat/lobby/", "/chat/me.css", "/admin/login/"])
def test_no_cache_keeps_what_is_for_one_visitor(alice: Visitor, path: str) -> None:
    assert "no-store" in alice.get(path).headers["Cache-Control"]


@pytest.mark.parametrize("path", _PAGES)
def test_every_answer_carries_the_headers_of_safety(alice: Visitor, path: str) -> None:
    alice.post(room := new_room(), "hello")
    headers = alice.get(path.format(room=room)).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe-" not in policy
    assert "default-src" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"]


def test_a_refused_form_carries_them_too(rooms: Rooms) -> None:
    answer = httpx.post(f"{rooms.url}/chat/lobby/", data={"message": "x"}, trust_env=False)
    assert answer.status_code == 403
    assert "unsafe-" not in answer.headers["Content-Security-Policy"]


def test_a_host_that_is_not_ours_is_not_served(rooms: Rooms) -> None:
    answer = httpx.get(f"{rooms.url}/chat/", headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", [path for path in _PAGES if path != "/admin/login/"])
def test_no_page_has_script_or_style_of_its_own(alice: Visitor, path: str) -> None:
    alice.post(room := new_room(), "hello https://example.org/")
    _is_inert(alice.get(path.format(room=room)).text)


def _is_inert(html: str) -> None:
    for tag, attributes in Page(html).elements:
        assert tag != "style"
        assert tag != "script" or attributes["src"].startswith("/static/")
        assert "[" not in attributes.get("hx-trigger", ""), "a filter needs eval"
        for name, value in attributes.items():
            assert name != "style"
            assert not name.startswith(("on", "hx-on")), (tag, name)
            if name != "value":
                assert not value.lower().strip().startswith(_ACTIVE), (tag, name, value)


# Cookies


def test_cookies_are_not_for_script_and_not_for_other_sites(rooms: Rooms) -> None:
    answer = httpx.get(f"{rooms.url}/chat/lobby/", trust_env=False)
    cookies = answer.headers.get_list("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=" in cookie
        assert "SameSite=None" not in cookie
        assert "Secure" not in cookie, "over plain HTTP it would never come back"


def test_over_https_cookies_are_secure_and_hsts_is_sent() -> None:
    environment = {"HTTPS": "on", "SECRET_KEY": "k3-Jx_92mQpLw7vRt5zYb1nHc8sDf4gKa6eUo0iXqZyTjWmE"}
    with Rooms(env=environment) as own:
        plain = httpx.get(f"{own.url}/chat/lobby/", trust_env=False)
        assert plain.status_code == 301
        assert plain.headers["Location"].startswith("https://")
        spelt = httpx.get(
            f"{own.url}/chat/lobby/", headers={"X_Forwarded_Proto": "https"}, trust_env=False
        )
        assert spelt.status_code == 301, "a proxy would let it pass"
        answer = httpx.get(
            f"{own.url}/chat/lobby/", headers={"X-Forwarded-Proto": "https"}, trust_env=False
        )
        assert answer.status_code == 200
        assert "max-age=" in answer.headers["Strict-Transport-Security"]
        for cookie in answer.headers.get_list("Set-Cookie"):
            assert "Secure" in cookie
            assert cookie.startswith("__Host-")
            assert "Path=/;" in cookie
            assert "Domain" not in cookie


# Hostile input


@pytest.mark.parametrize("typed", _HOSTILE, ids=range(len(_HOSTILE)))
async def test_hostile_text_is_stored_as_typed_and_shown_inert(rooms: Rooms, typed: str) -> None:
    room = new_room()
    async with tool(rooms, room, name="alice") as alice:
        posted = await alice.post(typed)
    _is_inert(posted["html"])
    async with tool(rooms, room, after=0) as bob:
        assert (await bob.until("message.posted"))["message"] == typed
    with Visitor(rooms) as visitor:
        for path in (f"/chat/{room}/", f"/chat/{room}/1/", f"/chat/{room}/?before=2"):
            html = visitor.get(path).text
            _is_inert(html)
            assert _as_seen(typed) in _as_seen(Page(html).text)


@pytest.mark.parametrize("typed", ["<b>bold</b>", 'a"b', "a&amp;b", "{{ 1 }}", "'><script>"])
async def test_hostile_names_are_shown_inert(rooms: Rooms, typed: str) -> None:
    room = new_room()
    async with tool(rooms, room, name=typed) as alice:
        assert (await alice.post("hello"))["author"]["name"] == typed
    with Visitor(rooms) as visitor:
        html = visitor.get(f"/chat/{room}/").text
        _is_inert(html)
        assert typed in Page(html).text
        assert not Page(html).all("b")


def test_hostile_room_names_and_filters_are_shown_inert(alice: Visitor) -> None:
    for whole in _HOSTILE:
        typed = whole[:1_000]  # an address of more than 16 KiB is not read at all
        for key in ("room", "q"):
            answer = alice.get(str(httpx.URL("/chat/", params={key: typed})))
            assert answer.status_code in {200, 302, 400}
            _is_inert(answer.text)


@pytest.mark.parametrize("raw", ["%00", "%FF", "a%00b", "%ED%A0%80", "%1B", "a%0Ab"])
def test_what_cannot_be_a_room_is_refused_in_the_picker(alice: Visitor, raw: str) -> None:
    answer = alice.get(f"/chat/?room={raw}")
    assert answer.status_code == 400
    assert alice.get(f"/chat/?q={raw}").status_code in {200, 400}


async def test_a_refused_form_shows_hostile_text_inert(rooms: Rooms) -> None:
    def refused() -> httpx.Response:
        with Visitor(rooms) as visitor:
            return visitor.post(new_room(), "</textarea><script>alert(1)</script>" + "a" * 4_000)

    answer = await asyncio.to_thread(refused)
    assert answer.status_code == 400
    _is_inert(answer.text)
    assert "</textarea><script>alert(1)</script>" in unescape(answer.text)


def _as_seen(text: str) -> str:
    return " ".join(text.split())


# Limits; those of the JSON socket's texts and frames are in test_json_errors.py


@pytest.mark.parametrize("htmx", [False, True])
def test_a_form_may_have_4000_characters_and_no_more(alice: Visitor, htmx: bool) -> None:
    room = new_room()
    taken = 200 if htmx else 303
    for length, status in ((3_999, taken), (4_000, taken), (4_001, 400)):
        assert alice.post(room, "é" * length, htmx=htmx).status_code == status


async def test_a_frame_from_a_page_may_be_as_large_as_the_setting_says() -> None:
    with Rooms(env={"PAGE_FRAME_MAX": "3000"}) as own:
        for size in (2_999, 3_000):
            async with _page(own) as page:
                await page.send(_first_frame().rjust(size))
                assert await _answer(page), "nothing came"
        async with _page(own) as page:
            await page.send(_first_frame().rjust(3_001))
            assert await _close_code(page) == 1009


async def test_a_frame_from_a_page_may_be_larger_than_one_from_a_tool(rooms: Rooms) -> None:
    for size in (65_537, 1_048_576):
        async with _page(rooms) as page:
            await page.send(_first_frame().rjust(size))
            assert await _answer(page)
    async with _page(rooms) as page:
        await page.send(_first_frame().rjust(1_048_577))
        assert await _close_code(page) == 1009


def _page(rooms: Rooms) -> connect:
    return connect(
        f"{rooms.ws}/ws/chat/{new_room()}/html/",
        additional_headers={"Origin": rooms.url},
        proxy=None,
    )


def _first_frame() -> str:
    return json.dumps({"page": "p" * 16, "acked": "0", "after": "0", "unseen": ""})


async def _answer(page: ClientConnection) -> str | bytes:
    async with asyncio.timeout(5):
        return await page.recv()


async def _close_code(page: ClientConnection) -> int | None:
    async with asyncio.timeout(5):
        while True:
            try:
                await page.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None
