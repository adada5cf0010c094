"""The pages as a visitor's browser asks for them, with and without htmx."""

import asyncio
import re
import secrets
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from types import TracebackType
from typing import Self

import httpx
import pytest

from tests.services import Rooms
from tests.test_json_socket import new_room, tool

_HTMX = {"HX-Request": "true"}


class Visitor:
    """Someone with a browser's cookies; a context manager."""

    def __init__(self, rooms: Rooms) -> None:
        self._client = httpx.Client(base_url=rooms.url, trust_env=False, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, *, htmx: bool = False) -> httpx.Response:
        """Ask for an address, as it stands, following no redirect."""
        return self._client.get(path, headers=_HTMX if htmx else {})

    def submit(
        self, page: str, fields: dict[str, str], *, to: str | None = None, htmx: bool = False
    ) -> httpx.Response:
        """Send the fields as the page's form would, with its CSRF token."""
        return self.send(page, _encoded(fields), to=to, htmx=htmx)

    def send(
        self, page: str, body: bytes, *, to: str | None = None, htmx: bool = False
    ) -> httpx.Response:
        """Send a form's body, whatever it is, with the page's CSRF token."""
        token = csrf_token(self.get(page).text)
        return self._client.post(
            to or page,
            content=body,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-CSRFToken": token,
                **(_HTMX if htmx else {}),
            },
        )

    def post(self, room: str, message: str, *, htmx: bool = False) -> httpx.Response:
        """Post a message to the room by its page's form."""
        return self.submit(f"/chat/{room}/", {"message": message}, htmx=htmx)

    def is_called(self, room: str, name: str) -> None:
        """Take a guest's name, by the form."""
        answer = self.submit(f"/chat/{room}/name/", {"name": name})
        assert answer.status_code in {200, 302, 303}, answer.text

    def cookie_header(self) -> str:
        """Return the cookies as a socket's handshake carries them."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._client.cookies.jar)


class Page(HTMLParser):
    """What a browser makes of a page: its elements with attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag in {"br", "p"}:
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """Return the attributes of each element of that tag that has the given ones."""
        return [
            found
            for name, found in self.elements
            if name == tag and attributes.items() <= found.items()
        ]


