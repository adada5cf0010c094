"""What tests share: the real programs, each started once and only when a test asks for it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from channels.layers import channel_layers
from playwright.sync_api import Browser, sync_playwright

from rooms import connections, database, feeds, limits
from tests.services import Postgres, Redis, Rooms
from tests.services.chromium import launch
from tests.store import postgres_of_session, redis_of_session
from tests.visitor import Visitor

_SERVICES = {"postgres", "postgres_url", "redis", "redis_url"}
_BROWSER = {"browser"}


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test by the programs that it asks for."""
    asked = set(getattr(item, "fixturenames", ()))
    if asked & _SERVICES:
        item.add_marker("services")
    if asked & _BROWSER:
        item.add_marker("browser")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put browser tests last: Playwright's event loop stays in the thread, where no other fits."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(autouse=True)
def closed_after_use(request: pytest.FixtureRequest, _django_db_marker: None) -> Iterator[None]:
    """Close what a test left open on its event loop, and in the threads that read for it."""
    if asyncio.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("closed_with_loop")
    yield
    if request.node.get_closest_marker("django_db"):
        database.close()


@pytest_asyncio.fixture
async def closed_with_loop() -> AsyncIterator[None]:
    """Stop the feeds, the presence, the doorbell and the limits of a test's event loop."""
    yield
    await feeds.feeds().close()
    await connections.connections().end()
    await limits.shared().close()
    # A layer on Redis keeps locks of the loop that used it, now and then a held one.
    channel_layers.backends.clear()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Keep the test database: some thread may still hold it, and its server goes anyway."""
    return True


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Postgres]:
    """A PostgreSQL server; a test that stops it starts it again."""
    if running := pytestconfig.stash.get(postgres_of_session, None):
        yield running
    else:
        with Postgres() as server:
            yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The address of an empty PostgreSQL database, another one for each test."""
    return postgres.database()


@pytest.fixture(scope="session")
def redis(pytestconfig: pytest.Config) -> Iterator[Redis]:
    """A Redis server; a test that stops it starts it again."""
    if running := pytestconfig.stash.get(redis_of_session, None):
        yield running
    else:
        with Redis() as server:
            yield server


@pytest.fixture(scope="session")
def redis_url(redis: Redis) -> str:
    """The address of the Redis server."""
    return redis.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; each test makes contexts of its own, for one person each."""
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    """A Rooms server on SQLite, empty when the module's tests begin."""
    with Rooms() as server:
        yield server


@pytest.fixture
def alice(rooms: Rooms) -> Iterator[Visitor]:
    """Somebody in front of the module's server."""
    with Visitor(rooms) as visitor:
        yield visitor
