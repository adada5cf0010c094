import asyncio
import threading

import pytest
from channels.layers import InMemoryChannelLayer, get_channel_layer

from rooms import doorbell
from rooms.doorbell import News, bell
from rooms.names import group_name
from tests.cast import until

GROUP = group_name("lobby")


@pytest.fixture
def heard() -> list[News]:
    return []


async def joined() -> None:
    await until(lambda: bell()._joined == set(bell()._listeners))


async def from_elsewhere(news: News) -> None:
    await get_channel_layer().group_send(news["group"], {**news, "from": "elsewhere"})


async def test_a_ring_from_another_thread_wakes_listeners_at_once(heard: list[News]) -> None:
    bell().listen(GROUP, heard.append)
    threading.Thread(target=doorbell.ring, args=("lobby", 412)).start()
    await until(lambda: heard, 0.5)
    assert (heard[0]["room"], heard[0]["seq"]) == ("lobby", 412)


async def test_a_ring_of_another_process_is_heard_and_ones_own_only_once(heard: list[News]) -> None:
    bell().listen(GROUP, heard.append)
    await joined()
    doorbell.ring("lobby", 1)
    await from_elsewhere({"type": "room.rang", "group": GROUP, "room": "lobby", "seq": 2})
    await until(lambda: len(heard) == 2)
    await asyncio.sleep(0.1)
    assert [ring["seq"] for ring in heard] == [1, 2]


async def test_who_no_longer_listens_hears_nothing(heard: list[News]) -> None:
    bell().listen(GROUP, heard.append)
    await joined()
    bell().unlisten(GROUP, heard.append)
    await joined()
    doorbell.ring("lobby", 1)
    await asyncio.sleep(0.05)
    assert heard == []


async def test_a_listener_that_fails_silences_nobody(
    heard: list[News], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(news: News) -> None:
        raise ZeroDivisionError

    bell().listen(GROUP, fail)
    bell().listen(GROUP, heard.append)
    await joined()
    for seq in (1, 2):
        await from_elsewhere({"type": "room.rang", "group": GROUP, "room": "lobby", "seq": seq})
    await until(lambda: len(heard) == 2)
    assert "stumbled" in caplog.text
    assert not any(task.done() for task in bell()._tasks)


async def test_memberships_come_back_after_the_layer_lost_its_data(
    heard: list[News], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "REJOIN_SECONDS", 0.2)
    bell().listen(GROUP, heard.append)
    await joined()
    await get_channel_layer().group_discard(GROUP, bell()._channel)
    # Comings and goings in other rooms must not put it off.
    for n in range(10):
        bell().listen(f"other.{n}", heard.append)
        await asyncio.sleep(0.05)
    await from_elsewhere({"type": "room.rang", "group": GROUP, "room": "lobby", "seq": 1})
    await until(lambda: heard, 1)


async def test_a_stuck_layer_delays_no_listener_and_keeps_one_ring_a_room(
    heard: list[News], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    free = asyncio.Event()

    async def stuck(group: str, news: News) -> None:
        sent.append(news["seq"])
        await free.wait()

    bell().listen(GROUP, heard.append)
    monkeypatch.setattr(bell(), "_is_alone", False)
    monkeypatch.setattr(doorbell, "SEND_SECONDS", 60)
    monkeypatch.setattr(get_channel_layer(), "group_send", stuck)
    doorbell.ring("lobby", 1)
    await until(lambda: sent == [1])
    for seq in range(2, 50):
        doorbell.ring("lobby", seq)
    await until(lambda: len(heard) == 49, 1)
    assert sent == [1]
    free.set()
    await until(lambda: sent == [1, 49], 1)


async def test_what_waits_for_the_layer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell(), "_is_alone", False)
    monkeypatch.setattr(doorbell, "OUTBOX_MAX", 10)
    for n in range(50):
        bell().tell({"type": "typing", "group": GROUP, "n": n})
    assert [news["n"] for news in bell()._outbox.values()] == list(range(40, 50))


async def test_nothing_is_sent_over_a_layer_that_leads_to_nobody(
    heard: list[News], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[News] = []

    async def send(group: str, news: News) -> None:
        sent.append(news)

    bell().listen(GROUP, heard.append)
    monkeypatch.setattr(get_channel_layer(), "group_send", send)
    doorbell.ring("lobby", 1)
    await until(lambda: heard)
    await asyncio.sleep(0.05)
    assert len(sent) == (0 if isinstance(get_channel_layer(), InMemoryChannelLayer) else 1)


def test_a_ring_without_a_loop_goes_out_before_it_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[News] = []

    async def send(group: str, news: News) -> None:
        sent.append(news)

    monkeypatch.setattr(doorbell, "_bell", None)
    monkeypatch.setattr(get_channel_layer(), "group_send", send)
    doorbell.ring("lobby", 3)
    assert [news["seq"] for news in sent] == [3]
