import json
import os
from base64 import b64encode
from urllib.parse import quote, unquote

from hypothesis import example, given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from rooms.errors import InvalidRoom
from rooms.names import canonical_room
from tests.examples import examples
from tests.fuzz.calm import stays_calm
from tests.fuzz.strings import anything, naughty, strings, vectors
from tests.fuzz.wire import Header, answer, connected, frame, handshake, request, status
from tests.services import Rooms
from tests.services.ports import HOST
from tests.tool import new_room

octets = st.one_of(
    st.binary(max_size=60),
    strings.map(lambda text: text.encode(errors="surrogatepass")),
    st.sampled_from([b"x" * 3_000, b"\xff\xfe", b"a,b", b"a, ,b", b"a;b=c;b", b"=", b"13,13"]),
).map(lambda value: value.translate(None, b"\r\n\x00"))
spoiled = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(
                [
                    *(b"Sec-WebSocket-Key", b"Sec-WebSocket-Version", b"Sec-WebSocket-Protocol"),
                    *(b"Sec-WebSocket-Extensions", b"Sec-WebSocket-Accept", b"Upgrade", b"Host"),
                    *(b"Connection", b"Origin", b"Cookie", b"Content-Length", b"Daphne-Root-Path"),
                    *(b"X-Forwarded-For", b"X-Forwarded-Proto", b"User-Agent", b"Expect"),
                ]
            ),
            octets,
        ),
        st.one_of(
            octets,
            st.integers().map(lambda number: str(number).encode()),
            st.sampled_from(
                [
                    *(
                        b"websocket",
                        b"h2c",
                        b"Upgrade",
                        b"keep-alive",
                        b"permessage-deflate",
                        b"null",
                    ),
                    *(
                        b"permessage-deflate; client_max_window_bits=99",
                        b"http://[::1",
                        b"http://a:b",
                    ),
                    *(b"https://elsewhere.example", b"[::1]:99999", b"127.0.0.1:x", b"chunked"),
                ]
            ),
        ),
    ),
    min_size=1,
    max_size=3,
)
options = st.dictionaries(
    st.sampled_from(["after", "epoch", "events", "name", "q", "x"]),
    st.one_of(
        strings,
        st.integers().map(str),
        st.sampled_from(["0", "all", "posted,", "message.posted", "typing, room", "1e3", "٣", "²"]),
        st.integers(1, 3000).map(lambda digits: "9" * digits),
    ),
    max_size=4,
)


@given(more=spoiled, without=st.sets(st.sampled_from([b"Host", b"Upgrade", b"Connection"])))
@example(more=[(b"Sec-WebSocket-Protocol", b"\xff")], without=set())
@example(more=[(b"Sec-WebSocket-Protocol", b"%FF,%00,")], without=set())
@example(more=[(b"Host", b"[::1")], without={b"Host"})
@example(more=[(b"Origin", b"http://[::1")], without=set())
@examples(150)
def test_no_handshake_makes_the_server_stumble(
    more: list[Header], without: set[bytes], rooms: Rooms
) -> None:
    named = {name.lower() for name, _ in more} | {name.lower() for name in without}
    usual = [
        *((b"Host", f"{HOST}:{rooms.port}".encode()), (b"Upgrade", b"websocket")),
        *((b"Connection", b"Upgrade"), (b"Sec-WebSocket-Version", b"13")),
        (b"Sec-WebSocket-Key", b64encode(os.urandom(16))),
    ]
    lines = [line for line in usual if line[0].lower() not in named] + more
    with stays_calm(rooms):
        sent = request(b"GET", b"/ws/chat/lobby/", lines)
        found = answer(rooms, sent, 0.5)
    assert found is None or found < 500


@given(asked=options)
@example(asked={"after": "9" * 5000})
@example(asked={"name": "\ud800"})
@examples(150)
def test_any_options_are_followed_or_refused_with_a_reason(
    asked: dict[str, str], rooms: Rooms
) -> None:
    query = "&".join(
        f"{key}={quote(value.encode(errors='surrogatepass'))}" for key, value in asked.items()
    )
    with stays_calm(rooms), at(rooms, f"/ws/chat/{new_room()}/?{query}") as socket:
        try:
            socket.send(json.dumps({"message": "hello", "id": "one"}))
            kinds = []
            while "ack" not in kinds:
                kinds.append(json.loads(socket.recv(10))["type"])
            if "after" in asked:
                assert kinds[0] == "hello"
        except ConnectionClosed:
            assert socket.close_code in {4400, 4403}


@given(name=st.one_of(anything, naughty, vectors, st.text("aA_-éß①ﬃİ", max_size=70)))
@example(name="%")
@example(name="..")
@example(name="a/b")
@examples(120)
def test_a_room_is_one_of_the_same_name_for_sockets_and_pages_or_none(
    name: str, rooms: Rooms
) -> None:
    try:
        room = canonical_room(name)
    except InvalidRoom:
        room = ""
    path = quote(name.encode(errors="surrogatepass"), safe="")
    if not path or unquote(path) != name or path in {".", ".."}:
        return
    with stays_calm(rooms):
        target = f"/chat/{path}/".encode()
        page = answer(rooms, request(b"GET", target, [(b"Host", f"{HOST}:{rooms.port}".encode())]))
        try:
            with at(rooms, f"/ws/chat/{path}/?after=0") as socket:
                told = json.loads(socket.recv(10))["room"]
        except InvalidStatus as error:
            refused, told = error.response.status_code, ""
        else:
            refused = 0
    assert told == room
    assert refused == (0 if room else 403)
    assert page == (404 if not room else 200 if room == name else 301)


@given(early=st.lists(st.one_of(octets, st.just(frame(1, b'{"message": "early"}'))), max_size=3))
@examples(40)
def test_what_comes_with_the_handshake_breaks_its_own_socket_alone(
    early: list[bytes], rooms: Rooms
) -> None:
    with stays_calm(rooms), connected(rooms) as connection:
        connection.sendall(handshake(rooms, new_room()) + b"".join(early))
        assert status(connection) in {101, None}


def at(rooms: Rooms, address: str) -> ClientConnection:
    """Connect to an address, as it is written."""
    return connect(rooms.ws + address, proxy=None)
