import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from rooms import database, feeds, fragments, frames, log, posting
from rooms.batches import Batch
from rooms.doorbell import bell
from rooms.models import Epoch
from rooms.names import group_name
from rooms.subscribers import subscriber
from tests.cast import Page, Tool, alice, bob, both_ways, deaf, say, unhurried, until

__all__ = ["both_ways", "deaf", "unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)


def ring(seq: int) -> None:
    bell().ring({"type": "room.rang", "group": group_name("lobby"), "room": "lobby", "seq": seq})


# The bell and the tick


async def test_a_post_reaches_a_reader_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "TICK_SECONDS", 60.0)
    tool = await Tool().join()
    await say("one", "two")
    await until(lambda: tool.said == ["one", "two"], 1)
    await tool.leave()


@pytest.mark.usefixtures("deaf")
async def test_a_lost_ring_is_healed_by_the_tick() -> None:
    tool = await Tool().join()
    await say("one")
    await until(lambda: tool.said == ["one"], 2)
    await tool.leave()


def test_two_ticks_are_what_is_promised() -> None:
    assert 2 * feeds.TICK_SECONDS <= 2


@pytest.mark.usefixtures("deaf")
async def test_doubled_and_disordered_rings_are_harmless() -> None:
    tool = await Tool().join()
    await say("one", "two", "three")
    for seq in (2, 1, 3, 3, 1):
        ring(seq)
        await asyncio.sleep(0.01)
    await until(lambda: len(tool.said) == 3)
    await asyncio.sleep(0.05)
    assert tool.said == ["one", "two", "three"]
    await tool.leave()


async def test_an_answer_that_a_ring_has_overtaken_resets_nothing() -> None:
    tool = await Tool().join(0)
    feed = tool.subscriber.feed
    asked = feed.head.seq
    await say("one", "two")
    await until(lambda: feed.head.seq == 2)
    feed.find(1, feed.head.epoch, asked)
    assert feed.head.seq == 2
    assert tool.of("reset") == []
    await tool.leave()


async def test_a_room_opened_under_the_tick_is_not_reset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.02)
    await say("one")
    await posting.apost_message("den", alice, "one")
    asking, go_on = asyncio.Event(), asyncio.Event()
    read = database.read

    async def slow(question: Any, *args: Any) -> Any:
        answer = await read(question, *args)
        if question is log.heads:
            asking.set()
            await go_on.wait()
        return answer

    monkeypatch.setattr(database, "read", slow)
    den = await Tool("den").join(0)
    await asking.wait()
    lobby = await Tool().join(0)
    await until(lambda: lobby.of("live"))
    go_on.set()
    await asyncio.sleep(0.1)
    assert lobby.of("reset") == [] == den.of("reset")
    await lobby.leave()
    await den.leave()


@pytest.mark.usefixtures("deaf")
async def test_a_restore_is_not_missed_while_a_new_room_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "TICK_SECONDS", 60.0)
    tool = await Tool().join(0)
    await until(lambda: tool.is_live)
    room, read = tool.subscriber.feed, database.read

    async def meanwhile(question: Callable[..., Any], *args: Any) -> Any:
        answer = await read(question, *args)
        if question is log.head and room.head.epoch != "restored":
            await Epoch.objects.aupdate(word="restored")
            room.find(1, "restored", 0)
            ring(1)
        return answer

    await say("one")
    monkeypatch.setattr(database, "read", meanwhile)
    ring(1)
    await until(lambda: tool.of("reset"))
    await until(lambda: tool.is_live)
    assert (room.head.seq, room.head.epoch) == (1, "restored")
    await tool.leave()


async def test_a_room_that_does_not_exist_yet_can_be_watched() -> None:
    tool = await Tool().join(0)
    await say("first")
    await until(lambda: tool.said == ["first"])
    assert tool.of("hello")[0]["head"] == 0
    await tool.leave()


