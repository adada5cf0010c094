"""The pages as a visitor's browser asks for them, with and without htmx."""

import re
from collections.abc import Iterator

import pytest

from tests.services import Rooms
from tests.tool import new_room
from tests.visitor import Page, Visitor, fill, shown


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


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


def test_what_differs_per_reader_is_in_no_other_s_page(rooms: Rooms, alice: Visitor) -> None:
    fill(rooms, room := new_room(), 3)
    alice.is_called(room, "alice-herself")
    with Visitor(rooms) as bob:
        pages = [visitor.get(f"/chat/{room}/").text for visitor in (alice, bob, alice)]
    assert shown(pages[0]) == shown(pages[1]) == [1, 2, 3]
    assert ["alice-herself" in page for page in pages] == [True, False, True]
    for name in ("csrfmiddlewaretoken", "id", "page"):
        values = {Page(page).all("input", name=name)[0]["value"] for page in pages}
        assert len(values) == 3, name


@pytest.mark.services
def test_what_one_process_acknowledged_another_shows_at_once(postgres_url: str) -> None:
    with (
        Rooms(database_url=postgres_url, env={"POST_RATE": "off"}) as first,
        Rooms(database_url=postgres_url, data_dir=first.data_dir) as second,
        Visitor(second) as bob,
    ):
        room = new_room()
        for count in range(1, 8):
            fill(first, room, count)
            assert shown(bob.get(f"/chat/{room}/").text)[-1] == count


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
