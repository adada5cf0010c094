"""What is told at the moment, and kept nowhere: who types, and who is here."""

import asyncio

import pytest

from rooms import database, feed, feeds, log, presence, typists
from tests.cast import Page, Tool, alice, bob, both_ways, carol, dave, say, unhurried, until

__all__ = ["both_ways", "unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)


# Typing


def typing_names(tool: Tool) -> list[str]:
    return [frame["author"]["name"] for frame in tool.of("typing")]


def typing_shown(page: Page) -> list[str]:
    """What the page was sent about who is typing, one piece after the other."""
    return [text for text in page.texts if 'id="typing"' in text]


async def test_typing_is_told_ends_with_the_post_and_does_not_disturb_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(typists, "LASTS", 60.0)  # it does not end by itself
    tool = await Tool().join(0)
    page = await Page(author=dave).join(0, (await database.read(log.head, "lobby")).epoch)
    await until(lambda: tool.is_live and page.is_live)
    feeds.feeds().type("lobby", alice)
    feeds.feeds().type("lobby", alice)
    await until(lambda: typing_names(tool) == ["alice"], 0.5)
    await until(lambda: "alice</bdi> is typing" in typing_shown(page)[-1], 0.5)
    await say("one")
    await until(lambda: "alice" not in typing_shown(page)[-1], 0.5)
    assert tool.said == ["one"]
    await tool.leave()
    await page.leave()


async def test_typing_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typists, "LASTS", 0.2)
    page = await Page().join(0, (await database.read(log.head, "lobby")).epoch)
    await until(lambda: page.is_live)
    feeds.feeds().type("lobby", alice)
    await until(lambda: any("is typing" in text for text in page.texts), 0.5)
    await until(lambda: "is typing" not in typing_shown(page)[-1], 1)
    await page.leave()


async def test_who_comes_while_somebody_types_is_told() -> None:
    tool = await Tool().join()
    feeds.feeds().type("lobby", alice)
    page = await Page(author=bob).join(0, (await database.read(log.head, "lobby")).epoch)
    await until(lambda: page.texts)
    assert "alice</bdi> is typing" in page.texts[0]
    await page.leave()
    await tool.leave()


# Who is here


async def test_who_is_here_is_told_when_somebody_comes() -> None:
    tool = await Tool().join()
    await until(lambda: tool.of("presence.changed"))
    other = await Tool(author=bob).join()
    await until(lambda: tool.of("presence.changed")[-1]["names"] == ["bob", "carol"], 2)
    await other.leave()
    await tool.leave()


async def test_in_a_full_room_the_news_of_who_is_here_gathers_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence, "GATHER_SECONDS", 0.01)
    monkeypatch.setattr(feed, "PRESENCE_SECONDS", 0.01)
    tools = [await Tool(author=author).join() for author in (alice, bob, carol)]
    alices, here = tools[0], feeds.feeds().presence
    clock = asyncio.get_running_loop()
    # All that their coming causes is told, and nothing is gathered any more.
    await until(lambda: all(tool.is_live for tool in tools))
    await until(lambda: not (here._gathering or alices.subscriber.feed._gathering))
    before = len(alices.of("presence.changed"))
    monkeypatch.setattr(feed, "PRESENCE_SECONDS_EACH", 0.2)
    began = clock.time()
    tools.append(await Tool(author=dave).join())
    await until(lambda: len(alices.of("presence.changed")) > before, 2)
    assert clock.time() - began >= 4 * 0.2
    assert alices.of("presence.changed")[-1]["names"] == ["alice", "bob", "carol", "dave"]
    for tool in tools:
        await tool.leave()
