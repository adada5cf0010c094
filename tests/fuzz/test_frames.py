import json
import secrets
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.examples import examples
from tests.fuzz.calm import stays_calm
from tests.fuzz.strings import anything, naughty, strings
from tests.fuzz.wire import connected, frame, handshake, status
from tests.services import Rooms
from tests.tool import new_room

# What protocol.md says of a frame that a tool sent.
CODES = {
    *("invalid_json", "invalid_frame", "invalid_text", "empty_message", "message_too_long"),
    *("id_conflict", "not_found", "forbidden"),
}
BIG = 65_536
SECONDS = 10

numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(),
    st.sampled_from([2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400]),
    st.floats(),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, strings)
values = st.recursive(
    scalars,
    lambda below: st.one_of(
        st.lists(below, max_size=4), st.dictionaries(strings, below, max_size=4)
    ),
    max_leaves=12,
)
ids = st.sampled_from(["a", "b", "x" * 64, "x" * 65, "", "\x00", "\ud800", "é"])
near = st.fixed_dictionaries(
    {},
    optional={
        "type": st.one_of(
            st.sampled_from(["edit", "delete", "typing", "react", "post", "message.posted"]), values
        ),
        "message": st.one_of(strings, strings, values),
        "message_id": st.one_of(st.integers(0, 20), values),
        "id": st.one_of(ids, ids, values),
        "emoji": values,
        "on": values,
        "room": values,
        "seq": values,
    },
)
raw = st.one_of(
    anything.map(lambda text: text.encode(errors="ignore").decode()),
    naughty,
    st.sampled_from(
        [
            '{"message": "one", "message": "two"}',
            '{"message": "one", "id": "a", "id": 1}',
            '{"type": "edit", "type": "delete", "message_id": 1e400}',
            '{"message_id": NaN, "type": "delete"}',
            '{"message": Infinity}',
            '\ufeff{"message": "one"}',
            '{"message": "one"} {"message": "two"}',
            '{"message": "\\ud83d"}',
            '{"\\u0000": 1, "message": "\\u0000"}',
            "{'message': 'one'}",
            '{"message": "one",}',
            "",
            " ",
            "null",
        ]
    ),
)
texts = st.one_of(near.map(json.dumps), near.map(json.dumps), values.map(json.dumps), raw)


@given(sent=st.lists(st.one_of(texts, st.binary(max_size=200)), min_size=1, max_size=8))
@examples(150)
def test_a_tool_s_socket_survives_any_frames(sent: list[str | bytes], rooms: Rooms) -> None:
    room = new_room()
    with stays_calm(rooms), tool(rooms, room) as socket:
        for one in sent:
            socket.send(one)
        heard = last_word(socket)
        refused = [frame["code"] for frame in heard if frame["type"] == "error"]
        posted = [frame for frame in heard if frame["type"] == "message.posted"]
        acks = [frame for frame in heard if frame["type"] == "ack"]
        assert set(refused) <= CODES
        assert len(heard) == len(refused) + len(posted) + len(acks)
        # Nothing was stored but what was heard, and nothing is left unanswered.
        assert [frame["number"] for frame in posted] == list(range(1, len(posted) + 1))
        silent = [one for one in sent if isinstance(one, str) and says_nothing(one)]
        repeated = [ack for ack in acks if ack["duplicate"]]
        answered = len(refused) + len(posted) - 1 + len(repeated)
        assert len(sent) - len(silent) <= answered <= len(sent)


@given(size=st.integers(BIG - 30, BIG + 30), kind=st.sampled_from(["text", "bytes"]))
@example(size=300_000, kind="text")
@example(size=1_048_576, kind="text")
@example(size=1_100_000, kind="bytes")
@examples(15)
def test_a_frame_above_the_limit_and_no_other_closes_the_socket(
    size: int, kind: str, rooms: Rooms
) -> None:
    with stays_calm(rooms), tool(rooms, new_room()) as socket:
        socket.send("x" * size if kind == "text" else b"x" * size)
        if size <= BIG:
            assert last_word(socket)[0]["type"] == "error"
        else:
            with pytest.raises(ConnectionClosed):
                socket.recv(SECONDS)
            assert socket.close_code == 1009


@given(unit=st.text(min_size=1, max_size=3), times=st.integers(1, 5_000))
@examples(20)
def test_a_long_message_is_posted_or_refused(unit: str, times: int, rooms: Rooms) -> None:
    sent = json.dumps({"message": unit * times})
    assume(len(sent) <= BIG)
    with stays_calm(rooms), tool(rooms, new_room()) as socket:
        socket.send(sent)
        first = next(frame for frame in last_word(socket) if frame["type"] != "ack")
        assert first.get("code") in CODES or first["message"] == (unit * times).replace(
            "\r\n", "\n"
        )


