"""The site that the tests share."""

from collections.abc import Iterator

import pytest

from tests.deploy.site import Site, settings
from tests.services import Postgres, Redis, Rooms


@pytest.fixture(scope="package")
def servers(
    postgres: Postgres, redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Rooms, Rooms]]:
    """Two processes of one chat, with the settings of rooms.env."""
    stores = {"DATABASE_URL": postgres.database(), "REDIS_URL": redis.url}
    told = settings()
    assert stores.keys() <= told.keys()
    data_dir = tmp_path_factory.mktemp("data")

    def server() -> Rooms:
        return Rooms(data_dir=data_dir, env=told | stores | {"POST_RATE": "off"})

    with server() as first, server() as second:
        yield first, second


@pytest.fixture(scope="package")
def site(servers: tuple[Rooms, Rooms], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site."""
    made = Site(servers, tmp_path_factory.mktemp("nginx"))
    with made.nginx:
        yield made
