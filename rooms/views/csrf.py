"""A form that was not ours, or whose visitor has no cookies."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say what to do (403); in a page of ours, above its composer."""
    if "HX-Request" not in request.headers:
        return render(request, "rooms/forbidden.html", status=403)
    response = render(request, "rooms/_forbidden.html", status=403)
    response["HX-Retarget"] = "#rejected"
    response["HX-Reswap"] = "innerHTML"
    return response
