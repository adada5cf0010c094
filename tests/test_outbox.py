import asyncio
import json
import re
import time

import pytest
from pytest_django import Settings

from rooms import limits, log, outbox, posting
from rooms.errors import InvalidFrame, Unavailable
from rooms.models import Message
from rooms.outbox import Outbox
from rooms.rates import Limiter
from tests.cast import alice, unhurried, until

__all__ = ["unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)


class Sent(list[str]):
    """What a page was sent."""

    async def send(self, text: str) -> None:
        self.append(text)

    @property
    def acked(self) -> int:
        """What it knows to be acknowledged."""
        found = [re.search(r'name="acked"[^>]*value="(\d+)"', text) for text in self]
        return int(found[-1][1]) if found and found[-1] else 0


def box(sent: Sent, acked: int = 0) -> Outbox:
    return Outbox("lobby", alice, "page-1", acked, sent.send)


async def bodies() -> list[str]:
    return [
        body async for body in Message.objects.order_by("number").values_list("body", flat=True)
    ]


async def test_texts_are_posted_in_order_and_acknowledged_one_by_one() -> None:
    sent = Sent()
    box(sent).take(0, ["one", "two", "three"])
    await until(lambda: sent.acked == 3)
    assert await bodies() == ["one", "two", "three"]
    assert len(sent) == 3


async def test_what_is_sent_again_is_posted_once() -> None:
    sent = Sent()
    pending = box(sent)
    pending.take(0, ["one", "two"])
    pending.take(0, ["one", "two", "three"])
    await until(lambda: sent.acked == 3)
    pending.take(1, ["two", "three", "four"])
    await until(lambda: sent.acked == 4)
    assert await bodies() == ["one", "two", "three", "four"]


async def test_a_page_that_comes_back_without_its_acknowledgements_posts_nothing_twice() -> None:
    first, second = Sent(), Sent()
    pending = box(first)
    pending.take(0, ["one", "two"])
    await until(lambda: first.acked == 2)
    pending.close()
    box(second).take(0, ["one", "two", "three"])
    await until(lambda: second.acked == 3)
    assert await bodies() == ["one", "two", "three"]


async def test_a_refused_text_comes_back_and_the_next_is_posted() -> None:
    sent = Sent()
    box(sent).take(0, ["x" * 4001, "two"])
    await until(lambda: sent.acked == 2)
    assert await bodies() == ["two"]
    assert "at most 4,000 characters" in sent[0]
    assert "xxxx" in sent[0]


async def test_what_comes_too_fast_waits_and_is_posted_in_order(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.POST_RATE = (2, 0.3)
    monkeypatch.setattr(limits, "_here", Limiter())
    sent = Sent()
    began = time.monotonic()
    box(sent).take(0, list("abcde"))
    await until(lambda: sent.acked == 5)
    assert time.monotonic() - began >= 2 * 0.3
    assert await bodies() == list("abcde")


async def test_a_store_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.01)
    post, tries = posting.apost_message, []

    async def failing(*args: str) -> log.Receipt:
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable()
        return await post("lobby", alice, *args[2:])

    monkeypatch.setattr(posting, "apost_message", failing)
    sent = Sent()
    box(sent).take(0, ["one"])
    await until(lambda: sent.acked == 1)
    assert await bodies() == ["one"]


async def test_all_that_comes_in_one_frame_is_held(settings: Settings) -> None:
    texts = ["x"] * 1000
    settings.PAGE_FRAME_MAX = len(json.dumps({"acked": "0", "message": texts}))
    sent = Sent()
    box(sent).take(0, texts)
    await until(lambda: sent.acked == 1000)
    assert len(await bodies()) == 1000


@pytest.mark.parametrize("over", [-1, 0, 1])
async def test_what_is_held_is_bounded_and_the_rest_comes_again(
    over: int, settings: Settings
) -> None:
    settings.PAGE_FRAME_MAX = 10  # each text counts as a character, and one more
    texts = [str(n) for n in range(5 + over)]
    sent = Sent()
    pending = box(sent)
    pending.take(0, texts)
    await until(lambda: sent.acked == min(5, len(texts)))
    await asyncio.sleep(0.05)
    assert await bodies() == texts[:5]
    pending.take(sent.acked, texts[sent.acked :])
    await until(lambda: sent.acked == len(texts))
    assert await bodies() == texts


async def test_what_cannot_be_a_page_is_refused() -> None:
    with pytest.raises(InvalidFrame):
        Outbox("lobby", alice, "page 1", 0, Sent().send)
    with pytest.raises(InvalidFrame):
        box(Sent()).take(1, ["one"])


async def test_a_closed_one_posts_no_more() -> None:
    sent = Sent()
    pending = box(sent)
    pending.take(0, [str(n) for n in range(100)])
    await until(lambda: sent)
    pending.close()
    await until(posting.is_idle)  # what is being written may go in
    count = await Message.objects.acount()
    await asyncio.sleep(0.05)
    assert count == await Message.objects.acount() < 100
