"""What every response carries."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors {ancestors}"
)

Sync = Callable[[HttpRequest], HttpResponseBase]
Async = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def content_security_policy(get_response: Sync | Async) -> Sync | Async:
    """Send a policy that lets a page load what this site itself serves, and run nothing inline.

    A view that says `X-Frame-Options: SAMEORIGIN` (the stream) may be framed by our own pages.
    """
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            return _with_policy(await get_response(request))

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        assert isinstance(response, HttpResponseBase)
        return _with_policy(response)

    return answer


def _with_policy(response: HttpResponseBase) -> HttpResponseBase:
    framed = response.get("X-Frame-Options") == "SAMEORIGIN"
    ancestors = "'self'" if framed else "'none'"
    # An error page, too, brings its visitor a cookie.
    response.setdefault("Cache-Control", "private")
    response["Content-Security-Policy"] = POLICY.format(ancestors=ancestors)
    return response
