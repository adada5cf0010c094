"""Whatever is asked while the database is away."""

from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from rooms import database
from rooms.errors import Unavailable
from rooms.views.refusal import not_now


class AwayMiddleware:
    """Answers 503, with what was typed, where a view finds no database."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let the request pass."""
        return await self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for a view that raised; Django's hook."""
        return not_now(request, Unavailable()) if isinstance(error, database.AWAY) else None
