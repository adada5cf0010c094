"""Real programs for tests: Redis, PostgreSQL, nginx, Chromium and Rooms itself.

Each is a context manager that starts the program on a free port of 127.0.0.1, and fails loudly
when it cannot be had: a test that is skipped proves nothing.
"""

from tests.services.nginx import Nginx
from tests.services.postgres import Postgres
from tests.services.redis import Redis
from tests.services.server import Rooms

__all__ = ["Nginx", "Postgres", "Redis", "Rooms"]
