"""`python -m tests.bench.server serve`: `manage.py` with an empty page beside the real ones."""

import os
import sys

import django
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.urls import path


async def _empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def main() -> None:
    """Run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
    django.setup()
    from site_config import urls

    urls.urlpatterns.append(path("empty/", _empty))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
