import asyncio
from dataclasses import replace

import pytest
from pytest_django import Settings

from rooms import database, log, posting
from rooms.batches import Batch
from rooms.models import Epoch
from rooms.subscribers import Revoked, Stuck
from rooms.wire import Texts
from tests.cast import Page, Tool, alice, bob, both_ways, deaf, say, unhurried, until

__all__ = ["both_ways", "deaf", "unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)


def in_order(tool: Tool) -> bool:
    seqs = [frame["seq"] for frame in tool.entries]
    return seqs == sorted(set(seqs))


# Live and behind


async def test_a_resumed_reader_gets_what_it_missed_once_and_goes_live() -> None:
    await say("one", "two", "three")
    tool = await Tool().join(1)
    await until(lambda: tool.of("live"))
    await say("four")
    await until(lambda: "four" in tool.said)
    assert tool.said == ["two", "three", "four"]
    assert [f["type"] for f in tool.frames if "message" not in f["type"]][:2] == ["hello", "live"]
    assert tool.of("live")[0]["seq"] == 3
    await tool.leave()


async def test_a_backlog_longer_than_a_window_has_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "WINDOW", 3)
    first = await say("one")
    await say(*map(str, range(9)))
    await posting.aedit_message("lobby", alice, first.message_id, "uno")
    tool = await Tool().join(0)
    await until(lambda: tool.of("live"))
    assert tool.said == ["uno", *map(str, range(9))]
    assert tool.of("message.changed")[0]["seq"] == 11
    await tool.leave()


async def test_a_slow_reader_delays_nobody_and_catches_up_without_loss(settings: Settings) -> None:
    settings.PENDING_MAX = 2000
    slow, quick = await Tool().join(0), await Tool(author=bob).join(0)
    await until(lambda: slow.is_live and quick.is_live)
    slow.free.clear()
    texts = [f"{n} {'x' * 200}" for n in range(40)]
    await say(*texts)
    await until(lambda: len(quick.said) == 40, 2)
    assert slow.subscriber not in slow.subscriber.feed.live
    assert slow.subscriber._size <= 2000
    slow.free.set()
    await until(lambda: slow.is_live)
    await say("last")
    await until(lambda: "last" in slow.said)
    assert slow.said == quick.said == [*texts, "last"]
    assert in_order(slow)
    await slow.leave()
    await quick.leave()


@pytest.mark.parametrize("over", [0, 1])
async def test_a_batch_above_the_bound_is_read_again_though_nothing_waits_before_it(
    over: int, settings: Settings
) -> None:
    slow = await Tool().join(0)
    await until(lambda: slow.is_live)
    slow.free.clear()
    sizes: list[int] = []
    live = slow.subscriber._live

    def watched(batch: Batch) -> Texts:
        texts = live(batch)
        sizes.append(texts.size)
        settings.PENDING_MAX = texts.size - over
        return texts

    slow.subscriber._live = watched  # type: ignore[method-assign]
    await say("one")
    await until(lambda: sizes)
    assert (slow.subscriber in slow.subscriber.feed.live) == (not over)
    slow.free.set()
    await until(lambda: slow.said == ["one"])
    await slow.leave()


async def test_a_batch_refused_for_its_size_is_counted_once_in_the_title(
    settings: Settings,
) -> None:
    settings.PENDING_MAX = 1500
    head = await database.read(log.head, "lobby")
    page = await Page().join(0, head.epoch)
    await until(lambda: page.is_live)
    page.subscriber.look_away()
    page.free.clear()
    room = page.subscriber.feed
    for n in range(9):
        await say(str(n))
        await until(lambda: room.head.seq == room._reached)
    assert page.subscriber not in page.subscriber.feed.live
    page.free.set()
    await until(lambda: page.is_live)
    assert page.subscriber.unseen == 9
    await page.leave()


async def test_a_reader_who_takes_nothing_is_stuck(settings: Settings) -> None:
    settings.STUCK_SECONDS = 0.1
    tool = await Tool().join(0)
    await until(lambda: tool.is_live)
    tool.free.clear()
    await say("one")
    with pytest.raises(Stuck):
        await asyncio.wait_for(tool.task, 2)
    tool.subscriber.end()


async def test_nothing_overtakes_what_is_pending() -> None:
    tool = await Tool().join(0)
    await until(lambda: tool.is_live)
    tool.free.clear()
    await say("one", "two")
    await until(lambda: tool.subscriber.cursor == 2)
    tool.free.set()
    # Its task has not come around yet.
    tool.subscriber.tell("typing", Texts(["last"]), Texts(['{"type":"last"}']))
    await until(lambda: tool.of("last"))
    assert tool.said == ["one", "two"]
    assert tool.frames[-1]["type"] == "last"
    await tool.leave()


async def test_who_is_signed_out_is_told_nothing_more() -> None:
    tool = await Tool().join(0)
    await until(lambda: tool.is_live)
    before = len(tool.texts)
    tool.subscriber.revoke()
    tool.subscriber.tell("typing", Texts(["more"]), Texts(['{"type":"more"}']))
    with pytest.raises(Revoked):
        await asyncio.wait_for(tool.task, 2)
    assert len(tool.texts) == before
    tool.subscriber.end()


# Another history


async def test_another_epoch_resets_every_reader_and_goes_on() -> None:
    await say("one", "two")
    tool = await Tool().join(0)
    await until(lambda: tool.of("live"))
    await Epoch.objects.aupdate(word="restored")
    await until(lambda: tool.of("reset") and len(tool.of("live")) == 2)
    assert tool.of("reset")[0]["epoch"] == "restored"
    await say("three")
    await until(lambda: "three" in tool.said)
    assert tool.said == ["one", "two", "three"]
    await tool.leave()


@pytest.mark.parametrize(("after", "epoch"), [(7, ""), (1, "other")])
async def test_a_cursor_of_another_history_is_told_so(after: int, epoch: str) -> None:
    await say("one", "two")
    tool = await Tool().join(after, epoch)
    await until(lambda: tool.of("live"))
    order = [frame["type"] for frame in tool.frames if frame["type"] != "presence.changed"]
    assert order == ["hello", "reset", "live"]
    await tool.leave()


async def test_a_cursor_beyond_the_end_is_told_so_though_the_room_has_reached_it_by_then() -> None:
    await say("one", "two")
    tool = Tool()
    tool.free.clear()
    await tool.join(3)
    await say("another three")
    tool.free.set()
    await until(lambda: tool.is_live)
    assert [frame["head"] for frame in tool.of("reset")] == [3]
    await tool.leave()


@pytest.mark.usefixtures("deaf")
async def test_a_cursor_that_another_process_gave_out_early_is_no_reset() -> None:
    first = await Tool().join(0)
    await until(lambda: first.is_live)
    await say("one", "two")
    tool = await Tool().join(2)
    await until(lambda: tool.of("live"))
    assert tool.of("reset") == []
    assert tool.entries == []
    await tool.leave()
    await first.leave()


async def test_a_reader_whom_its_feed_is_behind_starts_over_and_does_not_spin() -> None:
    await say("one", "two")
    tool = await Tool().join(2)
    # Nothing in rooms takes a feed back like this; whoever looked for it without a pause would
    # stop the whole process.
    room = tool.subscriber.feed
    room.head, room._reached = replace(room.head, seq=1), 1
    await until(lambda: tool.of("reset") and tool.is_live)
    assert [frame["head"] for frame in tool.of("reset")] == [1]
    await say("three")
    await until(lambda: tool.said[-1:] == ["three"])
    await tool.leave()
