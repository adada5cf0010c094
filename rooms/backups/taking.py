"""The copy."""

import gzip
import io
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from django.core import serializers
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from rooms import __version__
from rooms.backups.contents import BATCH, FORMAT, many_to_many, migrations, models

# Half the time of the usual 9, for a twentieth more bytes.
_COMPRESSION = 5


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


# Private


def _write(lines: TextIO) -> dict[str, int]:
    rows: Counter[str] = Counter()
    with _snapshot():
        _, applied = migrations()
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
    for row in found.prefetch_related(*many_to_many(model)).iterator(BATCH):
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
