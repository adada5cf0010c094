from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rooms import log, posting
from rooms.authors import Author
from rooms.log import last
from rooms.models import Epoch, Message, Room
from tests.cast import alice, bob, unhurried

__all__ = ["unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)


def say(text: str, author: Author = alice) -> log.Receipt:
    return posting.post_message("lobby", author, text)


def entries(low: int, high: int) -> list[tuple[int, str, str]]:
    room_id = log.head("lobby").room_id
    assert room_id
    return [(e.seq, e.kind, e.message.body) for e in log.after(room_id, low, high)]


def test_numbers_have_no_gap_though_changes_stand_between() -> None:
    first = say("one")
    posting.edit_message("lobby", alice, first.message_id, "uno")
    second = say("two")
    assert [(first.number, first.seq), (second.number, second.seq)] == [(1, 1), (2, 3)]
    assert log.head("lobby").seq == 3


def test_a_message_stands_where_it_was_posted_and_where_it_was_last_changed() -> None:
    first = say("one")
    say("two")
    posting.edit_message("lobby", alice, first.message_id, "uno")
    assert entries(0, 3) == [(1, "posted", "uno"), (2, "posted", "two"), (3, "changed", "uno")]


def test_a_superseded_change_is_missing() -> None:
    first = say("one")
    for text in ("uno", "un"):
        posting.edit_message("lobby", alice, first.message_id, text)
    assert entries(0, 3) == [(1, "posted", "un"), (3, "changed", "un")]
    assert entries(1, 2) == []


def test_windows_add_up_to_the_whole() -> None:
    receipts = [say(str(n)) for n in range(6)]
    for receipt in receipts[::2]:
        posting.edit_message("lobby", alice, receipt.message_id, "changed")
    whole = entries(0, 9)
    for width in (1, 2, 4):
        parts = [entry for low in range(0, 9, width) for entry in entries(low, min(9, low + width))]
        assert parts == whole


def test_a_row_that_moves_while_it_is_read_is_met_again() -> None:
    first = say("one")
    say("two")
    seen = entries(0, 1)
    posting.edit_message("lobby", alice, first.message_id, "uno")
    seen += entries(1, 2) + entries(2, 3)
    assert seen == [(1, "posted", "one"), (2, "posted", "two"), (3, "changed", "uno")]


def test_a_deleted_message_stays_as_a_tombstone_without_its_text() -> None:
    first = say("secret")
    posting.delete_message("lobby", alice, first.message_id)
    assert entries(0, 2) == [(1, "posted", ""), (2, "deleted", "")]
    [stored] = log.page(log.head("lobby").room_id, 2)
    assert stored.deleted_at
    assert stored.body == ""


def test_a_page_holds_the_last_ones_posted_up_to_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log.reading, "PAGE_SIZE", 3)
    for n in range(1, 7):
        say(str(n))
    room_id = log.head("lobby").room_id
    assert [m.number for m in log.page(room_id, 5)] == [3, 4, 5]
    assert [m.number for m in log.page(room_id, 6, before=4)] == [1, 2, 3]
    assert log.page(None, 0) == []


@pytest.mark.parametrize("before", [None, 5])
def test_no_page_sorts_a_long_log(before: int | None) -> None:
    for n in range(10):
        say(str(n))
    room_id = log.head("lobby").room_id
    with CaptureQueriesContext(connection) as asked:
        assert len(log.page(room_id, 10, before)) == (10 if before is None else 4)
    [query] = asked.captured_queries
    on_postgres = connection.vendor == "postgresql"
    with transaction.atomic(), connection.cursor() as cursor:
        if on_postgres:
            cursor.execute("SET LOCAL enable_sort = off")  # for ten rows it would not mind
        cursor.execute(f"EXPLAIN {'' if on_postgres else 'QUERY PLAN '}{query['sql']}")
        plan = str(cursor.fetchall())
    assert "Sort" not in plan
    assert "ORDER BY" not in plan


def test_a_head_is_told_in_one_question() -> None:
    say("one")
    changed = say("two")
    posting.edit_message("lobby", alice, changed.message_id, "due")
    Room.objects.update(topic="numbers")
    room, [epoch] = Room.objects.get(), Epoch.objects.all()
    with CaptureQueriesContext(connection) as asked:
        assert log.head("lobby") == log.Head(room.pk, 3, epoch.word, 2, "numbers")
    assert len(asked) == 1


def test_a_room_that_was_never_posted_in_has_an_empty_head() -> None:
    head = log.head("nowhere")
    assert (head.room_id, head.seq) == (None, 0)
    assert head.epoch == log.heads(["nowhere"])[0]
    assert not Room.objects.exists()


@pytest.mark.parametrize("column", ["number", "posted_seq", "seq"])
def test_no_two_messages_share_a_place(column: str) -> None:
    first, second = say("one"), say("two")
    wanted = {"number": first.number, "posted_seq": first.seq, "seq": first.seq}[column]
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=second.message_id).update(**{column: wanted})


def test_a_tombstone_cannot_keep_its_text() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=say("one").message_id).update(deleted_at=timezone.now())


def test_a_clock_set_back_does_not_disorder(monkeypatch: pytest.MonkeyPatch) -> None:
    say("one")
    earlier = timezone.now() - timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: earlier)
    say("two")
    first, second = Message.objects.order_by("number")
    assert second.sent_at == first.sent_at


def test_messages_of_one_author_continue_until_another_speaks_or_time_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noon = timezone.now().replace(hour=12)
    clock = [noon]
    monkeypatch.setattr(timezone, "now", lambda: clock[0])
    for author, minutes in ((alice, 0), (alice, 4), (alice, 9), (bob, 9), (alice, 9)):
        clock[0] = noon + timedelta(minutes=minutes)
        say("hello", author)
    assert list(Message.objects.order_by("number").values_list("continues", flat=True)) == [
        False,
        True,
        False,
        False,
        False,
    ]


def test_the_message_before_is_known_though_another_process_posted_it() -> None:
    say("one", bob)
    kept = dict(last._kept)
    say("two", alice)
    last._kept.update(kept)  # as a process that did not hear of "two"
    say("three", alice)
    with CaptureQueriesContext(connection) as known:
        say("four", alice)
    assert [*Message.objects.order_by("number").values_list("continues", flat=True)] == [
        False,
        False,
        True,
        True,
    ]
    assert not any("LIMIT 1" in query["sql"] for query in known)


def test_what_was_rolled_back_is_not_taken_for_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    noon = timezone.now().replace(hour=12)
    monkeypatch.setattr(timezone, "now", lambda: noon)  # a clock that stands still
    say("one", alice)
    with transaction.atomic():
        say("two", bob)
        transaction.set_rollback(True)
    kept = dict(last._kept)
    say("two", alice)
    last._kept.update(kept)  # as a process that did not hear of it
    say("three", bob)
    assert [*Message.objects.order_by("number").values_list("continues", flat=True)] == [
        False,
        True,
        False,
    ]


def test_the_first_of_a_day_opens_it_and_continues_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    late = timezone.now().replace(hour=23, minute=59, second=0)
    clock = [late]
    monkeypatch.setattr(timezone, "now", lambda: clock[0])
    for seconds in (0, 30, 90):
        clock[0] = late + timedelta(seconds=seconds)
        say("hello")
    rows = Message.objects.order_by("number").values_list("opens_day", "continues")
    assert list(rows) == [(True, False), (False, True), (True, False)]
