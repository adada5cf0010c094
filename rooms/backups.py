"""A copy of all that is stored, and its way back.

One format for every store, so that a chat can move from one to another: Django's own JSON lines,
compressed, between a line that says what they are and one that says how many rows there were.
"""

import gzip
import io
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core import serializers
from django.core.serializers.base import DeserializationError, DeserializedObject
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import AutoField, Model
from django.utils import timezone

from rooms import __version__
from rooms.models import Epoch, Room, User
from rooms.skeletons import skeleton

FORMAT = 1
# Rows written, and rows read, at once.
BATCH = 1000
# A quarter of the time of the usual 9, for a twentieth more bytes.
_COMPRESSION = 5


class Unusable(Exception):
    """A file cannot be restored here, for the reason that its text tells."""


def models() -> list[type[Model]]:
    """Return what a backup holds: all of ours, and what of Django's belongs to it.

    Not the sessions, for a restore signs everybody out, nor what `migrate` makes by itself.
    """
    return [Group, *apps.get_app_config("rooms").get_models(), LogEntry]


def take(path: Path) -> dict[str, int]:
    """Copy a running installation into a file, hindering nobody; returns the rows of each model.

    The file is there whole or not at all, and for its owner alone. Raises OSError.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with (
                gzip.GzipFile("", "wb", _COMPRESSION, file) as packed,
                io.TextIOWrapper(packed, "utf-8", newline="\n") as lines,
            ):
                rows = _write(lines)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return rows


def restore(path: Path) -> dict[str, int]:
    """Put the copy in the place of all that is stored; returns the rows of each model.

    The history gets a new epoch, and everybody is signed out. Other processes may run: until it
    is done they show what was, and their posts wait or are refused as unavailable. Raises
    Unusable or OSError, and then has changed nothing.
    """
    with gzip.open(path) as lines:
        rows = _check(lines)
        lines.seek(0)
        try:
            with transaction.atomic(durable=True):
                _lock()
                for model in reversed(_tables()):
                    model._base_manager.all()._raw_delete(connection.alias)
                _fill(islice(lines, 1, 1 + sum(rows.values())))
                Epoch.objects.update_or_create(pk=1, defaults={"word": Epoch.new_word()})
                _raise_sequences()
        except (ValueError, DeserializationError, IntegrityError, DataError) as error:
            # What they say may hold somebody's text.
            raise Unusable(f"it does not fit: {type(error).__name__}") from error
    return rows


def told(rows: dict[str, int]) -> str:
    """Return a backup's rows as one reads them."""
    return ", ".join(f"{rows[f'rooms.{name}']:,} {name}s" for name in ("user", "room", "message"))


# Taking


def _write(lines: TextIO) -> dict[str, int]:
    rows: Counter[str] = Counter()
    with _snapshot():
        _, applied = _migrations()
        header = {
            "rooms": "backup",
            "format": FORMAT,
            "version": __version__,
            "migrations": sorted(applied),
            "taken_at": timezone.now().isoformat(timespec="seconds"),
        }
        lines.write(json.dumps(header) + "\n")
        for model in models():
            serializers.serialize(
                "jsonl",
                _counted(model, rows),
                stream=lines,
                cls=_Encoder,
                use_natural_foreign_keys=_leads_outside(model),
            )
    lines.write(json.dumps({"rows": rows}) + "\n")
    return rows


@contextmanager
def _snapshot() -> Iterator[None]:
    """See one state of the database, whatever is written meanwhile, and lock nothing."""
    if connection.vendor == "postgresql":
        with transaction.atomic(durable=True):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    # IMMEDIATE, as everybody else begins, would hold off all writers until the copy is made.
    connection.ensure_connection()
    sqlite: Any = connection
    usual, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
    try:
        with transaction.atomic(durable=True):
            yield
    finally:
        sqlite.transaction_mode = usual


def _counted(model: type[Model], rows: Counter[str]) -> Iterator[Model]:
    label = model._meta.label_lower
    rows[label] = 0
    found = model._base_manager.order_by("pk")
    for row in found.prefetch_related(*_many_to_many(model)).iterator(BATCH):
        rows[label] += 1
        yield row


