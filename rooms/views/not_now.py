"""What cannot be done now, and when to try again."""

import math

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rooms.errors import Refused

# When to come back if the refusal does not say it.
RETRY_SECONDS = 5


def not_now(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Answer with the refusal's status, `Retry-After`, and what was typed."""
    form = request.POST
    context = {"error": refused, "typed": form.get("message", ""), "key": form.get("id", "")}
    response = render(request, "rooms/not_now.html", context, status=refused.status)
    response["Retry-After"] = str(math.ceil(refused.retry_after or RETRY_SECONDS))
    # A whole page has no place inside another one; there what was typed still stands.
    response["HX-Reswap"] = "none"
    return response
