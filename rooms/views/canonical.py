"""One address a room: others that name it lead there."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from rooms.names import canonical_room

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def canonical(view: View) -> View:
    """Give the view the room's canonical name; redirect a GET that asked for another form."""

    @wraps(view)
    async def canonically(request: HttpRequest, room: str, **kwargs: Any) -> HttpResponseBase:
        name = canonical_room(room)
        if name != room and request.method in {"GET", "HEAD"}:
            assert request.resolver_match is not None
            address = reverse(request.resolver_match.view_name, args=[name, *kwargs.values()])
            query = request.META.get("QUERY_STRING", "")
            return HttpResponsePermanentRedirect(f"{address}?{query}" if query else address)
        return await view(request, name, **kwargs)

    return canonically
