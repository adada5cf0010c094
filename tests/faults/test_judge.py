"""The judge is no friend: everything that may go wrong is found in made-up records."""

from dataclasses import replace

import pytest

from tests.faults.judge import MEMORY_MAX, TOMBSTONE, Verdict, judge
from tests.faults.records import Item, Reading, Records, Row, Showing, Sight, Wish

POSTED, CHANGED, DELETED = "message.posted", "message.changed", "message.deleted"


@pytest.fixture
def records() -> Records:
    """Three posts of ada: the second was edited as entry 4, the third deleted as entry 5.

    A reader heard of each as it happened, another came when all was over, and a page shows it.
    """
    items = [
        Item(1, "one", "by ada"),
        Item(2, "two edited", "by ada"),
        Item(3, TOMBSTONE, "by ada"),
    ]
    return Records(
        wishes=[
            Wish("lobby", "name:ada", "c-1", "one", is_acknowledged=True),
            Wish("lobby", "name:ada", "c-2", "two edited", is_acknowledged=True),
            Wish("lobby", "name:ada", "c-3", None, is_acknowledged=True),
            Wish("lobby", "name:ada", "c-4", "never arrived"),
        ],
        rows={
            "lobby": [
                Row(1, 1, 1, "name:ada", "c-1", "one"),
                Row(2, 2, 4, "name:ada", "c-2", "two edited"),
                Row(3, 3, 5, "name:ada", "c-3", None),
                Row(4, 6, 6, "guest:alice", "page-0", "typed"),
            ]
        },
        readings=[
            Reading(
                "early",
                "lobby",
                hears_changes=True,
                is_live=True,
                sights=[
                    Sight(1, POSTED, 1, "one"),
                    Sight(2, POSTED, 2, "two"),
                    Sight(3, POSTED, 3, "three"),
                    Sight(4, CHANGED, 2, "two edited"),
                    Sight(5, DELETED, 3),
                    Sight(6, POSTED, 4, "typed"),
                ],
            ),
            Reading(
                "late",
                "lobby",
                hears_changes=False,
                is_live=True,
                sights=[
                    Sight(1, POSTED, 1, "one"),
                    Sight(2, POSTED, 2, "two edited"),
                    Sight(6, POSTED, 4, "typed"),
                ],
            ),
        ],
        showings=[
            Showing(
                "alice",
                "lobby",
                [*items, Item(4, "typed", "by alice")],
                [*items[1:], Item(4, "typed", "by alice")],
            )
        ],
        typed=[("lobby", "typed")],
        memory={"server 1": 90 * 2**20},
        logs={"server 1": "2026-11-25 11:14:20,640 WARNING rooms: the layer is away\n"},
    )


def found(records: Records) -> dict[str, int]:
    """What the judge found of each kind, if anything."""
    verdict = judge(records)
    kinds = ("lost", "doubled", "reordered", "wrong")
    return {kind: len(getattr(verdict, kind)) for kind in kinds if getattr(verdict, kind)}


def test_nothing_is_found_where_nothing_is_wrong(records: Records) -> None:
    verdict = judge(records)
    assert verdict == Verdict(acknowledged=3, deliveries=13)
    assert verdict.is_clean


def test_an_acknowledged_post_that_is_not_stored_is_lost(records: Records) -> None:
    records.wishes[3].is_acknowledged = True
    assert found(records) == {"lost": 1}


@pytest.mark.parametrize(("index", "text"), [(1, "two"), (2, "three")])
def test_an_acknowledged_change_that_is_not_stored_is_lost(
    records: Records, index: int, text: str
) -> None:
    records.wishes[index].text = text
    assert found(records) == {"lost": 1}


def test_a_post_that_is_stored_twice_is_doubled(records: Records) -> None:
    records.wishes[3].client_id = "c-2"
    records.wishes.pop(1)
    rows = records.rows["lobby"]
    rows[2] = replace(rows[2], client_id="c-2")
    assert found(records)["doubled"] == 1


def test_a_post_that_nobody_wanted_is_wrong(records: Records) -> None:
    del records.wishes[0]
    assert found(records) == {"wrong": 1}


def test_a_gap_in_the_numbers_is_wrong(records: Records) -> None:
    records.rows["lobby"][3] = replace(records.rows["lobby"][3], number=5)
    assert "the numbers of lobby have a gap" in judge(records).wrong


def test_numbers_that_disagree_with_seqs_are_reordered(records: Records) -> None:
    rows = records.rows["lobby"]
    rows[0], rows[1] = replace(rows[0], posted_seq=2), replace(rows[1], posted_seq=1)
    assert judge(records).reordered == ["numbers and seqs of lobby disagree"]


