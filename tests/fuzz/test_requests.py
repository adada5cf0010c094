import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.sync.client import connect

from tests.examples import examples
from tests.fuzz.calm import stays_calm
from tests.fuzz.strings import strings
from tests.fuzz.wire import Header, answer, handshake, request
from tests.services import Rooms
from tests.services.ports import HOST
from tests.tool import new_room
from tests.visitor import Visitor

octets = st.one_of(
    st.binary(max_size=60),
    strings.map(lambda text: text.encode(errors="surrogatepass")),
    st.sampled_from([b"x" * 3_000, b"\xff\xfe", b"%", b"%00", b"%ff", b"%u0000", b"%ED%A0%80"]),
)
words = octets.map(lambda value: quote_from_bytes(value).encode())
names = st.one_of(words, words, octets)
numbers = st.one_of(st.integers(-1, 60), st.integers(0)).map(lambda number: str(number).encode())
paths = st.one_of(
    names.map(lambda name: b"/chat/" + name + b"/"),
    st.builds(
        lambda name, part: b"/chat/" + name + b"/" + part + b"/",
        st.one_of(names, st.just(b"lobby"), st.just(b"L%C3%96BBY")),
        st.one_of(
            st.sampled_from(
                [b"live", b"offline", b"form", b"reload", b"stream", b"people", b"name", b"actions"]
            ),
            numbers,
            numbers.map(lambda number: number + b"/edit"),
            numbers.map(lambda number: number + b"/delete"),
            names,
        ),
    ),
    st.sampled_from(
        [b"/chat/", b"/chat/me.css", b"/", b"/healthz", b"/admin/", b"/static/x", b"*"]
    ),
    octets,
    octets.map(lambda rest: b"/static/" + rest),
    octets.map(lambda rest: b"/" + rest),
)
keys = st.sampled_from(
    [b"after", b"epoch", b"events", b"name", b"before", b"q", b"room", b"message"]
)
queries = st.one_of(
    st.just(b""),
    octets,
    st.lists(
        st.builds(lambda key, value: key + b"=" + value, st.one_of(keys, names), names), max_size=5
    ).map(b"&".join),
    st.builds(lambda key, number: key + b"=" + number, keys, numbers),
)
header_names = st.one_of(
    st.sampled_from(
        [
            *(b"Origin", b"Host", b"Cookie", b"Content-Length", b"Transfer-Encoding", b"Accept"),
            *(b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Forwarded-Proto", b"Forwarded"),
            *(b"HX-Request", b"HX-Current-URL", b"HX-Prompt", b"HX-Target", b"HX-Trigger"),
            *(b"HX-Current-URL-URI-AutoEncoded", b"HX-Triggering-Event", b"HX-Boosted"),
            *(b"Content-Type", b"Content-Encoding", b"Expect", b"Range", b"If-None-Match"),
            *(b"If-Modified-Since", b"Accept-Encoding", b"Accept-Language", b"X-CSRFToken"),
            *(b"Daphne-Root-Path", b"Referer", b"Upgrade", b"Connection", b"Authorization"),
            *(b"X-HTTP-Method-Override", b"Via", b"TE", b"Trailer", b"User-Agent"),
        ]
    ),
    octets,
)
header_values = st.one_of(
    octets,
    numbers,
    st.sampled_from(
        [
            *(b"true", b"chunked", b"gzip", b"websocket", b"100-continue", b"bytes=0-", b"null"),
            *(b"127.0.0.1", b"[::1", b"[::1]:99999", b"localhost:99999", b"a:b:c", b"https://["),
            *(
                b"multipart/form-data",
                b"multipart/form-data; boundary=",
                b"/elsewhere",
                b"//x.example",
            ),
            *(
                b"application/x-www-form-urlencoded; charset=utf-16",
                b"text/plain; charset=nonsense",
            ),
            *(
                b"guest=x; sessionid=y; csrftoken=z",
                b"W/",
                b'"',
                b"Thu, 99 Xxx 9999",
                b"http://[::1",
            ),
        ]
    ),
)
headers = st.lists(st.tuples(header_names, header_values), max_size=4)
methods = st.one_of(
    st.sampled_from([b"GET", b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"]),
    st.sampled_from(
        [b"TRACE", b"CONNECT", b"PRI", b"get", b"", b" ", b"GET\x00", b"\xff", b"G" * 9000]
    ),
    octets,
)


@given(method=methods, path=paths, query=queries, more=headers, body=octets)
@example(method=b"GET", path=b"/chat/", query=b"", more=[(b"Host", b"elsewhere.example")], body=b"")
@example(method=b"GET", path=b"/chat/", query=b"", more=[(b"Host", b"[::1")], body=b"")
@examples(250)
def test_no_request_makes_the_server_stumble(
    method: bytes, path: bytes, query: bytes, more: list[Header], body: bytes, rooms: Rooms
) -> None:
    host = [] if any(name.lower() == b"host" for name, _ in more) else [own_host(rooms)]
    target = path + b"?" + query if query else path
    with stays_calm(rooms):
        found = answer(rooms, request(method, target, [*host, *more], body), 0.3)
    assert found is None or found < 500


@given(path=paths, query=queries, more=headers)
@example(path=b"/chat/lobby/", query=b"", more=[(b"Daphne-Root-Path", b"\xff")])
@example(path=b"/chat/L/", query=b"", more=[(b"Daphne-Root-Path", b"//elsewhere.example")])
@examples(120)
def test_a_page_is_shown_or_refused(
    path: bytes, query: bytes, more: list[Header], rooms: Rooms
) -> None:
    lines = [own_host(rooms), *(line for line in more if line[0].lower() not in FRAMING)]
    target = b"/" + (path + b"?" + query).translate(None, b"\r\n \t\x00\x0b\x0c").lstrip(b"/")
    if any(set(b"".join(line)) & set(b"\r\n\x00") for line in lines):
        return
    with stays_calm(rooms):
        found = answer(rooms, request(b"GET", target, lines))
    assert found in {200, 301, 302, 304, 400, 404, 405, 206, 416, 431}, found


FRAMING = {
    b"host",
    b"content-length",
    b"transfer-encoding",
    b"upgrade",
    b"connection",
    b"expect",
    b"",
}


@pytest.fixture(scope="module")
def visitor(rooms: Rooms) -> Iterator[Visitor]:
    with Visitor(rooms) as somebody:
        somebody.get("/chat/lobby/")
        yield somebody


cookies = st.one_of(
    octets,
    st.sampled_from(
        [
            *(rb'"\000\000\000\000\000\000\000\000\000"', rb'"\355\240\200aaaaaaaa"', b"", b'"'),
            *(
                b"WyJhIiwiYiJd:1:x",
                b"e30:1tXyZ:abc",
                b".eJwrSS0uUVAvyi8oz0gFABiMBTg:1:1",
                b"a" * 32,
            ),
        ]
    ),
)


@given(
    spoiled=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys((b"guest", b"sessionid", b"csrftoken", b"messages"), cookies),
    ),
    cut=st.integers(0, 120),
    posts=st.booleans(),
)
@example(spoiled={b"sessionid": rb'"\000\000\000\000\000\000\000\000\000"'}, cut=0, posts=False)
@examples(80)
def test_spoiled_cookies_make_a_stranger_of_their_owner(
    spoiled: dict[bytes, bytes], cut: int, posts: bool, rooms: Rooms, visitor: Visitor
) -> None:
    real = dict(
        pair.encode().split(b"=", 1) for pair in visitor.cookie_header().split("; ") if "=" in pair
    )
    near = {name: value[:cut] + b"x" + value[cut + 1 :] for name, value in real.items()}
    jar = b"; ".join(name + b"=" + value for name, value in {**near, **spoiled}.items())
    jar = jar.translate(None, b"\r\n\x00")
    room = new_room()
    with stays_calm(rooms):
        lines = [own_host(rooms), (b"Cookie", jar)]
        if posts:
            lines.append((b"Content-Length", b"9"))
        found = answer(
            rooms,
            request(
                b"POST" if posts else b"GET", f"/chat/{room}/".encode(), lines, b"message=x" * posts
            ),
        )
        assert found in ({403, 400} if posts else {200, 400})
        assert texts(rooms, room) == []
        assert handshake_with(rooms, room, jar) in {101, 400}


fields = st.one_of(strings, st.just("x" * 5000), st.just("one\r\ntwo"))
bodies = st.one_of(
    octets,
    st.builds(lambda name, value: name + b"=" + value, names, names),
    st.builds(lambda value: b"message=" + value, names),
    fields.map(lambda text: b"message=" + quote(text.encode(errors="surrogatepass")).encode()),
    st.lists(fields, max_size=3).map(lambda texts: multipart(texts)),
    st.builds(
        lambda texts, end: multipart(texts)[:end],
        st.lists(fields, min_size=1, max_size=2),
        st.integers(0, 200),
    ),
    st.just(b"&".join([b"a=b"] * 1100)),
    st.just(
        b'--edge\r\nContent-Disposition: form-data; name="message"; filename=a\r\n\r\nx\r\n--edge--'
    ),
)
kinds = st.one_of(
    st.just("application/x-www-form-urlencoded"),
    st.just("multipart/form-data; boundary=edge"),
    st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=edge",
            "multipart/form-data",
            "application/x-www-form-urlencoded; charset=utf-16",
            "application/x-www-form-urlencoded; charset=nonsense",
            "application/json",
            "text/plain",
            "",
            "multipart/form-data; boundary=" + "e" * 300,
        ]
    ),
)


