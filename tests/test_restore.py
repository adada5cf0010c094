"""A backup is taken while people talk, and restored while they listen."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rooms import backups, database, log
from rooms.models import Message, Room
from tests.services import Rooms
from tests.tool import Frame, Tool, new_room, tool

_UNHURRIED = {"POST_RATE": "off"}


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)]
)
def rooms(request: pytest.FixtureRequest) -> Iterator[Rooms]:
    """A server on either store."""
    url = None
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").database()
    with Rooms(database_url=url, env=_UNHURRIED) as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "rooms.backup")


class _Writer:
    """Posts, edits and deletes until told to stop, and notes how long an answer takes."""

    def __init__(self, alice: Tool) -> None:
        self.alice = alice
        self.slowest = 0.0
        self.count = 0
        self.enough = asyncio.Event()

    async def write(self) -> None:
        clock = asyncio.get_running_loop()
        while not self.enough.is_set():
            began = clock.time()
            posted = await self.alice.post(f"text {self.count}")
            self.slowest = max(self.slowest, clock.time() - began)
            self.count += 1
            if self.count % 3 == 0:
                await self.alice.send(
                    type="edit", message_id=posted["message_id"], message=f"edited {self.count}"
                )
                await self.alice.until("message.changed", message_id=posted["message_id"])
            if self.count % 5 == 0:
                await self.alice.send(type="delete", message_id=posted["message_id"])
                await self.alice.until("message.deleted", message_id=posted["message_id"])


@pytest.mark.django_db(transaction=True)
async def test_a_copy_taken_under_load_is_of_one_moment_and_delays_nobody(
    rooms: Rooms, path: str
) -> None:
    async with (
        tool(rooms, new_room(), name="alice", events="all") as alice,
        tool(rooms, new_room(), name="bob", events="all") as bob,
    ):
        writers = [_Writer(alice), _Writer(bob)]
        writing = asyncio.gather(*(writer.write() for writer in writers))
        await _until(lambda: all(writer.count > 20 for writer in writers))
        before = [writer.count for writer in writers]
        await asyncio.to_thread(rooms.manage, "backup", path)
        during = [writer.count for writer in writers]
        for writer in writers:
            writer.enough.set()
        await writing
    assert all(then > was for was, then in zip(before, during, strict=True)), "no load"
    assert max(writer.slowest for writer in writers) < 2
    await database.read(_restored_here_it_is_a_log, path, sum(before))


def _restored_here_it_is_a_log(path: str, least: int) -> None:
    backups.restore(Path(path))
    rooms = list(Room.objects.all())
    assert Message.objects.filter(room__in=rooms).count() == Message.objects.count() >= least
    for room in rooms:
        rows = Message.objects.filter(room=room).order_by("number")
        assert [row.number for row in rows] == list(range(1, room.number + 1))
        assert max(row.seq for row in rows) == room.seq
        assert log.after(room.pk, 0, room.seq)[-1].seq == room.seq


async def test_who_listens_is_told_and_goes_on_from_where_the_copy_ends(
    rooms: Rooms, path: str
) -> None:
    room = new_room()
    async with (
        tool(rooms, room, after=0, name="alice", events="posted") as alice,
        tool(rooms, room, name="bob") as bob,
    ):
        epoch = (await alice.until("hello"))["epoch"]
        kept = await alice.post("kept")
        known = await _post_once(bob, "known", "c-1")
        await asyncio.to_thread(rooms.manage, "backup", path)
        lost = await alice.post("lost")
        await _post_once(bob, "lost too", "c-2")
        await alice.until("message.posted", message="lost too")
        await asyncio.to_thread(rooms.manage, "restore", path)

        told = await alice.all_until("live")
        reset = next(frame for frame in told if frame["type"] == "reset")
        assert told[-1]["seq"] == reset["head"] == known["seq"]
        assert reset["epoch"] != epoch
        assert reset["reason"]
        assert await bob.closed() == 4012, "one who cannot be told of a gap must not have one"

        async with tool(rooms, room, name="bob") as back:
            again = await _post_once(back, "known", "c-1")
            assert again == {**known, "duplicate": True}
            fresh = await _post_once(back, "another text", "c-2")
        assert (fresh["seq"], fresh["duplicate"]) == (lost["seq"], False)
        assert fresh["message_id"] > lost["message_id"]
        posted = await alice.until("message.posted", message="another text")
        assert (posted["seq"], posted["number"]) == (3, 3)
        assert (await alice.post("on it goes"))["number"] == 4

    # Who was away meanwhile.
    async with tool(rooms, room, after=lost["seq"], epoch=epoch) as carol:
        told = await carol.all_until("live")
        assert [frame["type"] for frame in told] == ["hello", "reset", "live"]
        assert told[-1]["seq"] == 4
    async with tool(rooms, room, after=kept["seq"], epoch=reset["epoch"]) as carol:
        told = await carol.all_until("live")
        assert [frame.get("message") for frame in told[1:-1]] == [
            "known",
            "another text",
            "on it goes",
        ]


async def test_a_room_that_is_not_in_the_copy_is_empty_again(rooms: Rooms, path: str) -> None:
    room = new_room()
    await asyncio.to_thread(rooms.manage, "backup", path)
    async with tool(rooms, room, after=0, name="alice") as alice:
        await alice.until("live")
        await alice.post("lost")
        await asyncio.to_thread(rooms.manage, "restore", path)
        assert (await alice.until("reset"))["head"] == 0
        assert (await alice.until("live"))["seq"] == 0
        assert (await alice.post("the first"))["seq"] == 1


async def test_who_posts_while_it_is_restored_is_answered(rooms: Rooms, path: str) -> None:
    room = new_room()
    async with tool(rooms, room, after=0, name="alice", events="all") as alice:
        await alice.post("kept")
        await asyncio.to_thread(rooms.manage, "backup", path)
        restoring = asyncio.create_task(asyncio.to_thread(rooms.manage, "restore", path))
        count = 0
        while not restoring.done():
            count += 1
            await _post_once(alice, f"text {count}", f"c-{count}")
        await restoring
        await _post_once(alice, "the last", "c-last")
    async with tool(rooms, room, after=0, events="all") as bob:
        numbers = [f["number"] for f in await bob.all_until("live") if "number" in f]
    assert numbers == list(range(1, len(numbers) + 1))
    assert count > 1, "for this test to mean anything"


@pytest.mark.services
async def test_every_process_tells_its_own_readers(postgres_url: str, path: str) -> None:
    room = new_room()
    with (
        Rooms(database_url=postgres_url, env=_UNHURRIED) as one,
        Rooms(database_url=postgres_url, env=_UNHURRIED, data_dir=one.data_dir) as other,
    ):
        async with (
            tool(one, room, after=0, name="alice") as alice,
            tool(other, room, after=0, name="bob") as bob,
        ):
            await alice.post("kept")
            await asyncio.to_thread(one.manage, "backup", path)
            await alice.post("lost")
            await bob.until("message.posted", message="lost")
            await asyncio.to_thread(one.manage, "restore", path)
            for reader in (alice, bob):
                assert (await reader.until("reset"))["head"] == 1
                assert (await reader.until("live"))["seq"] == 1
            assert (await bob.post("after it"))["seq"] == 2
            assert (await alice.until("message.posted", message="after it"))["number"] == 2
        for server in (one, other):
            assert "Traceback" not in server.log()


@pytest.mark.services
def test_a_chat_moves_from_sqlite_to_postgres_and_back(postgres_url: str, path: str) -> None:
    # One secret key: what was posted is known again by a keyed digest.
    with Rooms() as old, Rooms(database_url=postgres_url, data_dir=old.data_dir) as new:
        _manage(old, _TALK)
        before = _manage(old, _ALL)
        old.manage("backup", path)
        new.manage("restore", path)
        assert _manage(new, _ALL) == before
        assert int(_manage(new, _POST)) == 4
        after = _manage(new, _ALL)
        new.manage("backup", path)
        old.manage("restore", path)
        assert _manage(old, _ALL) == after
        assert int(_manage(old, _POST)) == 5


_TALK = """
from django.contrib.auth.models import Group, Permission
from rooms import authors, posting
from rooms.models import User
erin = User.objects.create_user("erin", password="a password of hers")
group = Group.objects.create(name="editors")
group.permissions.add(Permission.objects.get(codename="change_room"))
erin.groups.add(group)
me = authors.member(erin)
ids = [posting.post_message("lobby", me, f"text {n} \\u2028 \\U0001f600", str(n)) for n in range(3)]
posting.edit_message("lobby", me, ids[0].message_id, "edited")
posting.delete_message("lobby", me, ids[1].message_id)
"""
_ALL = """
from django.contrib.auth.models import Group
from rooms.models import Message, Room, User
rows = [[model.__name__, *sorted((k, bytes(v) if isinstance(v, memoryview) else v)
    for k, v in row.items())] for model in (Room, Message, User)
    for row in model.objects.order_by("pk").values()]
named = [(g.name, [p.codename for p in g.permissions.all()],
    [u.username for u in g.user_set.all()]) for g in Group.objects.all()]
print(rows, named)
"""
_POST = """
from rooms import authors, posting
from rooms.models import User
User.objects.create_user(f"erin{User.objects.count()}")
erin = authors.member(User.objects.get(username="erin"))
assert posting.post_message("lobby", erin, "text 2 \\u2028 \\U0001f600", "2").number == 3
print(posting.post_message("lobby", erin, "on it goes").number)
"""


def _manage(server: Rooms, script: str) -> str:
    return server.manage("shell", "--no-imports", stdin=script).strip()


async def _post_once(sender: Tool, text: str, client_id: str) -> Frame:
    """Post with an id, again and again while it is refused as unavailable."""
    while True:
        await sender.send(message=text, id=client_id)
        while (answer := await sender.next()).get("id") != client_id:
            pass
        if answer["type"] == "ack":
            return answer
        assert answer["code"] == "unavailable"
        await asyncio.sleep(0.1)


async def _until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (the writers have no event for it)
            await asyncio.sleep(0.01)
