"""Sessions in the database, asked for only by keys that could be there."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's own, for keys of letters and digits: PostgreSQL raises where it is asked for a NUL.

    A cookie can hold one in quotes, as an octal escape.
    """

    def _validate_session_key(self, key: str | None) -> bool:
        if not (key and key.isascii() and key.isalnum()):
            return False
        return bool(super()._validate_session_key(key))  # type: ignore[misc]
