import re
from dataclasses import replace
from pathlib import Path

import pytest

from site_config.environment import TABLE
from tests.bench import model
from tests.bench.model import BUSY, Costs, Need, Site, need
from tests.bench.record import read, rows_of
from tests.bench.scaling import DOCS, NotMeasured, costs, markdown, write_scaling
from tests.bench.table import Row

CHEAP = Costs(
    deliveries=[(2, 10), (20, 8), (100, 4)],
    post=1000,
    idle=5,
    handshake=1000,
    memory=30,
    commit=2,
    redis=100,
    frame=340,
)
ROWS = [
    Row("fan-out, 1,000 sockets, 20 messages/s", "µs a delivery", {"Rooms on Redis": 8}),
    Row("fan-out, 1,000 sockets, 2 messages/s", "µs a delivery", {"Rooms on Redis": 10}),
    Row("a post alone, SQLite", "ms, median", {"alone": 1}),
    Row("a post alone, PostgreSQL", "ms, median", {"alone": 2}),
    Row("sockets, 5,000", "µs of server CPU a handshake", {"Rooms, pages": 1000}),
    Row("sockets, 5,000 idle", "kB each", {"Rooms, pages": 30}),
    Row("sockets, 5,000 idle", "µs of server CPU a second each", {"Rooms, pages": 5}),
    Row("history, 1,000 and 2,000 messages", "µs of server CPU each", {"a post, 1,000": 1000}),
    Row(
        "gathering",
        "µs of server CPU a message and page",
        {
            "100 messages/s, 1,000 pages": 4,
            "20 messages/s, 1,000 pages": 8,
            "1,000 messages/s, 100 pages": 9,
        },
    ),
    Row(
        "two processes on Redis, 1,000 sockets, 20 messages/s",
        "µs of Redis CPU a delivery",
        {"one process": 0.15, "two processes": 0.2},
    ),
]


def needed(site: Site, known: Costs = CHEAP, *, by_room: bool = False) -> Need:
    found = need(site, known, by_room=by_room)
    assert found
    return found


def test_a_small_site_is_one_process() -> None:
    found = needed(Site(rooms=100, people=50, rate=0.1))
    assert found.processes == 1
    assert found.deliveries == 500
    assert found.commits == 10
    assert found.redis == pytest.approx(10 * 100 / 1e6)
    assert found.memory == 150
    assert found.megabits == pytest.approx(500 * 418 * 8 / 1e6)
    assert found.returning == 5


def test_a_reader_costs_what_was_measured_and_in_between_a_part_of_it() -> None:
    assert [CHEAP.of_reader(rate) - 5 for rate in (0, 1, 2, 20, 100, 200)] == [
        0, 10, 20, 160, 400, 800,
    ]  # fmt: skip
    assert CHEAP.of_reader(11) - 5 == pytest.approx((20 + 160) / 2)


def test_a_room_too_hot_for_one_process_is_divided_or_does_not_do() -> None:
    hot = Site(rooms=1, people=10_000, rate=20)
    assert need(hot, CHEAP, by_room=True) is None
    found = needed(hot)
    # Each of them spends something on what all of them read.
    each = found.processes * BUSY * 1e6 - found.processes * hot.rate * CHEAP.post
    assert each >= 10_000 * CHEAP.of_reader(20)


def test_readers_anywhere_make_every_process_read_every_room() -> None:
    wide = Site(rooms=2_000, people=50, rate=0.5)
    anywhere, by_room = needed(wide), needed(wide, by_room=True)
    assert anywhere.processes > by_room.processes
    assert by_room.reads == by_room.processes
    assert anywhere.reads > 10 * by_room.reads


def test_a_site_whose_rounds_alone_fill_any_process_needs_other_rooms() -> None:
    assert need(Site(rooms=100, people=10_000, rate=10), CHEAP, by_room=False) is None


def test_a_commit_that_is_slow_needs_more_writers() -> None:
    many = Site(rooms=1000, people=2, rate=0.1)
    assert needed(many, by_room=True).processes == 1
    assert needed(many, replace(CHEAP, commit=20), by_room=True).processes == 4


def test_what_is_posted_during_a_commit_goes_together() -> None:
    busy = Site(rooms=1, people=100, rate=1000)
    assert needed(busy).commits == 1000 / CHEAP.commit
    assert needed(replace(busy, rate=100)).commits == 100


def test_readers_anywhere_may_meet_in_one_process() -> None:
    pairs = needed(Site(rooms=1000, people=2, rate=0.1), replace(CHEAP, commit=20))
    assert pairs.processes == 4
    # One is somewhere; the other is elsewhere three times of four.
    assert pairs.reads == pytest.approx(100 * 3 / 4 + 4)


def test_sockets_fill_a_process_too() -> None:
    silent = Site(rooms=10_000, people=3, rate=0)
    assert needed(silent, replace(CHEAP, idle=0), by_room=True).processes == 3


def test_the_constants_are_the_settings_own() -> None:
    assert int(TABLE["SOCKETS_MAX"].default) == model.SOCKETS_MAX
    source = (DOCS.parent / "site_config" / "settings.py").read_text()
    assert f'"max_size": {model.CONNECTIONS_MAX},' in source


def test_the_costs_come_from_the_bench() -> None:
    assert costs(ROWS) == CHEAP


def test_the_model_does_without_redis_and_without_nothing_else() -> None:
    *rest, redis = ROWS
    assert costs(rest) == replace(CHEAP, redis=None)
    assert "not measured yet" in markdown(costs(rest))
    for row in ROWS[1:]:
        if row not in (redis, ROWS[2]):
            with pytest.raises(NotMeasured):
                costs([other for other in ROWS if other is not row])


def test_a_document_is_written_between_its_marks_or_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "scaling.md"
    before = "above\n<!-- model -->\nold\n<!-- end of model -->\nbelow\n"
    path.write_text(before)
    write_scaling(tmp_path, ROWS[:3])
    assert path.read_text() == before
    write_scaling(tmp_path, ROWS)
    assert (
        re.sub(r"(?s)model -->.*<!-- end", "model -->\nold\n<!-- end", path.read_text()) == before
    )
    assert "| 100 × 50 × 0.1 | 500 | anywhere | 1 |" in path.read_text()


def test_the_document_holds_what_the_bench_found_last() -> None:
    assert markdown(costs(rows_of(read(DOCS / "bench.json")))) in (DOCS / "scaling.md").read_text()