@given(
    body=bodies,
    kind=kinds,
    page=st.sampled_from(["", "", "", "name/", "1/edit/", "1/delete/"]),
    htmx=st.booleans(),
)
@example(body=b"message=caf%E9", kind="application/x-www-form-urlencoded", page="", htmx=False)
@examples(120)
def test_a_form_is_taken_or_refused_and_what_is_refused_is_not_stored(
    body: bytes, kind: str, page: str, htmx: bool, rooms: Rooms, visitor: Visitor
) -> None:
    room = new_room()
    with stays_calm(rooms):
        found = visitor.send(
            f"/chat/{room}/", body, to=f"/chat/{room}/{page}", htmx=htmx, kind=kind
        )
        stored = page == "" and found.status_code == (200 if htmx else 303)
        kept = texts(rooms, room)
        assert len(kept) == int(stored), found.status_code
        if not stored and page != "name/":
            assert found.status_code in {400, 403, 404, 413}, found.status_code
        assert found.status_code < 500
        # As typed, and not with a sign in the place of what could not be read.
        typed = [body, unquote_to_bytes(body.replace(b"+", b" "))]
        assert all(
            any(text.encode() in one.replace(b"\r\n", b"\n") for one in typed) for text in kept
        )


def multipart(texts: list[str]) -> bytes:
    """Return a form of such messages, as a browser sends it with files."""
    head = b'--edge\r\nContent-Disposition: form-data; name="message"\r\n\r\n'
    parts = [head + text.encode(errors="surrogatepass") + b"\r\n" for text in texts]
    return b"".join(parts) + b"--edge--\r\n"


def own_host(rooms: Rooms) -> Header:
    """Return the header that names the server."""
    return b"Host", f"{HOST}:{rooms.port}".encode()


def texts(rooms: Rooms, room: str) -> list[str]:
    """Return what stands in a room's log."""
    frames: list[dict[str, Any]] = []
    with connect(f"{rooms.ws}/ws/chat/{room}/?after=0", proxy=None) as socket:
        while not frames or frames[-1]["type"] != "live":
            frames.append(json.loads(socket.recv(10)))
    return [frame["message"] for frame in frames if frame["type"] == "message.posted"]


def handshake_with(rooms: Rooms, room: str, jar: bytes) -> int | None:
    """Return the status of a handshake with these cookies."""
    return answer(rooms, handshake(rooms, room, (b"Cookie", jar)))
