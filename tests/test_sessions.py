import pytest

from rooms.sessions import SessionStore


@pytest.mark.parametrize("key", ["\x00" * 32, "'" * 32, "é" * 32, "short", ""])
def test_a_key_that_cannot_be_a_session_s_is_not_asked_for(key: str) -> None:
    assert SessionStore(key).session_key is None


def test_a_key_that_can_be_is() -> None:
    assert SessionStore("0a" * 16).session_key == "0a" * 16
