"""What a process wrote itself is handed to its feeds, and read only where that is not all."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from rooms import database, doorbell, feeds, fragments, log, posting
from rooms.doorbell import bell
from rooms.models import Epoch
from rooms.names import group_name
from rooms.posting import writer
from tests.cast import Page, Tool, alice, bob, unhurried, until

__all__ = ["unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The spans of the log that were read."""
    asked: list[tuple[int, int]] = []
    after = log.after

    def watched(room_id: int, low: int, high: int) -> list[log.Entry]:
        asked.append((low, high))
        return after(room_id, low, high)

    monkeypatch.setattr(log, "after", watched)
    return asked


async def from_elsewhere(text: str) -> None:
    """Post as another process does, whose ring gets lost."""
    with pytest.MonkeyPatch.context() as far:
        far.setattr(doorbell, "ring", lambda *_: None)
        wishes = [log.Draft(bob, text)]
        await sync_to_async(writer.commit)("lobby", wishes)


async def room_id() -> int:
    found = (await database.read(log.head, "lobby")).room_id
    assert found is not None
    return found


def ring(seq: int, written: list[log.Entry]) -> dict[str, Any]:
    group = group_name("lobby")
    return {"type": "room.rang", "group": group, "room": "lobby", "seq": seq, "written": written}


async def test_what_was_written_here_is_told_without_being_read(
    reads: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "TICK_SECONDS", 60.0)  # it may be faster than the ring
    tool = await Tool().join()
    for text in ("one", "two"):
        await posting.apost_message("lobby", alice, text)
    await until(lambda: tool.said == ["one", "two"], 1)
    assert reads == []
    await tool.leave()


async def test_it_is_told_as_it_would_be_read() -> None:
    handed, head = await Tool().join(), await database.read(log.head, "lobby")
    page = await Page().join(0, head.epoch)
    await until(lambda: page.is_live)
    for author in (alice, alice, bob):
        await posting.apost_message("lobby", author, "see https://example.org/\n<now>", None)
    await until(lambda: len(handed.said) == 3 and "m3" in "".join(page.texts))
    handed_items = [item for item in fragments._kept.values() if item in "".join(page.texts)]
    fragments._kept.clear()
    read = await Tool().join(0)
    await until(lambda: len(read.said) == 3)
    assert read.entries == handed.entries
    newest = await database.read(log.page, (await database.read(log.head, "lobby")).room_id, 3)
    assert [fragments.message("lobby", one) for one in newest] == handed_items
    for reader in (handed, page, read):
        await reader.leave()


async def test_what_others_wrote_in_between_is_read(reads: list[tuple[int, int]]) -> None:
    tool = await Tool().join()
    await posting.apost_message("lobby", alice, "one")
    await until(lambda: tool.said == ["one"])
    await from_elsewhere("two")
    await posting.apost_message("lobby", alice, "three")
    await until(lambda: len(tool.said) == 3)
    assert tool.said == ["one", "two", "three"]
    assert reads == [(1, 3)]
    await tool.leave()


async def test_an_edit_among_the_posts_is_read(reads: list[tuple[int, int]]) -> None:
    tool = await Tool().join()
    first = await posting.apost_message("lobby", alice, "one")
    await asyncio.gather(
        posting.apost_message("lobby", alice, "two"),
        posting.aedit_message("lobby", alice, first.message_id, "uno"),
    )
    await until(lambda: len(tool.entries) == 3)
    assert tool.state == {1: "uno", 2: "two"}
    await tool.leave()


async def test_what_was_written_in_another_history_is_forgotten() -> None:
    tool = await Tool().join()
    first = await posting.apost_message("lobby", alice, "one")
    await until(lambda: tool.said == ["one"])
    # An entry that never came about here, beyond a gap.
    ghost = log.Entry(
        3, "posted", (await database.read(log.after, await room_id(), 0, 1))[0].message
    )
    tool.subscriber.feed._hear(ring(2, [ghost]))
    await Epoch.objects.aupdate(word="restored")
    await until(lambda: tool.is_over)
    tool = await Tool().join(first.seq)
    await from_elsewhere("two")
    await until(lambda: tool.said == ["two"])
    await from_elsewhere("three")
    await until(lambda: len(tool.said) == 2)
    assert tool.said == ["two", "three"]
    await tool.leave()


async def test_nothing_is_kept_for_a_feed_that_has_gone_past_it() -> None:
    tool = await Tool().join()
    for text in ("one", "two"):
        await posting.apost_message("lobby", alice, text)
    await until(lambda: len(tool.said) == 2)
    [entry] = await database.read(log.after, await room_id(), 0, 1)
    tool.subscriber.feed._hear(ring(1, [entry]))
    assert tool.subscriber.feed._written == {}
    await tool.leave()


async def test_nothing_is_kept_that_is_told_while_it_is_being_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tool = await Tool().join()
    feed = tool.subscriber.feed
    await posting.apost_message("lobby", alice, "one")
    await until(lambda: tool.said == ["one"])
    await from_elsewhere("two")
    loop, after = bell().loop, log.after

    def watched(room_id: int, low: int, high: int) -> list[log.Entry]:
        found = after(room_id, low, high)
        loop.call_soon_threadsafe(feed._hear, ring(2, found))
        return found

    monkeypatch.setattr(log, "after", watched)
    feed.reach(2)
    await until(lambda: tool.said == ["one", "two"])
    assert feed._written == {}
    await tool.leave()


async def test_the_layer_is_told_the_number_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    async def send(group: str, news: dict[str, Any]) -> None:
        sent.append(news)

    monkeypatch.setattr(bell(), "_is_alone", False)
    monkeypatch.setattr(bell()._layer, "group_send", send)
    await posting.apost_message("lobby", alice, "one")
    await until(lambda: sent)
    assert {*sent[0]} == {"type", "group", "room", "seq", "from"}
