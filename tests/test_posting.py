import asyncio
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from types import ModuleType

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from rooms import doorbell, limits, log, posting
from rooms.authors import Author
from rooms.errors import (
    EmptyMessage,
    Forbidden,
    IdConflict,
    InvalidFrame,
    InvalidRoom,
    InvalidText,
    MessageTooLong,
    NotFound,
    RateLimited,
    Refused,
    Unavailable,
)
from rooms.log import last
from rooms.models import Message, Room
from rooms.posting import writer
from rooms.rates import Limiter
from tests.cast import alice, bob, dave, unhurried

__all__ = ["unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)

Rings = list[tuple[str, int]]


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    rung: Rings = []
    monkeypatch.setattr(doorbell, "ring", lambda room, seq, written: rung.append((room, seq)))
    return rung


@pytest.fixture
def hurried(unhurried: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.POST_RATE = (2, 60.0)
    settings.REDIS_URL = ""  # what comes in without an event loop is counted here alone
    monkeypatch.setattr(limits, "_here", Limiter())


def post(text: str, client_id: str | None = None, author: Author = alice) -> log.Receipt:
    return posting.post_message("lobby", author, text, client_id)


# Once only


def test_the_same_id_again_posts_nothing_and_says_where_it_stands() -> None:
    first = post("hello", "c-1")
    again = post("hello", "c-1")
    assert not first.duplicate
    assert again == log.Receipt(first.message_id, 1, 1, duplicate=True)
    assert Message.objects.count() == 1


def test_a_retry_after_an_edit_is_still_a_duplicate() -> None:
    first = post("hello", "c-1")
    posting.edit_message("lobby", alice, first.message_id, "bye")
    again = post("hello", "c-1")
    assert again.duplicate
    assert again.seq == first.seq
    with pytest.raises(IdConflict):
        post("bye", "c-1")


def test_a_retry_after_a_deletion_is_still_a_duplicate() -> None:
    first = post("hello", "c-1")
    posting.delete_message("lobby", alice, first.message_id)
    assert post("hello", "c-1").duplicate


def test_another_text_under_the_same_id_is_a_conflict() -> None:
    post("hello", "c-1")
    with pytest.raises(IdConflict):
        post("other", "c-1")
    assert Message.objects.count() == 1


def test_ids_of_two_people_and_of_two_rooms_have_nothing_to_do_with_each_other() -> None:
    post("hello", "c-1")
    assert not post("other", "c-1", bob).duplicate
    assert not posting.post_message("den", alice, "other", "c-1").duplicate


async def test_an_id_twice_in_one_group_is_posted_once() -> None:
    receipts = await asyncio.gather(
        *(posting.apost_message("lobby", alice, "hello", "c-1") for _ in range(20))
    )
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert {receipt.seq for receipt in receipts} == {1}


def test_an_id_and_its_conflict_in_one_batch() -> None:
    drafts = [log.Draft(alice, "a", "1"), log.Draft(alice, "b", "1"), log.Draft(alice, "a", "1")]
    first, second, third = writer.commit("lobby", drafts)
    assert isinstance(first, log.Receipt)
    assert not first.duplicate
    assert isinstance(second, IdConflict)
    assert isinstance(third, log.Receipt)
    assert third.duplicate


# The group


async def test_posts_that_wait_together_go_in_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    commit = writer.commit

    def slow(room: str, wishes: Sequence[log.Draft]) -> list[log.Receipt | Refused]:
        sizes.append(len(wishes))
        return commit(room, wishes)

    monkeypatch.setattr(writer, "commit", slow)
    receipts = await asyncio.gather(
        *(posting.apost_message("lobby", alice, str(n)) for n in range(50))
    )
    assert sum(sizes) == 50
    assert len(sizes) <= 10
    assert sorted(receipt.number for receipt in receipts) == list(range(1, 51))
    # In the order in which they came.
    assert all(one.seq < other.seq for one, other in pairwise(receipts))


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    append = log.append

    def raising(room: Room, drafts: Sequence[log.Draft]) -> list[log.Receipt | Refused]:
        results = append(room, drafts)
        if any(draft.body == "poison" for draft in drafts):
            raise ZeroDivisionError
        return results

    monkeypatch.setattr(log, "append", raising)


@pytest.mark.usefixtures("poisoned")
async def test_one_bad_post_does_not_sink_its_group() -> None:
    texts = [*map(str, range(10)), "poison", *map(str, range(10, 20))]
    results = await asyncio.gather(
        *(posting.apost_message("lobby", alice, text) for text in texts), return_exceptions=True
    )
    assert isinstance(results[10], Unavailable)
    numbers = [result.number for result in results if isinstance(result, log.Receipt)]
    assert sorted(numbers) == list(range(1, 21))
    assert await Message.objects.acount() == 20


@pytest.mark.parametrize(("where", "what"), [(doorbell, "ring"), (last, "keep")])
async def test_what_is_stored_is_not_stored_again_whatever_fails_after_that(
    where: ModuleType, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, what, lambda *_: 1 / 0)
    texts = [*map(str, range(20))]
    await asyncio.gather(*(posting.apost_message("lobby", alice, text) for text in texts))
    stored = Message.objects.order_by("number").values_list("body", flat=True)
    assert [text async for text in stored] == texts


async def test_a_failing_database_refuses_and_the_next_post_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as away:

        def fail(room: str) -> Room:
            raise OperationalError

        away.setattr(log, "lock", fail)
        with pytest.raises(Unavailable):
            await posting.apost_message("lobby", alice, "one")
        with pytest.raises(Unavailable):
            await sync_to_async(post)("one")
    assert (await posting.apost_message("lobby", alice, "one")).number == 1


async def test_a_failing_database_is_told_once_and_so_is_its_return(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(room: str) -> Room:
        raise OperationalError("with a secret")

    for _ in range(2):
        with monkeypatch.context() as away:
            away.setattr(log, "lock", fail)
            for _ in range(5):
                with pytest.raises(Unavailable):
                    await posting.apost_message("lobby", alice, "one")
        await posting.apost_message("lobby", alice, "one")
    assert [record.getMessage() for record in caplog.records] == [
        "A post could not be stored: OperationalError",
        "Posts are stored again",
    ] * 2


# Refusals


@pytest.mark.parametrize(
    ("text", "kind"),
    [(" \n", EmptyMessage), ("x" * 4001, MessageTooLong), ("a\0", InvalidText)],
)
async def test_both_entrances_refuse_the_same_and_make_no_room(
    text: str, kind: type[Refused]
) -> None:
    with pytest.raises(kind):
        await sync_to_async(post)(text)
    with pytest.raises(kind):
        await posting.apost_message("lobby", alice, text)
    assert not await Room.objects.aexists()


def test_what_is_no_room_or_no_id_is_refused() -> None:
    with pytest.raises(InvalidRoom):
        posting.post_message("a/b", alice, "hello")
    with pytest.raises(InvalidFrame):
        post("hello", "x" * 65)


def test_a_change_of_nothing_makes_no_room() -> None:
    with pytest.raises(NotFound):
        posting.delete_message("lobby", alice, 1)
    assert not Room.objects.exists()


def test_a_room_goes_by_its_canonical_name() -> None:
    posting.post_message(" LOBBY ", alice, "hello")
    assert [room.name for room in Room.objects.all()] == ["lobby"]


# Rate


@pytest.mark.usefixtures("hurried")
async def test_the_rate_is_allowed_and_one_more_is_refused_at_both_entrances() -> None:
    await sync_to_async(post)("one")
    await posting.apost_message("lobby", alice, "two")
    for attempt in (sync_to_async(post)("three"), posting.apost_message("lobby", alice, "three")):
        with pytest.raises(RateLimited) as refused:
            await attempt
        assert 0 < refused.value.retry_after <= 60.001
    assert (await posting.apost_message("lobby", bob, "hello")).number == 3


@pytest.mark.usefixtures("hurried")
def test_a_duplicate_is_answered_though_it_comes_too_fast() -> None:
    post("one", "c-1")
    post("two", "c-2")
    assert post("one", "c-1").duplicate
    with pytest.raises(IdConflict):
        post("other", "c-1")
    with pytest.raises(RateLimited):
        post("three", "c-3")
    assert Message.objects.count() == 2


# Rights


def test_one_changes_ones_own_messages_only() -> None:
    mine = post("mine").message_id
    with pytest.raises(Forbidden):
        posting.edit_message("lobby", bob, mine, "yours")
    with pytest.raises(Forbidden):
        posting.delete_message("lobby", bob, mine)
    with pytest.raises(Forbidden):
        posting.edit_message("lobby", dave, mine, "moderated")
    assert Message.objects.get().body == "mine"
    assert posting.edit_message("lobby", alice, mine, "still mine").seq == 2


def test_a_moderator_deletes_any_and_a_tombstone_cannot_change() -> None:
    mine = post("mine").message_id
    posting.delete_message("lobby", dave, mine)
    with pytest.raises(NotFound):
        posting.edit_message("lobby", alice, mine, "back")
    with pytest.raises(NotFound):
        posting.delete_message("lobby", alice, mine)


def test_a_message_is_changed_in_its_own_room_only() -> None:
    mine = post("mine").message_id
    posting.post_message("den", alice, "hello")
    with pytest.raises(NotFound):
        posting.edit_message("den", alice, mine, "moved")


async def test_changes_come_in_by_the_asynchronous_entrance_too() -> None:
    mine = (await posting.apost_message("lobby", alice, "mine")).message_id
    assert (await posting.aedit_message("lobby", alice, mine, "my")).seq == 2
    with pytest.raises(Forbidden):
        await posting.adelete_message("lobby", bob, mine)
    assert (await posting.adelete_message("lobby", alice, mine)).seq == 3


# The ring


def test_a_post_inside_a_transaction_rings_on_its_commit(rings: Rings) -> None:
    with transaction.atomic():
        post("one")
        assert rings == []
    assert rings == [("lobby", 1)]


def test_a_post_that_is_rolled_back_rings_nothing_and_leaves_nothing(rings: Rings) -> None:
    with transaction.atomic():
        post("one")
        transaction.set_rollback(True)
    assert rings == []
    assert not Room.objects.exists()


def test_a_refusal_inside_a_transaction_leaves_the_transaction_usable() -> None:
    with transaction.atomic():
        with pytest.raises(NotFound):
            posting.delete_message("lobby", alice, 1)
        posting.post_message("den", alice, "hello")
    assert [room.name for room in Room.objects.all()] == ["den"]


def test_a_duplicate_rings_nothing(rings: Rings) -> None:
    post("one", "c-1")
    post("one", "c-1")
    assert rings == [("lobby", 1)]


async def test_a_sync_post_in_a_transaction_goes_through_while_an_async_one_waits() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def in_transaction() -> int:
        with transaction.atomic():
            Room.objects.create(name="other")  # takes SQLite's one lock
            inside.set()
            assert go_on.wait(5)
            return post("sync").seq

    sync = asyncio.create_task(sync_to_async(in_transaction, thread_sensitive=False)())
    await asyncio.to_thread(inside.wait, 5)
    waiting = asyncio.create_task(posting.apost_message("other", alice, "async"))
    await asyncio.sleep(0.1)
    go_on.set()
    async with asyncio.timeout(5):
        assert await sync == 1
        assert (await waiting).seq == 1


# Many writers


def in_threads(count: int, work: Callable[[int], None]) -> None:
    errors: list[BaseException] = []

    def run(n: int) -> None:
        try:
            work(n)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def test_threads_write_without_gaps_and_a_reader_finds_nothing_behind_its_cursor() -> None:
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        cursor, last = 0, False
        while not last:
            last = done.is_set()
            head = log.head("lobby")
            if head.room_id:
                seen.extend(e.seq for e in log.after(head.room_id, cursor, head.seq))
            cursor = head.seq
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()

    def write(n: int) -> None:
        for m in range(15):
            post(f"{n}/{m}")

    in_threads(4, write)
    done.set()
    reader.join()
    assert seen == list(range(1, 61))
    numbers = Message.objects.order_by("seq").values_list("number", flat=True)
    assert list(numbers) == list(range(1, 61))
