"""A server that strangers do their worst to."""

from collections.abc import Iterator

import pytest

from tests.services import Rooms
from tests.store import postgres_of_session, redis_of_session

# A fuzzer is faster than anybody may be.
UNLIMITED = (
    *("POST_RATE", "ADDRESS_POST_RATE", "ROOM_RATE", "NAME_RATE", "PAGE_RATE", "REFUSAL_RATE"),
    *("JOIN_RATE", "SOCKETS_MAX", "ADDRESS_SOCKETS_MAX", "ADDRESS_STREAMS_MAX"),
)


@pytest.fixture(scope="module")
def rooms(pytestconfig: pytest.Config) -> Iterator[Rooms]:
    """A server where nobody is too fast, on the stores that pytest was told to use."""
    postgres = pytestconfig.stash.get(postgres_of_session, None)
    redis = pytestconfig.stash.get(redis_of_session, None)
    with Rooms(
        database_url=postgres.database() if postgres else None,
        redis_url=redis.url if redis else None,
        env=dict.fromkeys(UNLIMITED, "off"),
    ) as server:
        yield server
