"""The programs that tests lean on are the real ones."""

import os

import httpx
import psycopg
import pytest
import redis as redis_client
from playwright.sync_api import Browser

from tests.services import Postgres, Redis, Rooms
from tests.services.ports import free_port, wait_until


@pytest.mark.services
def test_redis_answers_and_a_restarted_one_is_empty() -> None:
    with Redis() as server, redis_client.Redis.from_url(server.url) as client:
        client.set("room", "lobby")
        assert client.get("room") == b"lobby"
        server.restart()
        assert client.get("room") is None


@pytest.mark.services
def test_a_frozen_redis_keeps_its_port_and_says_nothing() -> None:
    with Redis() as server:
        server.freeze()
        with (
            redis_client.Redis.from_url(server.url, socket_timeout=0.2, retry=None) as client,
            pytest.raises(redis_client.TimeoutError),
        ):
            client.ping()
        server.thaw()
        with redis_client.Redis.from_url(server.url) as client:
            assert client.ping()


@pytest.mark.services
def test_postgres_keeps_what_was_committed_when_it_is_killed() -> None:
    with Postgres() as server:
        url = server.database()
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            connection.execute("CREATE TABLE room AS SELECT 'lobby' AS name")
        server.kill()
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT name FROM room").fetchone() == ("lobby",)


def test_every_database_of_one_postgres_is_new(postgres: Postgres) -> None:
    assert postgres.database() != postgres.database()


@pytest.mark.services
def test_a_program_is_gone_when_its_block_ends() -> None:
    with Redis() as server:
        pid = server.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.services
def test_a_program_that_ends_at_once_fails_with_its_own_words() -> None:
    class Broken(Redis):
        def _prepare(self) -> None:
            super()._prepare()
            self._command = [*self._command, "--no-such-setting", "1"]

    with pytest.raises(RuntimeError, match="Bad directive"), Broken():
        pass


def test_rooms_comes_back_on_the_same_port_with_the_same_data() -> None:
    with Rooms() as server:
        before = server.url, (server.data_dir / "secret_key").read_text()
        server.kill()
        assert not server.is_running
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/healthz", trust_env=False)
        server.start()
        assert httpx.get(f"{server.url}/healthz", trust_env=False).json()["database"] == "ok"
        assert (server.url, (server.data_dir / "secret_key").read_text()) == before


def test_rooms_ends_cleanly_when_asked_to() -> None:
    with Rooms() as server:
        server.stop()
        assert "Traceback" not in server.log()


def test_a_setting_that_is_wrong_fails_the_start_with_its_line() -> None:
    with pytest.raises(RuntimeError, match="POST_RATE"), Rooms(env={"POST_RATE": "often"}):
        pass


def test_a_port_is_given_out_once() -> None:
    assert len({free_port() for _ in range(50)}) == 50


def test_waiting_for_what_does_not_come_says_what_it_was() -> None:
    with pytest.raises(TimeoutError, match="the bus"):
        wait_until(lambda: False, 0.05, "the bus")


def test_the_browser_is_a_chromium_that_renders(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<p>hello")
    assert page.inner_text("p") == "hello"
    page.close()
