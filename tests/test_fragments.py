"""What a page shows."""

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.template.loader import render_to_string

from rooms import backups, fragments, log, posting
from rooms.authors import named_tool, tag_of
from rooms.models import Message

ALICE = named_tool("alice")


@pytest.mark.django_db(transaction=True)
def test_a_page_and_a_push_share_one_rendering_of_each_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receipt = posting.post_message("lobby", ALICE, "hello")
    rendered: list[str] = []
    item = fragments._item

    def counted(room: str, message: Message) -> str:
        rendered.append(message.body)
        return item(room, message)

    monkeypatch.setattr(fragments, "_item", counted)
    head = log.head("lobby")
    assert head.room_id is not None
    pushed = fragments.live("lobby", log.after(head.room_id, 0, head.seq), "1.x")
    [shown] = fragments.listing("lobby", log.page(head.room_id, head.seq))["messages"]
    assert shown in pushed
    assert rendered == ["hello"]
    posting.edit_message("lobby", ALICE, receipt.message_id, "goodbye")
    head = log.head("lobby")
    assert head.room_id is not None
    fragments.live("lobby", log.after(head.room_id, 1, head.seq), "2.x")
    [shown] = fragments.listing("lobby", log.page(head.room_id, head.seq))["messages"]
    assert "goodbye" in shown
    assert rendered == ["hello", "goodbye"]


@pytest.mark.parametrize("room", ["lobby", "zwölf"])
@pytest.mark.parametrize("flags", [*itertools.product((False, True), repeat=4)])
def test_a_message_is_filled_in_as_its_template_would_show_it(
    room: str, flags: tuple[bool, bool, bool, bool]
) -> None:
    continues, opens_day, is_edited, is_deleted = flags
    noon = datetime(2026, 3, 29, 12, 30, 1, 2, tzinfo=UTC)
    message = Message(
        number=42,
        identity="alice",
        author_name="%(tag)s & <b>",
        body="" if is_deleted else "100 % <i> https://example.org/%20\n%(name)s",
        sent_at=noon,
        continues=continues,
        opens_day=opens_day,
        edited_at=noon if is_edited else None,
        deleted_at=noon if is_deleted else None,
    )
    shown = {
        "room": room,
        "number": 42,
        "tag": tag_of("alice"),
        "name": "%(tag)s & <b>",
        "html": message.html,
        "date": "2026-03-29",
        "day": "Sunday, 29 March 2026",
        "moment": "2026-03-29T12:30:01.000002+00:00",
        "clock": "12:30",
        "continues": continues,
        "opens_day": opens_day,
        "is_edited": is_edited and not is_deleted,
        "is_deleted": is_deleted,
    }
    assert fragments.message(room, message) == render_to_string("rooms/_message.html", shown)
    fragments._kept.clear()


@pytest.mark.parametrize("room", ["lobby", "42", "zwölf"])
@pytest.mark.parametrize("unseen", [None, 0, 1, 42, 1234])
def test_a_title_is_filled_in_as_its_template_would_show_it(room: str, unseen: int | None) -> None:
    shown = {"room": room, "unseen": unseen}
    assert fragments.title(room, unseen) == render_to_string("rooms/live/title.html", shown)


@pytest.mark.django_db(transaction=True)
def test_a_fragment_tells_a_reader_nothing_but_a_digest_of_the_authors_identity() -> None:
    posting.post_message("lobby", ALICE, "hello")
    html = fragments.message("lobby", Message.objects.get())
    assert ALICE.identity not in html
    assert f'data-author="{ALICE.tag}"' in html


@pytest.mark.django_db(transaction=True)
def test_a_change_that_a_restore_undid_is_not_shown_for_another_of_the_same_number(
    tmp_path: Path,
) -> None:
    receipt = posting.post_message("lobby", ALICE, "hello")
    backups.take(tmp_path / "backup")
    for text in ("lost", "goodbye"):
        posting.edit_message("lobby", ALICE, receipt.message_id, text)
        assert text in fragments.message("lobby", Message.objects.get())
        backups.restore(tmp_path / "backup")
    posting.delete_message("lobby", ALICE, receipt.message_id)
    assert "goodbye" not in fragments.message("lobby", Message.objects.get())


@pytest.mark.django_db(transaction=True)
def test_nothing_in_a_message_belongs_to_a_form_elsewhere() -> None:
    posting.post_message("lobby", ALICE, "hello")
    head = log.head("lobby")
    assert head.room_id is not None
    # For each of them the browser would go through the whole page.
    assert "form=" not in fragments.items("lobby", log.page(head.room_id, head.seq))


def test_what_most_frames_replace_stands_before_the_log() -> None:
    page = render_to_string("rooms/room.html", {"room": "lobby", "you": ALICE, "cursor": "1.x"})
    for name in ("here", "status", "beat", "contact", "acked", "cursor", "unseen"):
        assert page.index(f'id="{name}"') < page.index('id="log"')
