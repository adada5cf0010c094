"""Whatever happens on the way, who reads a room ends up with what stands in the database.

The rules as a machine: hypothesis makes things happen in any order, a plain list says what must
come of them, and in the end every reader holds exactly that.
"""

import asyncio
import copy
import itertools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from django.conf import settings as conf
from django.db import transaction
from django.test import AsyncClient
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from rooms import database, doorbell, feeds, log, posting
from rooms.errors import Refused
from rooms.log import Receipt
from rooms.models import Epoch, Message, Room
from rooms.subscribers import subscriber
from tests.cast import Page, alice, bob, dave, unhurried, until
from tests.examples import examples
from tests.history import History, Row, Wish
from tests.htmx import Tree, loaded
from tests.seats import Follower, Listener, Onlooker, Reload, Seat

__all__ = ["unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)

Result = TypeVar("Result")

_number = itertools.count()

seats = st.integers(0, 5)
wishes = st.tuples(
    st.sampled_from(["post", "post", "once", "once", "edit", "delete"]),
    st.sampled_from([alice, bob, dave]),
    st.integers(0, 7),
    st.booleans(),
)


class Doorbell:
    """A bell that keeps its word no better than a channel layer does."""

    def __init__(self, ring: Callable[[str, int], None]) -> None:
        self._ring = ring
        self._late: list[tuple[str, int]] = []
        self.mode = "true"

    def __call__(self, room: str, seq: int) -> None:
        """Ring once, twice, later or never."""
        if self.mode == "late":
            self._late.append((room, seq))
        elif self.mode != "lost":
            for _ in range(2 if self.mode == "doubled" else 1):
                self._ring(room, seq)

    def arrive(self) -> None:
        """Let the late rings come, the last one first."""
        late, self._late = self._late, []
        for news in reversed(late):
            self._ring(*news)


class Chat(RuleBasedStateMachine):
    """A room, and all that can happen to it and its readers."""

    bell: Doorbell

    def __init__(self) -> None:
        super().__init__()
        self.room = f"room-{next(_number)}"
        self.history = History()
        self.backup: tuple[History, list[Message]] = History(), []
        self.seats: list[Seat] = [
            *(Follower(self.room), Follower(self.room), Onlooker(self.room)),
            *(Reload(self.room), Reload(self.room), Listener(self.room)),
        ]
        self.is_restored = self.is_broken = False
        self.texts = itertools.count()
        self.runner = asyncio.Runner()
        self.bell.mode = "true"

    @initialize(
        window=st.sampled_from([1, 3, 500]),
        pending=st.sampled_from([400, 4000, None]),
        replaced=st.sampled_from([2, 1000]),
    )
    def begin(self, window: int, pending: int | None, replaced: int) -> None:
        log.WINDOW, subscriber.REPLACE_AFTER, conf.PENDING_MAX = window, replaced, pending

    # Writing

    @rule(wish=wishes)
    def one(self, wish: tuple[Any, ...]) -> None:
        self.play(self.carry_out([self.wish(*wish)]))

    @rule(many=st.lists(wishes, min_size=2, max_size=6), who=st.lists(seats, max_size=3))
    def at_once(self, many: list[tuple[Any, ...]], who: list[int]) -> None:
        async def all_together() -> None:
            await asyncio.gather(
                self.carry_out([self.wish(*wish) for wish in many]), *map(self.turn, set(who))
            )

        self.play(all_together())

    # Reading

    @rule(who=seats)
    def comes_or_goes(self, who: int) -> None:
        self.play(self.turn(who))

    @rule(who=seats)
    def is_slow(self, who: int) -> None:
        if reader := self.seats[who].reader:
            reader.free.clear()

    @rule(who=seats)
    def is_quick(self, who: int) -> None:
        if reader := self.seats[who].reader:
            reader.free.set()

    @rule(hundredths=st.integers(0, 4))
    def time_passes(self, hundredths: int) -> None:
        self.play(asyncio.sleep(hundredths / 100))

    # What breaks

    @rule(mode=st.sampled_from(["true", "lost", "doubled", "late"]))
    def bell_is(self, mode: str) -> None:
        self.bell.mode = mode

    @rule()
    def late_rings_arrive(self) -> None:
        self.bell.arrive()

    @rule()
    def is_backed_up(self) -> None:
        rows = Message.objects.filter(room__name=self.room)
        self.backup = (copy.deepcopy(self.history), self.play(database.read(lambda: list(rows))))

    @precondition(lambda self: self.history.posts)
    @rule()
    def is_restored_from_it(self) -> None:
        self.history, messages = copy.deepcopy(self.backup[0]), self.backup[1]
        self.is_restored = True

        @transaction.atomic
        def restore() -> None:
            rows = Room.objects.filter(name=self.room)
            Message.objects.filter(room__name=self.room).delete()
            rows.update(seq=self.history.seq, number=len(self.history.posts))
            Message.objects.bulk_create(messages)
            Epoch.objects.update(word=Epoch.new_word())

        self.play(database.read(restore))

    # What must be true

    @invariant()
    def the_log_is_what_the_list_says(self) -> None:
        def rows() -> list[Row]:
            found = Message.objects.filter(room__name=self.room).order_by("number")
            return [(m.number, m.posted_seq, m.seq, m.body, bool(m.deleted_at)) for m in found]

        def counters() -> tuple[int, int]:
            counted = Room.objects.filter(name=self.room).values_list("seq", "number").first()
            return counted or (0, 0)

        assert self.play(database.read(rows)) == self.history.rows
        assert self.play(database.read(counters)) == (self.history.seq, len(self.history.posts))

    def teardown(self) -> None:
        """Let everybody settle, and see what they hold."""
        try:
            if not self.is_broken:
                self.play(self.settle())
        finally:
            self.runner.run(self.close())
            self.runner.close()

    async def settle(self) -> None:
        self.bell.mode = "true"
        self.bell.arrive()
        await self.calm()
        stale = [seat for seat in self.seats if seat.is_stale]
        assert self.is_restored or not stale, "a reset without a restore"
        for seat in stale:
            await seat.go()
        await self.calm()
        for seat in self.seats:
            assert not seat.is_stale
            await seat.check(self.history)

    async def calm(self) -> None:
        """Wait until everybody is here and has read everything."""
        for seat in self.seats:
            if seat.reader is None:
                await seat.come(self.history)
            assert seat.reader
            seat.reader.free.set()
        head = await database.read(log.head, self.room)

        def is_calm() -> bool:
            readers = [seat.reader for seat in self.seats if seat.reader]
            return all(
                reader.is_over
                or (
                    reader.is_live
                    and reader.subscriber.cursor == head.seq
                    and reader.subscriber.feed.head.epoch == head.epoch
                )
                for reader in readers
            )

        await until(is_calm, 10)
        await asyncio.sleep(0.01)  # what was taken last is being handed over
        for seat in self.seats:
            seat.look()

    async def close(self) -> None:
        for seat in self.seats:
            await seat.go()
        await feeds.feeds().close()

    # How it is done

    def play(self, scene: Coroutine[Any, Any, Result]) -> Result:
        """Run the event loop for one scene."""
        try:
            return self.runner.run(scene)
        except BaseException:
            self.is_broken = True
            raise

    def wish(self, kind: Any, author: Any, which: int, same: bool) -> Wish:
        """Make something of what was drawn; `which` names an id or one of the messages."""
        text = f"text {next(self.texts)} " + "words " * which * 5
        if kind == "post":
            return Wish("post", author, text)
        if kind == "once":
            earlier = self.history.posted(author, f"c-{which}")
            return Wish(
                "post", author, earlier.wish.text if earlier and same else text, f"c-{which}"
            )
        posts = self.history.posts
        message_id = posts[-1 - which % len(posts)].message_id if posts else 1
        return Wish(kind, author, text if kind == "edit" else "", message_id=message_id)

    async def carry_out(self, wishes: list[Wish]) -> None:
        """Ask for all at once: whatever order they took, each is answered as the list says."""
        before = copy.deepcopy(self.history)
        answers = await asyncio.gather(*map(self.ask, wishes), return_exceptions=True)
        done, others = [], []
        for wish, answer in zip(wishes, answers, strict=True):
            if isinstance(answer, Receipt) and not answer.duplicate:
                done.append((wish, answer))
            else:
                others.append((wish, answer))
        for wish, receipt in sorted(done, key=lambda one: one[1].seq):
            assert (receipt.number, receipt.seq, False) == self.history.answer(wish)
            self.history.take(wish, receipt)
        for wish, answer in others:
            if isinstance(answer, Receipt):
                assert (answer.number, answer.seq, True) == self.history.answer(wish)
            else:
                assert isinstance(answer, Refused), answer
                assert type(answer) in {before.answer(wish), self.history.answer(wish)}

    async def ask(self, wish: Wish) -> Receipt:
        match wish.kind:
            case "post":
                return await posting.apost_message(
                    self.room, wish.author, wish.text, wish.client_id
                )
            case "edit":
                return await posting.aedit_message(
                    self.room, wish.author, wish.message_id, wish.text
                )
            case "delete":
                # As the admin does: in a thread of its own, beside the writer.
                return await database.read(
                    posting.delete_message, self.room, wish.author, wish.message_id
                )

    async def turn(self, who: int) -> None:
        seat = self.seats[who]
        await (seat.go() if seat.reader else seat.come(self.history))
        seat.look()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Bounds that few steps cross, and a bell that may fail; put back afterwards."""
    settings.PENDING_MAX = None
    monkeypatch.setattr(log, "WINDOW", log.WINDOW)
    monkeypatch.setattr(log.reading, "PAGE_SIZE", 10_000)
    monkeypatch.setattr(subscriber, "REPLACE_AFTER", subscriber.REPLACE_AFTER)
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.03)
    Chat.bell = Doorbell(doorbell.ring)
    monkeypatch.setattr(doorbell, "ring", Chat.bell)


@pytest.mark.usefixtures("hasty")
def test_whatever_happens_all_end_up_with_what_the_rules_say() -> None:
    run_state_machine_as_test(Chat, settings=examples(12, steps=200))


async def test_the_page_that_is_served_shows_the_same(async_client: AsyncClient) -> None:
    async def say(*texts: str) -> list[Receipt]:
        return [await posting.apost_message("lobby", alice, text) for text in texts]

    first, second, *_ = await say("one", "two", "three", "four")
    tree, head = await loaded("lobby")
    page = await Page("lobby", dave).join(head.seq, head.epoch)
    await say("five", "six")
    await posting.aedit_message("lobby", alice, first.message_id, "edited")
    await posting.adelete_message("lobby", alice, second.message_id)
    await until(lambda: page.subscriber.cursor == 8 and page.is_live)
    for text in page.texts:
        tree.swap(text)
    served = Tree((await async_client.get("/chat/lobby/")).content.decode())
    assert tree.messages() == served.messages()
    assert len(tree.messages()) == 6
    assert tree.cursor() == served.cursor()
    await page.leave()