@pytest.mark.parametrize("sight", [0, 1, 5])
def test_a_post_that_a_reader_never_heard_of_is_lost(records: Records, sight: int) -> None:
    del records.readings[0].sights[sight]
    assert "lost" in found(records)


def test_a_post_that_a_late_reader_never_heard_of_is_lost(records: Records) -> None:
    del records.readings[1].sights[1]
    assert found(records) == {"lost": 1}


@pytest.mark.parametrize("sight", [3, 4])
def test_a_change_that_a_reader_never_heard_of_is_lost(records: Records, sight: int) -> None:
    del records.readings[0].sights[sight]
    assert found(records) == {"lost": 1}


def test_a_post_that_a_reader_heard_of_twice_is_doubled(records: Records) -> None:
    sights = records.readings[1].sights
    sights.insert(1, sights[0])
    assert judge(records).doubled == [
        "late was told of 1 again",
        "late was told of entry 1 again",
    ]


def test_posts_that_a_reader_heard_of_in_another_order_are_reordered(records: Records) -> None:
    sights = records.readings[1].sights
    sights[0], sights[1] = sights[1], sights[0]
    assert found(records) == {"reordered": 2}


def test_a_post_that_a_reader_heard_of_and_is_not_stored_is_wrong(records: Records) -> None:
    records.readings[0].sights.append(Sight(7, POSTED, 5, "a dream"))
    assert found(records) == {"wrong": 1}


def test_a_reader_who_was_told_to_start_over_or_is_not_live_is_wrong(records: Records) -> None:
    records.readings[0].resets = 1
    records.readings[1].is_live = False
    assert found(records) == {"wrong": 2}


def test_a_reader_who_left_is_judged_by_what_happened_before(records: Records) -> None:
    gone = records.readings[1]
    gone.stays = gone.is_live = False
    del gone.sights[2]
    assert found(records) == {}
    del gone.sights[0]
    assert found(records) == {"lost": 1}


def test_a_reader_who_joined_later_is_judged_from_there(records: Records) -> None:
    late = records.readings[1]
    late.after = 2
    del late.sights[:2]
    assert found(records) == {}


def test_a_text_that_was_typed_is_stored_once(records: Records) -> None:
    records.typed.append(("lobby", "typed and gone"))
    assert found(records) == {"lost": 1}
    records.typed = [("lobby", "two edited")]
    rows = records.rows["lobby"]
    rows[3] = replace(rows[3], text="two edited")
    assert "doubled" in found(records)


def test_a_page_that_misses_a_message_or_a_change_has_lost_it(records: Records) -> None:
    items = records.showings[0].items
    del items[1]
    assert found(records) == {"lost": 1, "wrong": 1}
    items.insert(1, Item(2, "two", "by ada"))
    assert found(records) == {"lost": 1, "wrong": 1}


def test_a_page_that_shows_a_message_twice_has_doubled_it(records: Records) -> None:
    items = records.showings[0].items
    items.insert(0, items[0])
    assert found(records) == {"doubled": 1}


def test_a_page_that_shows_messages_in_another_order_has_reordered_them(records: Records) -> None:
    items = records.showings[0].items
    items[0], items[1] = items[1], items[0]
    assert found(records) == {"reordered": 1, "wrong": 1}


def test_a_page_that_looks_otherwise_than_a_fresh_one_is_wrong(records: Records) -> None:
    items = records.showings[0].items
    items[3] = replace(items[3], look="by bob")
    assert found(records) == {"wrong": 1}


def test_a_process_that_grew_is_wrong(records: Records) -> None:
    records.memory["server 1"] = MEMORY_MAX + 1
    assert found(records) == {"wrong": 1}


def test_an_error_in_a_log_is_wrong_unless_a_fault_explains_it(records: Records) -> None:
    records.logs["server 1"] += (
        "2026-11-25 11:14:20,640 ERROR rooms.posting:"
        " A post could not be stored: OperationalError\n"
        "2026-11-25 11:14:21,640 ERROR rooms.feed: A feed stumbled\n"
        "Traceback (most recent call last):\n"
        "KeyError: 'seq'\n"
    )
    assert found(records) == {"wrong": 2}
    records.faults.append("disk full")
    assert judge(records).wrong == [
        "server 1: 2026-11-25 11:14:21,640 ERROR rooms.feed: A feed stumbled … KeyError: 'seq'"
    ]