# Once for all


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the log."""
    asked: list[str] = []

    def watched(name: str) -> Callable[..., Any]:
        question = getattr(log, name)

        def ask(*args: Any) -> Any:
            asked.append(name)
            return question(*args)

        return ask

    for name in ("after", "page"):
        monkeypatch.setattr(log, name, watched(name))
    return asked


@pytest.mark.parametrize("together", [True, False], ids=["at once", "one after the other"])
async def test_a_storm_of_readers_at_one_cursor_reads_the_log_once(
    reads: list[str], together: bool
) -> None:
    await say(*(str(n) for n in range(10)))
    tools = [Tool() for _ in range(50)]
    if together:
        await asyncio.gather(*(tool.join(3) for tool in tools))
    else:
        for tool in tools:
            await tool.join(3)
            await until(lambda: tools[0].is_live)
    await until(lambda: all(tool.is_live for tool in tools))
    assert [tool.said for tool in tools] == [[str(n) for n in range(3, 10)]] * 50
    assert reads == ["after"]
    for tool in tools:
        await tool.leave()


async def test_a_storm_of_pages_that_missed_very_much_reads_the_newest_once(
    reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "REPLACE_AFTER", 5)
    await say(*(f"text {n}." for n in range(10)))
    head = await database.read(log.head, "lobby")
    pages = [Page() for _ in range(50)]
    await asyncio.gather(*(page.join(1, head.epoch) for page in pages))
    await until(lambda: all(page.is_live for page in pages))
    assert all("text 9." in page.texts[0] for page in pages)
    assert reads == ["page"]
    for page in pages:
        await page.leave()


async def test_what_was_read_for_others_is_forgotten_when_the_room_moves_on() -> None:
    first = await say("to be deleted")
    await say("one", "two")
    early = await Tool().join(0)
    await until(lambda: early.is_live)
    await posting.adelete_message("lobby", alice, first.message_id)
    await until(lambda: len(early.entries) == 4)
    late = await Tool().join(0)
    await until(lambda: late.is_live)
    assert late.said == ["one", "two"]
    assert [frame["number"] for frame in late.of("message.deleted")] == [1]
    for tool in (early, late):
        await tool.leave()


async def test_a_read_that_fails_when_its_reader_has_gone_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await say("one")
    asked, told = threading.Event(), threading.Event()

    def fail(*span: int) -> list[log.Entry]:
        asked.set()
        assert told.wait(5)
        raise OperationalError

    monkeypatch.setattr(log, "after", fail)
    tool = await Tool().join(0)
    await until(asked.is_set)
    await tool.leave()
    told.set()
    await asyncio.sleep(0.1)
    del tool  # and with it the feed that kept the answer
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_read_that_failed_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    await say("one")
    tool = Tool()
    with monkeypatch.context() as away:
        away.setattr(log, "after", lambda *span: (_ for _ in ()).throw(OperationalError()))
        await tool.join(0)
        await asyncio.sleep(0.1)
        assert tool.said == []
    await until(lambda: tool.said == ["one"])
    await tool.leave()


async def test_a_batch_is_rendered_once_for_all_readers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendered: list[str] = []
    live, entries = fragments.live, frames.entries

    def live_counted(room: str, found: list[log.Entry], cursor: str) -> str:
        rendered.append("page")
        return live(room, found, cursor)

    def entries_counted(room: str, found: list[log.Entry], kinds: frozenset[str]) -> list[str]:
        rendered.append("tool")
        return entries(room, found, kinds)

    monkeypatch.setattr(fragments, "live", live_counted)
    monkeypatch.setattr(frames, "entries", entries_counted)
    head = await database.read(log.head, "lobby")
    readers: list[Tool | Page] = [*(Tool() for _ in range(5)), *(Page() for _ in range(5))]
    for reader in readers:
        await reader.join(0, head.epoch)
    await until(lambda: all(reader.is_live for reader in readers))
    rendered.clear()
    await say("one")
    await until(lambda: all("one" in "".join(reader.texts) for reader in readers))
    assert sorted(rendered) == ["page", "tool"]
    for reader in readers:
        await reader.leave()


async def test_a_storm_of_pages_is_greeted_with_what_was_rendered_for_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendered: list[str] = []
    render = fragments._render

    def counted(name: str, context: dict[str, Any]) -> str:
        rendered.append(name)
        return render(name, context)

    monkeypatch.setattr(fragments, "_render", counted)
    for kept in (fragments.here, fragments.typing, fragments._at_a_time):
        kept.cache_clear()
    pages = [await Page().join(0, "") for _ in range(20)]
    await until(lambda: all(page.texts for page in pages))
    assert rendered.count("live/on_air") == 1
    assert rendered.count("live/typing") == 1
    for page in pages:
        assert page.texts[0].startswith('<p id="status"')
        assert 'id="here"' in page.texts[0]
        await page.leave()


# One who stumbles


async def test_a_reader_whose_batch_cannot_be_shown_costs_nobody_else_theirs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, others = await Tool().join(), [await Tool(author=bob).join() for _ in range(4)]
    readers = [broken, *others]
    await until(lambda: all(reader.is_live for reader in readers))

    def fail(batch: Batch) -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(broken.subscriber, "_live", fail)
    await say("one")
    await until(lambda: all(other.said == ["one"] for other in others), 1)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(broken.task, 2)
    broken.subscriber.end()
    for other in others:
        await other.leave()


async def test_a_feed_that_stumbles_takes_the_beat_from_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "BEAT_SECONDS", 0.01)
    head = await database.read(log.head, "lobby")
    stumbling, page = await Page("attic").join(0, head.epoch), await Page().join(0, head.epoch)
    await until(lambda: stumbling.is_live and page.is_live)
    monkeypatch.setattr(stumbling.subscriber.feed, "beat", lambda: 1 / 0)
    before = len(page.texts)
    await until(lambda: len(page.texts) > before + 3)
    await stumbling.leave()
    await page.leave()


# The end


async def test_the_last_reader_takes_the_feed_along() -> None:
    tools = [await Tool().join(0) for _ in range(2)]
    feed = tools[0].subscriber.feed
    await tools[0].leave()
    assert not feed._task.done()
    await tools[1].leave()
    await asyncio.sleep(0)
    assert feed._task.cancelled()
    assert feeds.feeds()._feeds == {}
    assert group_name("lobby") not in bell()._listeners
