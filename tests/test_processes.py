"""Several processes on one Redis and one PostgreSQL are one chat."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from rooms import feeds
from tests.services import Postgres, Redis, Rooms

pytestmark = pytest.mark.services

SHELL = """
from rooms import posting
from rooms.authors import Author
posting.post_message("lobby", Author("guest:shell", "shell"), {text!r})
"""
SPEAKER = """
import time
from rooms import posting
from rooms.authors import Author
for n in range(5):
    posting.post_message("lobby", Author("guest:shell", "shell"), f"from the shell {n}")
    print(time.time())
    time.sleep(0.3)
"""
WRITER = """
from rooms import posting
from rooms.authors import Author
me = Author("guest:{n}", "writer-{n}")
for m in range(40):
    receipt = posting.post_message("race", me, f"{n}/{{m}}", str(m))
    if m % 4 == 3:
        posting.edit_message("race", me, receipt.message_id, f"{n}/{{m}} edited")
"""
READER = """
import json, time
from rooms import log
cursor, seen, until = 0, [], time.monotonic() + 60
while len([1 for _, kind, _ in seen if kind == "posted"]) < 120 and time.monotonic() < until:
    head = log.head("race")
    found = log.after(head.room_id, cursor, head.seq) if head.room_id else []
    seen += [(e.seq, e.kind, e.message.number) for e in found]
    cursor = head.seq
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    """A Redis that may be killed."""
    with Redis() as server:
        yield server


@pytest.fixture(scope="module")
def pair(
    postgres: Postgres, own_redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Rooms, Rooms]]:
    """Two processes of one chat."""
    common: dict[str, Any] = {
        "database_url": postgres.database(),
        "redis_url": own_redis.url,
        "data_dir": Path(tmp_path_factory.mktemp("data")),
        "env": {"POST_RATE": "off"},
    }
    with Rooms(**common) as first, Rooms(**common) as second:
        yield first, second


def tool(server: Rooms, options: str = "") -> ClientConnection:
    return connect(f"{server.ws}/ws/chat/lobby/{options}", proxy=None)


def resumed(server: Rooms, cursor: int) -> tuple[list[dict[str, Any]], int]:
    """What comes after a cursor, and where it goes live."""
    with tool(server, f"?after={cursor}&events=all") as socket:
        found: list[dict[str, Any]] = []
        while True:
            frame = json.loads(socket.recv(5))
            if frame["type"] == "live":
                return found, frame["seq"]
            found.append(frame)


def say(socket: ClientConnection, text: str) -> None:
    socket.send(json.dumps({"message": text}))


def hears(socket: ClientConnection, text: str, seconds: float) -> float:
    """Return after how many seconds the socket hears the text; TimeoutError if too late."""
    started = time.monotonic()
    while True:
        left = seconds - (time.monotonic() - started)
        frame = json.loads(socket.recv(max(left, 0.001)))
        if frame.get("message") == text:
            return time.monotonic() - started


def joined(*sockets: ClientConnection) -> None:
    """Wait until everything that one says is heard by all at once (memberships are added)."""
    for n in range(20):
        say(sockets[0], f"warm {n}")
        if max(hears(socket, f"warm {n}", 5) for socket in sockets) < 0.3:
            return
    raise AssertionError("rings never cross")


def test_two_processes_are_one_chat(pair: tuple[Rooms, Rooms]) -> None:
    with tool(pair[0]) as one, tool(pair[1]) as other:
        joined(one, other)
        took = []
        for n in range(20):
            say(one, f"from one {n}")
            took.append(hears(other, f"from one {n}", 0.9))
            say(other, f"from other {n}")
            took.append(hears(one, f"from other {n}", 0.9))
        # By the tick alone it would be half a second.
        assert median(took) < feeds.TICK_SECONDS / 4


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_without_redis_the_chat_goes_on_and_nothing_needs_a_restart(
    pair: tuple[Rooms, Rooms], own_redis: Redis, how: str
) -> None:
    with tool(pair[0]) as one, tool(pair[1]) as other:
        joined(one, other)
        if how == "killed":
            own_redis.kill()
        else:
            own_redis.freeze()
        try:
            for n in range(5):
                say(one, f"{how} {n}")
                assert hears(one, f"{how} {n}", 1) < 1
                assert hears(other, f"{how} {n}", 4) < 4
        finally:
            if how == "killed":
                own_redis.start()
            else:
                own_redis.thaw()
        joined(one, other)
        joined(other, one)


def test_a_post_in_the_shell_is_heard_at_once(pair: tuple[Rooms, Rooms]) -> None:
    server = pair[0]
    with tool(server) as one, ThreadPoolExecutor() as beside:
        joined(one)
        shell = beside.submit(server.manage, "shell", "--no-imports", stdin=SPEAKER)
        heard = []
        for n in range(5):
            hears(one, f"from the shell {n}", 30)
            heard.append(time.time())
        said = map(float, shell.result().split())
        took = [late - early for early, late in zip(said, heard, strict=True)]
        assert median(took) < feeds.TICK_SECONDS / 4
        assert max(took) < 0.5


def test_a_post_in_the_shell_without_redis_is_heard_within_two_ticks() -> None:
    with Rooms() as server, tool(server) as one:
        server.manage("shell", "--no-imports", stdin=SHELL.format(text="from the shell"))
        assert hears(one, "from the shell", 4) < 4


def people(socket: ClientConnection, names: int, seconds: float) -> float:
    """Return after how many seconds the socket hears of so many people."""
    started = time.monotonic()
    while True:
        left = seconds - (time.monotonic() - started)
        frame = json.loads(socket.recv(max(left, 0.001)))
        if frame["type"] == "presence.changed" and frame["count"] == names:
            return time.monotonic() - started


def test_presence_counts_across_processes_and_a_killed_one_s_people_are_gone(
    pair: tuple[Rooms, Rooms],
) -> None:
    first, second = pair
    with tool(first, "?name=alice&events=all") as alice:
        people(alice, 1, 10)
        with tool(second, "?name=bob") as bob, tool(second, "?name=carol"):
            people(alice, 3, 10)
            say(bob, "before the crash")
            hears(alice, "before the crash", 5)
            cursor = resumed(second, 0)[1]
            second.kill()
            gone = people(alice, 1, 30)
            assert gone < 30
        # Meanwhile life goes on; who was on the killed one resumes exactly there.
        for n in range(3):
            say(alice, f"meanwhile {n}")
            hears(alice, f"meanwhile {n}", 5)
        second.start()
        frames, _ = resumed(second, cursor)
        missed = [frame["message"] for frame in frames if frame["type"] == "message.posted"]
        assert missed == ["meanwhile 0", "meanwhile 1", "meanwhile 2"]


def test_processes_that_write_at_once_leave_no_gap_and_nothing_appears_behind_a_reader(
    pair: tuple[Rooms, Rooms],
) -> None:
    server = pair[0]
    with ThreadPoolExecutor() as beside:
        reader = beside.submit(server.manage, "shell", "--no-imports", stdin=READER)
        writers = [
            beside.submit(server.manage, "shell", "--no-imports", stdin=WRITER.format(n=n))
            for n in range(3)
        ]
        for writer in writers:
            writer.result()
        seen = json.loads(reader.result())
    seqs = [seq for seq, _, _ in seen]
    assert seqs == sorted(set(seqs))
    assert [number for _, kind, number in seen if kind == "posted"] == list(range(1, 121))