@given(
    shape=st.sampled_from(["[", '{"a":', "[[]", "9", '{"message_id":9', '"', "\ufeff", "\\u0000"]),
    times=st.integers(1, BIG),
    end=st.sampled_from(["", "]", "}", '"']),
)
@example(shape="[", times=3000, end="]")
@examples(40)
def test_a_deep_or_endless_frame_is_refused(shape: str, times: int, end: str, rooms: Rooms) -> None:
    most = BIG // (len(shape.encode()) + len(end))
    sent = shape * min(times, most) + end * min(times, most)
    with stays_calm(rooms), tool(rooms, new_room()) as socket:
        socket.send(sent)
        assert last_word(socket)[0]["code"] in CODES


@given(
    first=st.one_of(
        st.just({"page": "fuzz", "acked": "0", "after": "0"}),
        near,
        st.fixed_dictionaries(
            {"page": values, "acked": values, "after": st.one_of(values, st.just("0.epoch"))}
        ),
    ),
    sent=st.lists(
        st.one_of(
            texts,
            st.fixed_dictionaries(
                {},
                optional={
                    "page": strings,
                    "acked": st.one_of(st.integers(0, 9).map(str), values),
                    "after": values,
                    "message": st.one_of(strings, st.lists(strings, max_size=4), values),
                    "unseen": values,
                    "looking": st.one_of(st.sampled_from(["on", "off"]), values),
                    "typing": values,
                    "HEADERS": values,
                },
            ).map(json.dumps),
        ),
        max_size=5,
    ),
)
@examples(100)
def test_the_page_s_socket_works_or_is_closed_with_a_reason(
    first: dict[str, Any], sent: list[str], rooms: Rooms
) -> None:
    room = new_room()
    with stays_calm(rooms), connect(f"{rooms.ws}/ws/chat/{room}/html/", proxy=None) as socket:
        try:
            for one in (json.dumps(first), *sent):
                socket.send(one)
            socket.send(json.dumps({"looking": "off"}))
            socket.send(json.dumps({"looking": "on"}))
            while 'id="unseen"' not in socket.recv(SECONDS):
                pass
        except ConnectionClosed:
            assert socket.close_code in {4400, 1009}


opcodes = st.integers(0, 15)
chunks = st.builds(
    frame,
    opcodes,
    st.one_of(st.binary(max_size=130), texts.map(str.encode), st.just(b"x" * 70_000)),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 0, 1, 4, 7]),
    mask=st.sampled_from([True, True, True, False]),
)


@given(sent=st.lists(st.one_of(chunks, st.binary(max_size=40)), min_size=1, max_size=8))
@example(sent=[frame(1, b"\xff\xfe{")])
@example(sent=[frame(1, b'{"message": "\xed\xa0\x80"}')])
@example(sent=[frame(1, b'{"mess', fin=False), frame(9, b"ping"), frame(0, b'age": "one"}')])
@example(sent=[frame(8, b""), frame(1, b'{"message": "after the close"}')])
@example(sent=[frame(8, b"\x03"), frame(8, b"\x00\x00"), frame(8, b"\xff\xff")])
@example(sent=[frame(9, b"x" * 126), frame(10, b"x" * 200)])
@example(sent=[b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"])
@examples(100)
def test_bytes_that_are_no_frames_break_their_own_socket_alone(
    sent: list[bytes], rooms: Rooms
) -> None:
    room = new_room()
    with stays_calm(rooms), tool(rooms, room) as witness:
        with connected(rooms) as connection:
            connection.sendall(handshake(rooms, room))
            assert status(connection) == 101
            for one in sent:
                try:
                    connection.sendall(one)
                except OSError:
                    break
        last_word(witness)


def tool(rooms: Rooms, room: str) -> ClientConnection:
    """Connect a tool, which hears everything that happens in the log."""
    return connect(f"{rooms.ws}/ws/chat/{room}/", proxy=None, max_size=None)


def last_word(socket: ClientConnection) -> list[dict[str, Any]]:
    """Post a word; return all that was heard until it came back acknowledged."""
    word = secrets.token_hex(8)
    socket.send(json.dumps({"message": word, "id": word}))
    heard: list[dict[str, Any]] = []
    wanted = {"ack", "message.posted"}
    while wanted:
        one = json.loads(socket.recv(SECONDS))
        heard.append(one)
        if word in (one.get("id"), one.get("message")):
            wanted.discard(one["type"])
    return heard


def says_nothing(text: str) -> bool:
    """Whether a frame is of a type that is carried out without an answer."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(frame, dict) and frame.get("type") in ("edit", "delete", "typing")
