"""What a backup holds, and what it may be restored into."""

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

FORMAT = 1
# Rows written, and rows read, at once.
BATCH = 1000


class Unusable(Exception):
    """A file cannot be restored here, for the reason that its text tells."""


def models() -> list[type[Model]]:
    """Return what a backup holds: all of ours, and what of Django's belongs to it.

    Not the sessions, for a restore signs everybody out, nor what `migrate` makes by itself.
    """
    return [Group, *apps.get_app_config("rooms").get_models(), LogEntry]


def told(rows: dict[str, int]) -> str:
    """Return a backup's rows as one reads them."""
    return ", ".join(f"{rows[f'rooms.{name}']:,} {name}s" for name in ("user", "room", "message"))


def migrations() -> tuple[set[str], set[str]]:
    """Return which of our migrations this release knows, and which the database has."""
    loader = MigrationLoader(connection)
    known, applied = loader.disk_migrations, loader.applied_migrations
    return (
        {name for app, name in known if app == "rooms"},
        {name for app, name in applied if app == "rooms"},
    )


def tables() -> list[type[Model]]:
    """Return all that a restore empties."""
    own = models()
    between = [table for model in own for table in many_to_many(model).values()]
    return [*own, *between, Session]


def many_to_many(model: type[Model]) -> dict[str, type[Model]]:
    """Return its fields whose table between is not a model of its own, and that table."""
    found = {field.name: field.remote_field.through for field in model._meta.many_to_many}
    return {name: table for name, table in found.items() if table and table._meta.auto_created}


def quoted(model: type[Model]) -> str:
    """Return the name of the model's table as it stands in SQL."""
    name: str = connection.ops.quote_name(model._meta.db_table)
    return name