def _leads_outside(model: type[Model]) -> bool:
    """Whether it points at rows that have other keys in another database: name those by nature."""
    own = set(models())
    return any(
        field.related_model not in own
        for field in (*model._meta.fields, *model._meta.many_to_many)
        if field.is_relation
    )


class _Encoder(DjangoJSONEncoder):
    """Django's own cuts a time to milliseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


# Restoring


def _check(lines: gzip.GzipFile) -> dict[str, int]:
    """Read the file once to its end; returns how many rows it holds. Raises Unusable."""
    try:
        header = json.loads(lines.readline())
        if header["rooms"] != "backup":
            raise ValueError
    except (gzip.BadGzipFile, zlib.error, EOFError, ValueError, LookupError, TypeError):
        raise Unusable("it is not a backup of Rooms") from None
    known, applied = _migrations()
    if header["format"] > FORMAT or set(header["migrations"]) - known:
        raise Unusable(f"it was made by a newer Rooms ({header['version']})")
    if known - applied:
        raise Unusable("the database is not ready for it: run manage.py migrate first")
    count, last = 0, b""
    try:
        for line in lines:
            count, last = count + 1, line
        rows: dict[str, int] = json.loads(last)["rows"]
        if count - 1 != sum(rows.values()):
            raise ValueError
    except (gzip.BadGzipFile, zlib.error, EOFError, ValueError, LookupError):
        raise Unusable("it is damaged or cut off") from None
    return rows


def _lock() -> None:
    """Hold off all other writers until the transaction ends (on SQLite it does so by itself)."""
    if connection.vendor == "postgresql":
        # Whoever posts takes the room before anything else: in another order both could wait for
        # each other.
        tables = sorted(_tables(), key=lambda model: model is not Room)
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(map(_quoted, tables))} IN EXCLUSIVE MODE")


def _fill(lines: Iterable[bytes]) -> None:
    # A model at a time: what names another row by nature looks for it in the database.
    for _, rows in groupby(map(json.loads, lines), itemgetter("model")):
        while some := list(islice(rows, BATCH)):
            _insert(list(serializers.deserialize("python", some, ignorenonexistent=True)))


def _insert(found: list[DeserializedObject]) -> None:
    if not found:
        return  # a model that this release does not have any more
    objects: list[Model] = [one.object for one in found]
    for row in objects:
        if isinstance(row, User):
            row.skeleton = skeleton(row.username)  # another release may see more likenesses
    type(objects[0])._base_manager.bulk_create(objects)
    for one in found:
        for name, keys in (one.m2m_data or {}).items():
            if keys:
                getattr(one.object, name).set(keys)


def _raise_sequences() -> None:
    """Let new rows have new keys.

    Never lower: what is gone may still be named somewhere, and no rollback undoes it.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in _tables():
                if isinstance(model._meta.pk, AutoField):
                    table = _quoted(model)
                    cursor.execute(
                        "SELECT setval(own, GREATEST(nextval(own), "  # noqa: S608 (our own name)
                        f"(SELECT max(id) FROM {table}))) "
                        "FROM pg_get_serial_sequence(%s, 'id') AS own",
                        [table],
                    )


# Both


def _migrations() -> tuple[set[str], set[str]]:
    """Return which of our migrations this release knows, and which the database has."""
    loader = MigrationLoader(connection)
    known, applied = loader.disk_migrations, loader.applied_migrations
    return (
        {name for app, name in known if app == "rooms"},
        {name for app, name in applied if app == "rooms"},
    )


def _tables() -> list[type[Model]]:
    """Return all that a restore empties."""
    own = models()
    between = [table for model in own for table in _many_to_many(model).values()]
    return [*own, *between, Session]


def _many_to_many(model: type[Model]) -> dict[str, type[Model]]:
    """Return its fields whose table between is not a model of its own, and that table."""
    found = {field.name: field.remote_field.through for field in model._meta.many_to_many}
    return {name: table for name, table in found.items() if table and table._meta.auto_created}


def _quoted(model: type[Model]) -> str:
    name: str = connection.ops.quote_name(model._meta.db_table)
    return name
