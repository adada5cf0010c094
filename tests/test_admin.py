"""The admin writes to a room's log like everybody else."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.http import HttpRequest
from django.test import Client

from rooms import authors, database, log, posting
from rooms.admin import RoomAdmin
from rooms.models import Message, Room, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(client: Client) -> Iterator[User]:
    """The owner, signed in to the admin."""
    user = User.objects.create_superuser("alice", password="a long secret of alice")
    client.force_login(user)
    yield user
    database.close()


def test_a_message_is_posted_edited_and_deleted_as_an_entry_of_the_log(
    client: Client, alice: User
) -> None:
    room = Room.objects.create(name="lobby")
    client.post("/admin/rooms/message/add/", {"room": room.pk, "body": "helo"})
    message = Message.objects.get()
    assert (message.number, message.seq, message.author) == (1, 1, alice)
    client.post(f"/admin/rooms/message/{message.pk}/change/", {"body": "hello"})
    message.refresh_from_db()
    assert (message.body, message.posted_seq, message.seq) == ("hello", 1, 2)
    client.post(f"/admin/rooms/message/{message.pk}/delete/", {"post": "yes"})
    message.refresh_from_db()
    assert (message.body, message.seq) == ("", 3)
    assert message.deleted_at is not None
    assert log.head("lobby").seq == 3


def test_what_is_refused_is_told_and_changes_nothing(client: Client, alice: User) -> None:
    room = Room.objects.create(name="lobby")
    answer = client.post(
        "/admin/rooms/message/add/", {"room": room.pk, "body": "x" * 4001}, follow=True
    )
    assert "4,000 characters" in answer.content.decode()
    assert not Message.objects.exists()


def test_a_topic_is_saved_without_touching_the_counters_of_the_log(
    client: Client, alice: User
) -> None:
    room = Room.objects.create(name="lobby")
    stale = Room.objects.get()
    posting.post_message("lobby", authors.named_tool("bob"), "meanwhile")
    stale.topic = "What is new"
    RoomAdmin(Room, admin.site).save_model(HttpRequest(), stale, None, change=True)
    room.refresh_from_db()
    assert (room.topic, room.seq, room.number) == ("What is new", 1, 1)


def test_a_room_gets_its_canonical_name(client: Client, alice: User) -> None:
    client.post("/admin/rooms/room/add/", {"name": "Lobby", "topic": ""})
    assert Room.objects.get().name == "lobby"
    client.post("/admin/rooms/room/add/", {"name": "no such room", "topic": ""})
    assert Room.objects.count() == 1


def test_a_tombstone_is_not_deleted_again(client: Client, alice: User) -> None:
    receipt = posting.post_message("lobby", authors.member(alice), "hello")
    posting.delete_message("lobby", authors.member(alice), receipt.message_id)
    answer = client.post(f"/admin/rooms/message/{receipt.message_id}/delete/", {"post": "yes"})
    assert answer.status_code == 403
    assert Message.objects.count() == 1