def csrf_token(html: str) -> str:
    """Return the token in the page's first form."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
    return unescape(found[1]) if found else ""


def fill(rooms: Rooms, room: str, count: int) -> None:
    """Post `text 1 .` to `text count .` to the room."""

    async def post() -> None:
        async with tool(rooms, room, name="filler") as filler:
            for number in range(1, count + 1):
                await filler.send(message=f"text {number} .")
            await filler.until("message.posted", message=f"text {count} .")

    asyncio.run(post())


def shown(html: str) -> list[int]:
    """Return the numbers of those messages of `fill` that the page shows, in its order."""
    return [int(number) for number in re.findall(r">text (\d+) \.<", html)]


def _encoded(fields: dict[str, str]) -> bytes:
    return str(httpx.QueryParams(fields)).encode()


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


@pytest.fixture
def alice(rooms: Rooms) -> Iterator[Visitor]:
    with Visitor(rooms) as visitor:
        yield visitor


# The picker


def test_the_root_leads_to_the_picker(alice: Visitor) -> None:
    answer = alice.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/chat/")


def test_the_picker_has_one_form_with_one_required_field(alice: Visitor) -> None:
    answer = alice.get("/chat/")
    assert answer.status_code == 200
    page = Page(answer.text)
    assert len(page.all("form")) == 1
    required = [field["name"] for field in page.all("input") if "required" in field]
    assert required == ["room"]
    assert "autofocus" in page.all("input", name="room")[0]


def test_a_name_and_enter_land_in_the_room(alice: Visitor) -> None:
    answer = alice.get("/chat/?room=lobby")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/chat/lobby/")


@pytest.mark.parametrize("typed", ["LOBBY", "%20lobby%20", "%EF%BC%ACobby"])
def test_another_spelling_lands_in_the_canonical_room(alice: Visitor, typed: str) -> None:
    answer = alice.get(f"/chat/?room={typed}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/chat/lobby/")


def test_a_room_in_any_script_has_an_address(alice: Visitor) -> None:
    answer = alice.get("/chat/?room=Цех")
    assert answer.status_code == 302
    assert alice.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize("typed", ["no room", "a/b", "", "a" * 65, "<b>", 'say "hi"', "a.b"])
def test_what_is_no_room_comes_back_with_the_reason(alice: Visitor, typed: str) -> None:
    answer = alice.get(str(httpx.URL("/chat/", params={"room": typed})))
    assert answer.status_code == 400
    page = Page(answer.text)
    assert page.all("input", name="room")[0]["value"] == typed
    assert any(found.get("role") == "alert" for _, found in page.elements)


def test_open_rooms_are_listed_with_what_was_last_there(rooms: Rooms, alice: Visitor) -> None:
    room = new_room()
    assert room not in alice.get("/chat/").text
    alice.post(room, "hello")
    page = Page(alice.get("/chat/").text)
    assert room in page.text
    assert f"/chat/{room}/" in [link["href"] for link in page.all("a")]
    assert page.all("time")


def test_typing_filters_the_list(alice: Visitor) -> None:
    for room in (f"red-{(mark := secrets.token_hex(3))}", f"blue-{mark}"):
        alice.post(room, "hello")
    whole, part = alice.get(f"/chat/?q=red-{mark}"), alice.get(f"/chat/?q=RED-{mark}", htmx=True)
    assert whole.status_code == part.status_code == 200
    for answer in (whole, part):
        assert f"red-{mark}" in answer.text
        assert f"blue-{mark}" not in answer.text
    assert "<html" in whole.text
    assert "<html" not in part.text


def test_a_filter_that_nothing_fits_says_so(alice: Visitor) -> None:
    answer = alice.get("/chat/?q=nothing-fits-this", htmx=True)
    assert answer.status_code == 200
    assert Page(answer.text).text.strip()


# The room


def test_looking_at_a_room_that_is_not_there_writes_nothing(alice: Visitor) -> None:
    room = new_room()
    assert alice.get(f"/chat/{room}/").status_code == 200
    assert f"/chat/{room}/" not in alice.get("/chat/").text


def test_the_page_shows_the_last_50_oldest_first(rooms: Rooms, alice: Visitor) -> None:
    fill(rooms, room := new_room(), 53)
    assert shown(alice.get(f"/chat/{room}/").text) == list(range(4, 54))


def test_the_log_says_that_it_is_one(alice: Visitor) -> None:
    page = Page(alice.get(f"/chat/{new_room()}/").text)
    assert any(found.get("role") == "log" for _, found in page.elements)
    assert any(found.get("role") == "status" for _, found in page.elements)


def test_an_older_page_is_a_page_with_links_both_ways(rooms: Rooms, alice: Visitor) -> None:
    fill(rooms, room := new_room(), 120)
    answer = alice.get(f"/chat/{room}/?before=71")
    assert answer.status_code == 200
    assert shown(answer.text) == list(range(21, 71))
    hrefs = [link["href"] for link in Page(answer.text).all("a")]
    assert any("before=21" in href for href in hrefs), hrefs
    newer = [href for href in hrefs if "before=121" in href or href == f"/chat/{room}/"]
    assert newer, hrefs


def test_an_older_page_is_for_htmx_the_fragment_alone(rooms: Rooms, alice: Visitor) -> None:
    fill(rooms, room := new_room(), 60)
    answer = alice.get(f"/chat/{room}/?before=11", htmx=True)
    assert answer.status_code == 200
    assert shown(answer.text) == list(range(1, 11))
    assert "<html" not in answer.text
    assert "before=" not in answer.text, "there is nothing older than the first"


@pytest.mark.parametrize("before", ["0", "1", "999999999", "9" * 40, "-5", "x", "", "1.5", "%00"])
def test_an_odd_before_is_no_server_error(alice: Visitor, before: str) -> None:
    alice.post(room := new_room(), "hello")
    assert alice.get(f"/chat/{room}/?before={before}").status_code in {200, 400, 404}


def test_a_permalink_shows_the_page_around_its_message(rooms: Rooms, alice: Visitor) -> None:
    fill(rooms, room := new_room(), 130)
    answer = alice.get(f"/chat/{room}/40/")
    assert answer.status_code == 200
    numbers = shown(answer.text)
    assert {39, 40, 41} <= set(numbers)
    assert numbers == sorted(numbers)
    assert len(numbers) < 130


def test_a_permalink_marks_its_message(rooms: Rooms, alice: Visitor) -> None:
    fill(rooms, room := new_room(), 3)
    one, two = (alice.get(f"/chat/{room}/{number}/").text for number in (1, 2))
    assert _log_of(one) != _log_of(two)


def _log_of(html: str) -> str:
    return html.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize("number", ["2", "0", "9" * 40])
def test_a_message_that_is_not_there_is_not_found(alice: Visitor, number: str) -> None:
    alice.post(room := new_room(), "hello")
    assert alice.get(f"/chat/{room}/{number}/").status_code == 404
    assert alice.get(f"/chat/{new_room()}/1/").status_code == 404


# Posting by form


def test_without_script_a_post_leads_back_to_the_room(alice: Visitor) -> None:
    answer = alice.post(room := new_room(), "hello there")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/chat/{room}/")
    assert "hello there" in alice.get(f"/chat/{room}/").text


def test_from_htmx_a_post_is_answered_with_a_fragment(alice: Visitor) -> None:
    answer = alice.post(room := new_room(), "hello there", htmx=True)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "hello there" in alice.get(f"/chat/{room}/").text


def test_a_posted_form_reaches_a_socket_at_once(rooms: Rooms, alice: Visitor) -> None:
    room = new_room()

    async def hear() -> str:
        async with tool(rooms, room) as bob:
            await asyncio.to_thread(alice.post, room, "hello by form")
            async with asyncio.timeout(3):
                return str((await bob.next())["message"])

    assert asyncio.run(hear()) == "hello by form"


def test_the_same_form_sent_twice_posts_once(alice: Visitor) -> None:
    path = f"/chat/{new_room()}/"
    page = Page(alice.get(path).text)
    hidden = {
        field["name"]: field["value"]
        for field in page.all("input", type="hidden")
        if field.get("name") == "id"
    }
    assert hidden, "the form has no id by which a second sending is known"
    for _ in range(2):
        assert alice.submit(path, {**hidden, "message": "only once"}).status_code == 303
    assert alice.get(path).text.count("only once") == 1


def test_a_browser_s_line_ends_are_stored_as_newlines(rooms: Rooms, alice: Visitor) -> None:
    room = new_room()
    assert alice.send(f"/chat/{room}/", b"message=one%0D%0Atwo").status_code == 303

    async def stored() -> str:
        async with tool(rooms, room, after=0) as reader:
            return str((await reader.until("message.posted"))["message"])

    assert asyncio.run(stored()) == "one\ntwo"


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("typed", ["", "   ", "a" * 4001])
def test_a_refused_post_brings_the_form_back_with_reason_and_text(
    alice: Visitor, typed: str, htmx: bool
) -> None:
    answer = alice.post(new_room(), typed, htmx=htmx)
    assert answer.status_code == 400
    page = Page(answer.text)
    assert any(found.get("role") == "alert" for _, found in page.elements)
    assert any(field.get("name") == "message" for _, field in page.elements)
    assert typed in unescape(answer.text)
    assert ("<html" in answer.text) is not htmx


@pytest.mark.parametrize(
    "body",
    [
        b"message=a%00b",
        b"message=a%1Bb",
        b"message=a%FFb",
        b"message=a%ED%A0%80b",
        b"message=a\xff",
    ],
)
def test_what_cannot_be_stored_is_refused_and_not_stored(alice: Visitor, body: bytes) -> None:
    room = new_room()
    assert alice.send(f"/chat/{room}/", body).status_code == 400
    assert '<li id="m1"' not in alice.get(f"/chat/{room}/").text


def test_a_post_without_the_field_is_refused(alice: Visitor) -> None:
    assert alice.submit(f"/chat/{new_room()}/", {"text": "hello"}).status_code == 400


@pytest.mark.parametrize("htmx", [False, True])
def test_the_eleventh_post_in_ten_seconds_is_too_fast(htmx: bool) -> None:
    room = new_room()
    with Rooms() as own, Visitor(own) as alice:
        path = f"/chat/{room}/"
        for number in range(10):
            assert alice.post(room, f"text {number} .").status_code == 303
        answer = alice.submit(path, {"message": "one too many"}, htmx=htmx)
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 10
        assert "one too many" in answer.text
        assert "one too many" not in alice.get(path).text
        with Visitor(own) as bob:
            assert bob.post(room, "my first").status_code == 303


def test_a_form_without_its_token_is_refused(rooms: Rooms) -> None:
    path = f"{rooms.url}/chat/{new_room()}/"
    with httpx.Client(trust_env=False) as client:
        assert client.post(path, data={"message": "forged"}).status_code == 403
        client.get(path)
        assert client.post(path, data={"message": "forged"}).status_code == 403
        assert "forged" not in client.get(path).text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(rooms: Rooms, method: str) -> None:
    with httpx.Client(trust_env=False) as client:
        status = client.request(method, f"{rooms.url}/chat/{new_room()}/").status_code
    assert status in {403, 405}


# One address for each room


@pytest.mark.parametrize("rest", ["", "stream/", "live/", "1/"])
def test_another_spelling_is_redirected_for_good_with_its_query(alice: Visitor, rest: str) -> None:
    answer = alice.get(f"/chat/LOBBY/{rest}?before=5&x=%C3%A4")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"/chat/lobby/{rest}?before=5&x=%C3%A4"


def test_full_width_letters_are_redirected_to_plain_ones(alice: Visitor) -> None:
    answer = alice.get("/chat/%EF%BC%ACobby/")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/chat/lobby/")


@pytest.mark.parametrize(
    "path",
    [
        "/chat/no%20room/",
        "/chat/a.b/",
        "/chat/%00/",
        "/chat/%FF/",
        "/chat/a%2Fb/",
        "/chat/%E2%80%AEa/",
        "/chat/a%E2%80%8Bb/",
        f"/chat/{'a' * 65}/",
        "/chat/lobby/elsewhere/",
        "/elsewhere/",
        "/chat/no%20room/live/",
        "/chat/no%20room/stream/",
    ],
)
def test_what_is_no_room_is_not_found(alice: Visitor, path: str) -> None:
    assert alice.get(path).status_code == 404


def test_a_name_of_64_characters_is_a_room(alice: Visitor) -> None:
    assert alice.get(f"/chat/{'a' * 64}/").status_code == 200


def test_a_name_is_measured_in_its_canonical_form(alice: Visitor) -> None:
    # The ligature becomes three letters.
    assert alice.get(f"/chat/{'a' * 61}ﬃ/").status_code == 301
    assert alice.get(f"/chat/{'a' * 62}ﬃ/").status_code == 404


# What is kept, and by whom


@pytest.mark.parametrize("piece", ["live", "offline", "form"])
def test_the_fragments_of_the_page_are_cacheable_by_the_browser_alone(
    alice: Visitor, piece: str
) -> None:
    answer = alice.get(f"/chat/lobby/{piece}/", htmx=True)
    assert answer.status_code == 200
    kept = answer.headers["Cache-Control"]
    assert "private" in kept
    assert "immutable" in kept
    assert int(re.findall(r"max-age=(\d+)", kept)[0]) > 3600
    assert "Set-Cookie" not in answer.headers
    assert "csrf" not in answer.text
    assert "<html" not in answer.text


def test_the_page_warms_the_very_addresses_that_its_leaf_asks_for(alice: Visitor) -> None:
    room = new_room()
    page = Page(alice.get(f"/chat/{room}/").text)
    asked = {found["hx-get"] for found in page.all("i", **{"hx-trigger": "load"})}
    leaf = Page(alice.get(f"/chat/{room}/live/").text)
    needed = {found["hx-get"] for _, found in leaf.elements if "hx-get" in found}
    assert needed
    assert needed <= asked


def test_the_room_page_is_never_kept(alice: Visitor) -> None:
    for path in ("/chat/", "/chat/lobby/", "/chat/lobby/?before=5"):
        assert "no-store" in alice.get(path).headers["Cache-Control"]


def test_the_reader_s_own_style_is_css_and_private(alice: Visitor) -> None:
    room = new_room()
    alice.post(room, "hello")
    author = re.findall(r'data-author="([^"]+)"', alice.get(f"/chat/{room}/").text)
    answer = alice.get("/chat/me.css")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/css")
    assert "private" in answer.headers["Cache-Control"]
    assert author
    assert f'[data-author="{author[0]}"]' in answer.text


def test_another_reader_s_style_does_not_mark_my_messages(rooms: Rooms, alice: Visitor) -> None:
    room = new_room()
    alice.post(room, "hello")
    with Visitor(rooms) as bob:
        author = re.findall(r'data-author="([^"]+)"', bob.get(f"/chat/{room}/").text)[0]
        bob.post(room, "hello too")
        assert author not in bob.get("/chat/me.css").text


def test_static_files_are_hashed_and_kept_for_a_year(alice: Visitor) -> None:
    page = Page(alice.get("/chat/lobby/").text)
    addresses = [link["href"] for link in page.all("link", rel="stylesheet")]
    addresses += [script["src"] for script in page.all("script")]
    hashed = [address for address in addresses if address.startswith("/static/")]
    assert len(hashed) >= 3
    for address in hashed:
        assert re.search(r"\.[0-9a-f]{12}\.", address)
        answer = alice.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] in {"gzip", "br"}


def test_pages_are_compressed(rooms: Rooms, alice: Visitor) -> None:
    fill(rooms, room := new_room(), 20)
    assert alice.get(f"/chat/{room}/").headers["Content-Encoding"] in {"gzip", "br", "zstd"}


# Health


def test_healthz_says_that_all_is_well(alice: Visitor) -> None:
    answer = alice.get("/healthz")
    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("version")
    assert told == {"status": "ok", "database": "ok", "channel_layer": "ok"}


# Changing one's own messages, without script


def test_the_author_edits_by_form(alice: Visitor) -> None:
    room = new_room()
    alice.post(room, "helo")
    form = alice.get(f"/chat/{room}/1/edit/")
    assert form.status_code == 200
    assert "helo" in form.text
    answer = alice.submit(f"/chat/{room}/1/edit/", {"message": "hello"})
    assert answer.status_code == 303
    page = alice.get(f"/chat/{room}/").text
    assert ">hello<" in page
    assert "helo<" not in page
    assert "edited" in page


def test_the_author_deletes_by_form_and_a_tombstone_stays(rooms: Rooms, alice: Visitor) -> None:
    room = new_room()
    alice.post(room, "a secret slip")
    answer = alice.submit(f"/chat/{room}/", {}, to=f"/chat/{room}/1/delete/")
    assert answer.status_code == 303
    page = alice.get(f"/chat/{room}/").text
    assert "a secret slip" not in page
    assert '<li id="m1"' in page
    asked = "from rooms.models import Message; print(list(Message.objects.values()))"
    stored = rooms.manage("shell", "-c", asked)
    assert room in stored or "number" in stored, "for this test to mean anything"
    assert "a secret slip" not in stored


def test_a_stranger_edits_and_deletes_nothing(rooms: Rooms, alice: Visitor) -> None:
    room = new_room()
    alice.post(room, "mine")
    with Visitor(rooms) as bob:
        page = f"/chat/{room}/"
        for change in ("edit", "delete"):
            answer = bob.submit(page, {"message": "yours"}, to=f"/chat/{room}/1/{change}/")
            assert answer.status_code == 403
        assert bob.get(f"/chat/{room}/1/edit/").status_code == 403
    assert ">mine<" in alice.get(page).text
