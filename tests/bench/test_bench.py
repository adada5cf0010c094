import os
import shutil
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import uvloop
from playwright.async_api import async_playwright

from tests.bench.cpu import cpu_of
from tests.bench.crowd import MARK, Crowd
from tests.bench.docs import write_docs
from tests.bench.halls import Server, halls
from tests.bench.knobs import Knobs
from tests.bench.picture import picture
from tests.bench.posters import post
from tests.bench.record import Record, read
from tests.bench.rivals import Broadcast, NodeWs, NotHere, Ours, Raw, Tutorial
from tests.bench.rivals.rival import FRAME
from tests.bench.rows.browser import browser
from tests.bench.rows.fan_out import fan_out
from tests.bench.rows.gathering import gathering
from tests.bench.rows.history import history
from tests.bench.rows.many_rooms import many_rooms
from tests.bench.rows.overload import overload
from tests.bench.rows.pages import pages
from tests.bench.rows.posts import posts
from tests.bench.rows.saturation import saturation
from tests.bench.rows.sockets import sockets
from tests.bench.rows.two_processes import ONE, TWO, Chat, two_processes
from tests.bench.stages import STAGES
from tests.bench.table import Goal, Row, markdown, medians
from tests.services import Postgres, Redis
from tests.services.chromium import alaunch

LITTLE = Knobs(seconds=0.1, repeat=1, people=20, idle=10, history=1100, log=200)


@pytest.fixture(scope="module")
def ours() -> Iterator[Ours]:
    """Rooms as it is measured."""
    with Ours() as server:
        yield server


@pytest.fixture(scope="module")
def tutorial() -> Iterator[Tutorial]:
    """The tutorial's chat, in memory."""
    with Tutorial() as server:
        yield server


def measure(row: Coroutine[Any, Any, list[Row]]) -> list[Row]:
    """Run a row's code, and look whether it found what it should."""
    rows = uvloop.run(row)
    assert rows
    for found in rows:
        assert found.values
        assert found.goals
        assert all(value >= 0 for value in found.values.values())
        assert [goal for goal in found.goals if "lost" in goal.what and goal.measured] == []
    return rows


def test_a_full_room_can_be_measured(ours: Ours, tutorial: Tutorial) -> None:
    async def both() -> list[Row]:
        with Raw() as raw:
            async with halls([ours, tutorial, raw], LITTLE.people) as filled:
                return [*await fan_out(filled, LITTLE), *await saturation(filled, LITTLE)]

    for row in measure(both()):
        assert list(row.values) == ["Rooms", "tutorial", "raw writer"]
        assert all(value > 0 for value in row.values.values())


def test_overload_can_be_measured(ours: Ours, tutorial: Tutorial) -> None:
    measure(overload([ours, tutorial], LITTLE))


def test_posts_can_be_measured(postgres: Postgres) -> None:
    assert len(measure(posts(postgres, LITTLE))) == 4


def test_pages_can_be_measured(ours: Ours) -> None:
    [row] = measure(pages(ours, LITTLE))
    assert len(row.values) == 3


def test_sockets_can_be_measured(ours: Ours, tutorial: Tutorial) -> None:
    measure(sockets(ours, tutorial, LITTLE))


def test_history_can_be_measured(ours: Ours) -> None:
    measure(history(ours, LITTLE))


def test_gathering_can_be_measured(ours: Ours) -> None:
    measure(gathering(ours, LITTLE))


def test_many_rooms_can_be_measured(ours: Ours) -> None:
    with Ours() as many:
        [row] = measure(many_rooms(ours, many, LITTLE))
    full, pairs, pair = row.values.values()
    assert 0 < full < min(pairs, pair)


def test_two_processes_can_be_measured(postgres: Postgres, tmp_path: Path) -> None:
    with ExitStack() as open_:

        def chat(processes: int) -> Chat:
            redis, database = open_.enter_context(Redis()), postgres.database()
            folder = tmp_path / str(processes)
            servers = [Ours("Rooms", redis.url, database, folder) for _ in range(processes)]
            return Chat([open_.enter_context(server) for server in servers], redis)

        cost, of_redis = measure(two_processes(chat(1), chat(2), LITTLE))
    assert cost.values.keys() == of_redis.values.keys() == {ONE, TWO}
    assert all(value > 0 for value in of_redis.values.values())


