"""The way back."""

import gzip
import json
import zlib
from collections.abc import Iterable
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

from django.core import serializers
from django.core.serializers.base import DeserializationError, DeserializedObject
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import AutoField, Model

from rooms.backups.contents import BATCH, FORMAT, Unusable, migrations, quoted, tables
from rooms.models import Epoch, Room, User
from rooms.skeletons import skeleton

# What comes of lines that nobody's backup wrote, and of a file that is not whole.
_ODD = (ValueError, TypeError, AttributeError, LookupError)
_TORN = (gzip.BadGzipFile, zlib.error, EOFError)
_ANOTHER = "it is not a backup of Rooms"
_DAMAGED = "it is damaged or cut off"
_PACKED = b"\x1f\x8b"  # how every file of gzip begins (RFC 1952)


def restore(path: Path) -> dict[str, int]:
    """Put the copy in the place of all that is stored; returns the rows of each model.

    The history gets a new epoch, and everybody is signed out. Other processes may run: until it
    is done they show what was, and their posts wait or are refused as unavailable. Raises
    Unusable or OSError, and then has changed nothing.
    """
    with path.open("rb") as file:
        if file.read(len(_PACKED)) != _PACKED:
            raise Unusable(_ANOTHER)
    with gzip.open(path) as lines:
        rows = _check(lines)
        lines.seek(0)
        try:
            with transaction.atomic(durable=True):
                _lock()
                for model in reversed(tables()):
                    model._base_manager.all()._raw_delete(connection.alias)
                _fill(islice(lines, 1, 1 + sum(rows.values())))
                Epoch.objects.update_or_create(pk=1, defaults={"word": Epoch.new_word()})
                _raise_sequences()
        except (*_ODD, DeserializationError, IntegrityError, DataError) as error:
            # What they say may hold somebody's text.
            raise Unusable(f"it does not fit: {type(error).__name__}") from error
    return rows


# Private


def _check(lines: gzip.GzipFile) -> dict[str, int]:
    """Read the file once to its end; returns how many rows it holds. Raises Unusable."""
    known, applied = migrations()
    try:
        header = json.loads(lines.readline())
        if header["rooms"] != "backup":
            raise ValueError
        is_newer = header["format"] > FORMAT or set(header["migrations"]) - known
    except _TORN:
        raise Unusable(_DAMAGED) from None
    except _ODD:
        raise Unusable(_ANOTHER) from None
    if is_newer:
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
    except (*_TORN, *_ODD):
        raise Unusable(_DAMAGED) from None
    return rows


def _lock() -> None:
    """Hold off all other writers until the transaction ends (on SQLite it does so by itself)."""
    if connection.vendor == "postgresql":
        # Whoever posts takes the room before anything else: in another order both could wait for
        # each other.
        ordered = sorted(tables(), key=lambda model: model is not Room)
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(map(quoted, ordered))} IN EXCLUSIVE MODE")


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
            for model in tables():
                if isinstance(model._meta.pk, AutoField):
                    table = quoted(model)
                    cursor.execute(
                        "SELECT setval(own, GREATEST(nextval(own), "  # noqa: S608 (our own name)
                        f"(SELECT max(id) FROM {table}))) "
                        "FROM pg_get_serial_sequence(%s, 'id') AS own",
                        [table],
                    )
