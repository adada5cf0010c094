"""Where Django's own test database lies: `pytest --store=postgres --layer=redis`.

A plugin of its own, named in pyproject.toml, because it must speak before pytest-django reads the
settings; a conftest.py would come too late.
"""

import os
import tempfile
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from tests.services import Postgres, Redis

postgres_of_session = pytest.StashKey[Postgres]()
redis_of_session = pytest.StashKey[Redis]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options."""
    group = parser.getgroup("rooms")
    group.addoption("--store", choices=("sqlite", "postgres"), default="sqlite")
    group.addoption("--layer", choices=("memory", "redis"), default="memory")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Start what the options ask for and name it in the environment."""
    chosen = early_config.known_args_namespace
    # What a developer's shell has set must not decide what is tested, nor tests write into var/.
    for name in ("DATABASE_URL", "REDIS_URL", "DEBUG", "SECRET_KEY", "HTTPS", "ALLOWED_HOSTS"):
        os.environ.pop(name, None)
    running = ExitStack()
    early_config.add_cleanup(running.close)
    os.environ["DATA_DIR"] = running.enter_context(tempfile.TemporaryDirectory(prefix="rooms-"))
    if chosen.store == "postgres":
        postgres = running.enter_context(Postgres())
        early_config.stash[postgres_of_session] = postgres
        os.environ["DATABASE_URL"] = postgres.database()
    if chosen.layer == "redis":
        redis = running.enter_context(Redis())
        early_config.stash[redis_of_session] = redis
        os.environ["REDIS_URL"] = redis.url
    yield
