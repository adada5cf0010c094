import asyncio
from typing import Any

import pytest

from rooms import feeds, presence
from rooms.doorbell import News, bell
from tests.cast import alice, bob, carol, until

pytestmark = pytest.mark.usefixtures("quick")

ALICE, BOB = {alice.tag: "alice"}, {bob.tag: "bob"}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "GATHER_SECONDS", 0.01)


def hear(process: str, rooms: dict[str, dict[str, str | None]], whole: bool) -> None:
    news: dict[str, Any] = {"type": "presence", "group": presence.SITE, "process": process}
    bell()._hear({**news, "rooms": rooms, "whole": whole})


async def test_somebody_with_two_windows_is_one_and_stays_until_both_are_closed() -> None:
    here = feeds.feeds().presence
    here.join("lobby", alice)
    here.join("lobby", alice)
    assert here.here("lobby") == ALICE
    here.leave("lobby", alice)
    assert here.here("lobby") == ALICE
    here.leave("lobby", alice)
    assert here.here("lobby") == {}


async def test_people_of_another_process_count_once_with_ours() -> None:
    here = feeds.feeds().presence
    here.join("lobby", alice)
    hear("p2", {"lobby": {**ALICE, **BOB}}, whole=True)
    assert here.here("lobby") == ALICE | BOB
    hear("p2", {"lobby": {bob.tag: None}}, whole=False)
    assert here.here("lobby") == ALICE


async def test_a_snapshot_heals_what_was_lost() -> None:
    here = feeds.feeds().presence
    hear("p2", {"lobby": {**ALICE}, "den": {**BOB}}, whole=True)
    hear("p2", {"lobby": {**BOB}}, whole=True)
    assert here.here("lobby") == BOB
    assert here.here("den") == {}


async def test_changes_gather_into_one_piece_of_news() -> None:
    here = feeds.feeds().presence
    await asyncio.sleep(0.02)  # the first snapshot
    told: list[News] = []
    bell().listen(presence.SITE, told.append)
    for author in (alice, bob, carol):
        here.join("lobby", author)
    here.leave("lobby", carol)
    await until(lambda: told)
    await asyncio.sleep(0.05)
    [news] = told
    assert news["rooms"] == {"lobby": {**ALICE, **BOB, carol.tag: None}}
    assert not news["whole"]


async def test_a_new_process_is_told_who_is_here() -> None:
    here = feeds.feeds().presence
    here.join("lobby", alice)
    await asyncio.sleep(0.05)
    told: list[News] = []
    bell().listen(presence.SITE, told.append)
    hear("p2", {}, whole=True)
    assert [news["rooms"] for news in told if news.get("process") != "p2"] == [{"lobby": ALICE}]
    hear("p2", {}, whole=True)
    assert len([news for news in told if news.get("process") != "p2"]) == 1


async def test_one_who_is_alone_says_that_it_is_there_and_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence, "SNAPSHOT_SECONDS", 0.05)
    here = feeds.feeds().presence
    here.join("lobby", alice)
    await asyncio.sleep(0.03)  # the change itself
    told: list[News] = []
    bell().listen(presence.SITE, told.append)
    await until(lambda: told)
    assert not told[0]["rooms"]
    hear("p2", {}, whole=False)
    assert {"lobby": ALICE} in [news["rooms"] for news in told]
    told.clear()
    await until(lambda: told)
    assert told[0]["rooms"] == {"lobby": ALICE}
    assert told[0]["whole"]


async def test_a_silent_process_s_people_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "SNAPSHOT_SECONDS", 0.05)
    monkeypatch.setattr(presence, "EXPIRE_SECONDS", 0.2)
    here, changes = feeds.feeds().presence, []
    here.watch("lobby", lambda: changes.append(1))
    hear("p2", {"lobby": {**BOB}}, whole=True)
    assert here.here("lobby") == BOB
    changes.clear()
    await until(lambda: here.here("lobby") == {}, 1)
    assert changes


def test_a_killed_process_s_people_are_gone_within_30_seconds() -> None:
    assert presence.EXPIRE_SECONDS + presence.SNAPSHOT_SECONDS < 29
    # One lost snapshot makes nobody disappear.
    assert presence.EXPIRE_SECONDS > 2 * presence.SNAPSHOT_SECONDS


async def test_many_people_are_told_in_bounded_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "CHUNK", 2)
    here = feeds.feeds().presence
    for author in (alice, bob, carol):
        here.join("lobby", author)
    told: list[News] = []
    bell().listen(presence.SITE, told.append)
    here._snapshot()
    assert [(news["whole"], len(news["rooms"]["lobby"])) for news in told] == [
        (True, 2),
        (False, 1),
    ]


async def test_a_name_that_looks_like_that_of_somebody_present_is_taken() -> None:
    here = feeds.feeds().presence
    here.join("lobby", alice)
    assert here.is_taken("ALICE", bob.tag)
    assert here.is_taken("аlice", bob.tag)  # a Cyrillic а
    assert not here.is_taken("alice", alice.tag)
    assert not here.is_taken("alicia", bob.tag)
