"""A copy of what is stored, and its way back into any store."""

import gzip
import json
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, models
from django.utils import timezone

from rooms import backups, log, posting
from rooms.backups import Unusable, contents, restoring, taking
from rooms.models import Epoch, Message, Room, User
from tests.cast import alice, bob, unhurried

__all__ = ["unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)

# What a backup leaves out: what `migrate` makes by itself, and who is signed in.
LEFT_OUT: set[type[models.Model]] = {Permission, ContentType, Session}

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rooms.backup"


@pytest.fixture
def chat() -> None:
    """A chat in which everything has happened once."""
    editors = Group.objects.create(name="editors")
    editors.permissions.add(Permission.objects.get(codename="change_room"))
    erin = User.objects.create_user("erin", "erin@example.org", "a password of hers")
    erin.groups.add(editors)
    erin.user_permissions.add(Permission.objects.get(codename="delete_message"))
    User.objects.create_user("frank", is_staff=True)
    Room.objects.create(name="quiet", topic="Nobody spoke")
    LogEntry.objects.create(
        user=erin,
        content_type=ContentType.objects.get_for_model(Room),
        object_id="1",
        object_repr="quiet",
        action_flag=CHANGE,
    )
    say("first")
    edited, deleted = say("second \u2028 \U0001f600 <b>"), say("third")
    posting.edit_message("lobby", alice, edited, "second, edited")
    posting.delete_message("lobby", alice, deleted)
    posting.post_message("lobby", bob, "with an id", "c-1")
    Message.objects.filter(number=1).update(author=erin)
    Session.objects.create(session_key="s" * 32, session_data="", expire_date=_tomorrow())


def say(text: str) -> int:
    return posting.post_message("lobby", alice, text).message_id


def stored() -> Rows:
    """All that is stored, but the word that changes with each restore."""
    found: Rows = {}
    for model in contents.tables():
        names = [field.name for field in model._meta.fields]
        rows = model._base_manager.order_by("pk").values(*names)
        found[model._meta.label] = [
            {key: bytes(v) if isinstance(v, memoryview) else v for key, v in row.items()}
            for row in rows
        ]
    for row in found["rooms.Epoch"]:
        del row["word"]
    return found


def test_every_model_is_in_a_backup_or_left_out_on_purpose() -> None:
    assert set(apps.get_models()) == {*backups.models(), *LEFT_OUT}


def test_no_model_writes_its_own_times_which_a_restore_would_change() -> None:
    fields = [field for model in backups.models() for field in model._meta.fields]
    assert not [field for field in fields if getattr(field, "auto_now", False)]
    assert not [field for field in fields if getattr(field, "auto_now_add", False)]


@pytest.mark.usefixtures("chat")
def test_everything_is_as_it_was_and_what_came_later_is_gone(path: Path) -> None:
    before, word = stored(), Epoch.objects.get().word
    assert all(before.values()), "for this test to mean anything"
    counts = backups.take(path)
    assert counts == {
        model._meta.label_lower: model._base_manager.count() for model in backups.models()
    }

    posting.post_message("lobby", bob, "later")
    posting.edit_message("lobby", alice, Message.objects.earliest("pk").pk, "edited later")
    posting.post_message("later", bob, "in a room that is not in the copy")
    User.objects.create_user("late")
    User.objects.get(username="erin").groups.clear()
    Group.objects.create(name="latecomers")
    User.objects.filter(username="frank").update(password="forgotten", is_superuser=True)
    assert backups.restore(path) == counts

    before["sessions.Session"] = []
    after = stored()
    for model in (User.groups.through, User.user_permissions.through, Group.permissions.through):
        for row in (*before[model._meta.label], *after[model._meta.label]):
            del row["id"]  # a pair has no name
    assert after == before
    assert Epoch.objects.get().word != word
    assert User.objects.get(username="erin").check_password("a password of hers")


@pytest.mark.usefixtures("chat")
def test_the_chat_goes_on_where_the_copy_ends(path: Path) -> None:
    backups.take(path)
    last = posting.post_message("lobby", bob, "lost", "c-2")
    user = User.objects.create_user("late").pk
    backups.restore(path)

    again = posting.post_message("lobby", bob, "with an id", "c-1")
    assert (again.duplicate, again.number) == (True, 4)
    fresh = posting.post_message("lobby", bob, "another text", "c-2")
    assert (fresh.duplicate, fresh.number, fresh.seq) == (False, last.number, last.seq)
    assert fresh.message_id > last.message_id, "what is gone may still be named somewhere"
    assert User.objects.create_user("later").pk > user
    assert posting.post_message("new", bob, "in a new room").number == 1


@pytest.mark.usefixtures("chat")
def test_a_name_looks_like_what_this_release_says(path: Path) -> None:
    User.objects.update(skeleton="of an earlier release")
    backups.take(path)
    backups.restore(path)
    for user in User.objects.all():
        restored = user.skeleton
        user.save()
        assert restored == user.skeleton


@pytest.mark.usefixtures("chat")
def test_who_posts_meanwhile_waits_for_nobody_and_is_not_in_the_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored()
    counted = taking._counted

    def post() -> None:
        posting.post_message("lobby", bob, "meanwhile")
        posting.post_message("meanwhile", bob, "in a new room")
        connection.close()

    def counted_while_others_post(model: type[models.Model], rows: Any) -> Iterator[models.Model]:
        yield from counted(model, rows)
        other = threading.Thread(target=post)
        other.start()
        other.join(3)
        assert not other.is_alive()

    monkeypatch.setattr(taking, "_counted", counted_while_others_post)
    backups.take(path)
    assert Message.objects.filter(body="meanwhile").count() == len(backups.models())
    backups.restore(path)
    assert stored()["rooms.Message"] == before["rooms.Message"]
    assert stored()["rooms.Room"] == before["rooms.Room"]


# The file


@pytest.mark.usefixtures("chat")
def test_the_file_is_for_its_owner_alone_and_replaces_an_older_one(path: Path) -> None:
    path.write_text("older")
    path.chmod(0o644)
    backups.take(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert len(gzip.decompress(path.read_bytes()).splitlines()) > 10


def test_a_copy_that_fails_leaves_the_older_one_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Iterator[models.Model]:
        raise OSError(28, "No space left on device")

    path.write_text("older")
    monkeypatch.setattr(taking, "_counted", full)
    with pytest.raises(SystemExit, match="No space left on device"):
        call_command("backup", path)
    assert path.read_text() == "older"
    assert list(path.parent.iterdir()) == [path]


def _cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda data: gzip.compress(b"".join(change(gzip.decompress(data).splitlines(True))))


def _headed(**keys: object) -> Callable[[bytes], bytes]:
    return _lines(
        lambda lines: [json.dumps(json.loads(lines[0]) | keys).encode() + b"\n", *lines[1:]]
    )


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda data: b"", "not a backup"),
        (lambda data: b"Dear diary", "not a backup"),
        (lambda data: gzip.compress(b"Dear diary"), "not a backup"),
        (lambda data: gzip.compress(b'["rooms"]\n'), "not a backup"),
        (_headed(format="one"), "not a backup"),
        (_headed(migrations=7), "not a backup"),
        (_lines(lambda lines: [*lines[:-1], b'{"rows": [1]}\n']), "cut off"),
        (_cut, "cut off"),
        (_flipped, "damaged"),
        (_lines(lambda lines: lines[:-1]), "cut off"),
        (_lines(lambda lines: [*lines[:5], *lines[6:]]), "cut off"),
        (_headed(format=2, version="2.0.0"), "newer Rooms \\(2.0.0\\)"),
        (_headed(migrations=["0001_initial", "0999_of_tomorrow"]), "newer Rooms"),
        (_lines(lambda lines: [line.replace(b'"room": ', b'"room": 9') for line in lines]), "fit"),
        (_lines(lambda lines: [line.replace(b'"seq": ', b'"seq": -') for line in lines]), "fit"),
        (_lines(lambda lines: [lines[0], b"nonsense\n", *lines[2:]]), "fit"),
    ],
)  # fmt: skip
def test_what_cannot_be_restored_is_told_in_one_line_and_changes_nothing(
    path: Path, spoil: Callable[[bytes], bytes], told: str
) -> None:
    backups.take(path)
    path.write_bytes(spoil(path.read_bytes()))
    say("later")
    before, word = stored(), Epoch.objects.get().word
    with pytest.raises(Unusable, match=told) as refused:
        backups.restore(path)
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(SystemExit, match=told):
        call_command("restore", path)
    assert (stored(), Epoch.objects.get().word) == (before, word)
    say("and on it goes")


def test_a_file_that_is_not_there_is_told(path: Path) -> None:
    with pytest.raises(SystemExit, match="No such file"):
        call_command("restore", path)


@pytest.mark.usefixtures("chat")
def test_a_database_that_lacks_a_migration_is_not_ready(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backups.take(path)
    monkeypatch.setattr(
        restoring, "migrations", lambda: ({"0001_initial", "0002"}, {"0001_initial"})
    )
    with pytest.raises(Unusable, match="migrate"):
        backups.restore(path)


@pytest.mark.usefixtures("chat")
def test_a_model_that_this_release_does_not_have_any_more_is_passed_over(path: Path) -> None:
    backups.take(path)
    old = b'{"model": "rooms.typewriter", "pk": 1, "fields": {"ribbon": "red"}}\n'
    lines = gzip.decompress(path.read_bytes()).splitlines(True)
    rows = json.loads(lines[-1])["rows"] | {"rooms.typewriter": 1}
    footer = json.dumps({"rows": rows}).encode()
    path.write_bytes(gzip.compress(b"".join([*lines[:-1], old, footer])))
    backups.restore(path)
    assert log.head("lobby").number == 4


def _tomorrow() -> Any:
    return timezone.now() + timedelta(days=1)
