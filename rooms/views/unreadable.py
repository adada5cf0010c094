"""A request that cannot be read."""

from django.http import HttpRequest, HttpResponseBadRequest


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponseBadRequest:
    """Say so (400). Django's own view looks for a CSRF token in the form, and stumbles again."""
    return HttpResponseBadRequest("This request cannot be read.", content_type="text/plain")
