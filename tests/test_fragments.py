"""What a page shows."""

from pathlib import Path

import pytest

from rooms import backups, fragments, log, posting
from rooms.authors import named_tool
from rooms.models import Message

ALICE = named_tool("alice")


@pytest.mark.django_db(transaction=True)
def test_a_page_and_a_push_share_one_rendering_of_each_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receipt = posting.post_message("lobby", ALICE, "hello")
    rendered: list[str] = []
    render = fragments._render

    def counted(name: str, context: dict[str, object]) -> str:
        rendered.append(name)
        return render(name, context)

    monkeypatch.setattr(fragments, "_render", counted)
    head = log.head("lobby")
    assert head.room_id is not None
    pushed = fragments.live("lobby", log.after(head.room_id, 0, head.seq), "1.x")
    [shown] = fragments.listing("lobby", log.page(head.room_id, head.seq))["messages"]
    assert shown in pushed
    assert rendered.count("_message") == 1
    posting.edit_message("lobby", ALICE, receipt.message_id, "goodbye")
    head = log.head("lobby")
    assert head.room_id is not None
    fragments.live("lobby", log.after(head.room_id, 1, head.seq), "2.x")
    [shown] = fragments.listing("lobby", log.page(head.room_id, head.seq))["messages"]
    assert "goodbye" in shown
    assert rendered.count("_message") == 2


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
