"""How a refusal is answered: its status, and when to try again."""

import math

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rooms.errors import Refused

# When to come back if the refusal does not say it.
RETRY_SECONDS = 5


def answer(response: HttpResponse, refused: Refused | None) -> HttpResponse:
    """Return the response, with the status and the `Retry-After` of what was refused, if it was."""
    if refused is not None:
        response.status_code = refused.status
        if refused.retry_after is not None:
            response["Retry-After"] = str(math.ceil(refused.retry_after))
    return response


def not_now(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return a page of its own that says when to try again, with what was typed."""
    form = request.POST
    context = {"error": refused, "typed": form.get("message", ""), "key": form.get("id", "")}
    response = answer(render(request, "rooms/not_now.html", context), refused)
    response.setdefault("Retry-After", str(RETRY_SECONDS))
    # A whole page has no place inside another one; there what was typed still stands.
    response["HX-Reswap"] = "none"
    return response