@pytest.mark.services
@pytest.mark.browser
def test_a_browser_can_be_measured(ours: Ours) -> None:
    async def row() -> list[Row]:
        async with async_playwright() as playwright, await alaunch(playwright) as chromium:
            return await browser(ours, chromium, LITTLE)

    # In a thread of its own: in this one Playwright's event loop may run already.
    with ThreadPoolExecutor(1) as beside:
        rows = beside.submit(measure, row()).result()
    for found in rows:
        assert list(found.values) == ["Rooms", "insertAdjacentHTML"]
        assert all(value > 0 for value in found.values.values())


def test_what_a_process_costs_grows_with_its_work_even_in_threads_that_have_ended() -> None:
    def work() -> None:
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass

    before = cpu_of(os.getpid())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert cpu_of(os.getpid()) - before >= 50_000_000


async def test_what_does_not_come_is_counted_as_lost() -> None:
    assert await Crowd(1).settle(7, 0.05) == 7


@pytest.mark.parametrize(
    "server",
    [Ours(), Tutorial(), Broadcast(), Raw(), NodeWs()],
    ids=lambda server: server.name,
)
def test_all_servers_send_frames_of_the_same_length(server: Server) -> None:
    async def length() -> int:
        async with Crowd(server.marks) as crowd:
            await crowd.join(server.address(), 1)
            [seat] = crowd.seats
            seat.wanted = MARK
            post(seat, server.padding)
            await seat.seen.wait()
            assert seat.count == 1
            return seat.size

    try:
        with server:
            assert abs(uvloop.run(length()) - FRAME) <= 4
    except NotHere as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("npm", ["#!/bin/sh\nexit 1\n", None], ids=["fails", "is missing"])
def test_what_npm_cannot_bring_is_left_out(
    npm: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if npm is not None:
        (tmp_path / "npm").write_text(npm)
        (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotHere, match="Node ws is left out"), NodeWs():
        pass


def test_a_goal_knows_whether_it_is_reached() -> None:
    assert Goal("", 1.0, "at most", 1).is_reached
    assert not Goal("", 1.1, "at most", 1).is_reached
    assert Goal("", 1.0, "at least", 1).is_reached
    assert not replace(Goal("", 0.9, "at most", 1), keeps="at least").is_reached


def test_a_median_is_not_moved_by_one_bad_repetition() -> None:
    assert medians({"Rooms": [2, 1, 900]}) == {"Rooms": 2}


def test_the_table_says_what_was_not_reached() -> None:
    row = Row("fan-out", "µs", {"Rooms": 1234.5}, [Goal("ratio", 2, "at most", 1)])
    assert "| **fan-out**, µs | Rooms | 1,234 | | |" in markdown([row])
    assert "| ratio | 2 | at most 1 | **not reached** |" in markdown([row])


def test_what_was_measured_anew_takes_the_place_of_its_own_rows_alone(tmp_path: Path) -> None:
    def record(ours: float, seconds: float) -> Record:
        row = Row("fan-out", "µs", {"Rooms": ours}, [Goal("ratio", ours, "at most", 5)])
        return Record([row], {"seconds": seconds})

    told = tmp_path / "performance.md"
    told.write_text("before\n<!-- table -->\nold\n<!-- end of table -->\nafter\n")
    stages = ("first", "second")
    write_docs(tmp_path, {"second": record(2, 1), "first": record(3, 1)}, stages)
    write_docs(tmp_path, {"first": record(7, 4)}, stages)

    records = read(tmp_path / "bench.json")
    assert records == {"first": record(7, 4), "second": record(2, 1)}
    assert list(records) == ["first", "second"]
    rows = [row for one in records.values() for row in one.rows]
    assert told.read_text() == (
        f"before\n<!-- table -->\n\n{markdown(rows)}\n\n<!-- end of table -->\nafter\n"
    )
    assert "| ratio | 7 | at most 5 | **not reached** |" in told.read_text()
    assert ">7<" in (tmp_path / "performance.svg").read_text()


def test_docs_show_what_their_figures_hold(tmp_path: Path) -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    for name in ("bench.json", "performance.md", "performance.svg", "scaling.md"):
        shutil.copy(docs / name, tmp_path)
    write_docs(tmp_path, {}, STAGES)
    for name in ("bench.json", "performance.md", "performance.svg", "scaling.md"):
        assert (tmp_path / name).read_text() == (docs / name).read_text()


def test_the_picture_shows_who_it_is_about() -> None:
    row = Row("fan-out, 20 messages/s", "µs", {"Rooms": 3, "A & B": 30})
    drawn = ElementTree.fromstring(picture([row]))
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["fan-out, 20 messages/s: µs", "Rooms", "3", "A & B", "30"]
    widths = [float(bar.attrib["width"]) for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[1] == pytest.approx(10 * widths[0])
