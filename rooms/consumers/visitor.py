"""Who opens a socket."""

from typing import Any

from channels.auth import AuthMiddleware

from rooms import database


class AccountMiddleware(AuthMiddleware):  # type: ignore[misc]
    """Channels' own; while the database is away the user is None, and the consumer says so."""

    async def resolve_scope(self, scope: dict[str, Any]) -> None:
        """Put the account of the session, or Django's anonymous user, into the scope."""
        try:
            await super().resolve_scope(scope)
        except database.AWAY:
            scope["user"] = None
