"""What is kept of a room's page, and when it is not shown any more."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rooms import backups, database, log, newest, posting
from rooms.models import Room
from tests.cast import alice, unhurried

__all__ = ["unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "_kept", {})
    monkeypatch.setattr(newest, "_size", 0)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The rooms whose messages are read."""
    found: list[int | None] = []
    page = log.page

    def counted(room_id: int | None, head: int) -> object:
        found.append(room_id)
        return page(room_id, head)

    monkeypatch.setattr(log, "page", counted)
    return found


async def say(text: str, room: str = "lobby") -> log.Receipt:
    return await posting.apost_message(room, alice, text)


async def shown(room: str = "lobby") -> str:
    return (await newest.newest(room)).items


async def test_while_a_room_rests_its_messages_are_read_once(reads: list[int | None]) -> None:
    await say("one")
    first = await newest.newest("lobby")
    await say("elsewhere", "other")
    assert await newest.newest("lobby") == first
    assert first.head == await database.read(log.head, "lobby")
    assert "one" in first.items
    assert len(reads) == 1


async def _post(_: log.Receipt) -> None:
    await say("news")


async def _edit(posted: log.Receipt) -> None:
    await posting.aedit_message("lobby", alice, posted.message_id, "news")


async def _delete(posted: log.Receipt) -> None:
    await posting.adelete_message("lobby", alice, posted.message_id)


@pytest.mark.parametrize(
    ("happens", "fresh"), [(_post, "news"), (_edit, "news"), (_delete, "deleted")]
)
async def test_what_happens_shows_at_once(
    happens: Callable[[log.Receipt], Awaitable[None]], fresh: str
) -> None:
    posted = await say("one")
    assert fresh not in await shown()
    await happens(posted)
    assert fresh in await shown()


async def test_a_restore_shows_although_the_room_has_come_as_far_again(tmp_path: Path) -> None:
    await say("kept")
    await database.read(backups.take, tmp_path / "backup")
    await say("lost")
    before = await newest.newest("lobby")
    assert "lost" in before.items
    await database.read(backups.restore, tmp_path / "backup")
    await say("other")
    after = await newest.newest("lobby")
    assert after.head.seq == before.head.seq
    assert "other" in after.items
    assert "lost" not in after.items


async def test_a_topic_shows_at_once() -> None:
    await say("one")
    await newest.newest("lobby")
    await Room.objects.filter(name="lobby").aupdate(topic="the weather")
    assert (await newest.newest("lobby")).head.topic == "the weather"


async def test_of_a_room_that_is_not_there_nothing_is_kept() -> None:
    assert "<li" not in await shown("nowhere")
    assert newest._kept == {}


async def test_what_is_kept_is_bounded_and_the_room_asked_for_longest_ago_goes_first(
    monkeypatch: pytest.MonkeyPatch, reads: list[int | None]
) -> None:
    for room in ("one", "two", "six"):
        await say("hello", room)
    size = len(await shown("one"))
    monkeypatch.setattr(newest, "KEPT", 2 * size + 10)
    for room in ("two", "one", "six", "one"):
        await shown(room)
    assert list(newest._kept) == ["six", "one"]
    assert newest._size == sum(len(kept.items) for kept in newest._kept.values()) <= newest.KEPT
    assert len(reads) == 3
