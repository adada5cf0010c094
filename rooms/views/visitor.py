"""Who asks for a page, and the cookie that keeps a guest the same one."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django_htmx.middleware import HtmxDetails

from rooms import authors, guests
from rooms.addresses import address_of
from rooms.authors import Author


class Visit(HttpRequest):
    """A request of which it is known who asks, and whether htmx does."""

    you: Author
    htmx: HtmxDetails


def see_other(view: str, *args: object) -> HttpResponse:
    """Return the answer to a form that was taken: look there (303), with GET."""
    return HttpResponse(status=303, headers={"Location": reverse(view, args=args)})


Parameters = ParamSpec("Parameters")
View = Callable[Concatenate[Visit, Parameters], Coroutine[Any, Any, HttpResponseBase]]


def with_visitor(view: View[Parameters]) -> View[Parameters]:
    """Give the view `request.you`; a guest who is new gets a cookie with the response."""

    @wraps(view)
    async def visited(
        request: Visit, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> HttpResponseBase:
        known, address = guests.recall(request.COOKIES), address_of(getattr(request, "scope", {}))
        user = await request.auser()
        if user.is_authenticated:
            request.you = authors.member(user, request.session.session_key or "", address)
            return await view(request, *args, **kwargs)
        request.you = replace(known or authors.new_guest(), address=address)
        response = await view(request, *args, **kwargs)
        if known is None and guests.COOKIE not in response.cookies:
            guests.remember(response, request.you)
        return response

    return cast("View[Parameters]", visited)
