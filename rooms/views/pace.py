"""How often one address may ask for anything."""

from collections.abc import Awaitable, Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import async_only_middleware

from rooms import limits
from rooms.addresses import address_of
from rooms.errors import RateLimited
from rooms.views.refusal import not_now

Next = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@async_only_middleware
def pace(get_response: Next) -> Next:
    """Answer 429 to an address that asks, or tries to sign in, more often than it may."""
    sign_in = reverse("admin:login")

    async def paced(request: HttpRequest) -> HttpResponseBase:
        # Django's synchronous test client has no scope.
        address = address_of(getattr(request, "scope", {}))
        try:
            await limits.take(("page", address, settings.PAGE_RATE))
            if request.method == "POST" and request.path_info == sign_in:
                await limits.take(("sign in", address, settings.SIGN_IN_RATE))
        except RateLimited as refused:
            return not_now(request, refused)
        return await get_response(request)

    return paced
