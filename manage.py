#!/usr/bin/env python
"""Command line of the project: `python manage.py help` lists what it can do."""

import os
import sys

from site_config.environment import WrongSetting


def main() -> None:
    """Run one management command; a wrong setting ends it with one line that names it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
    if sys.argv[1:2] == ["runserver"]:
        os.environ.setdefault("DEBUG", "on")  # the development server
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except WrongSetting as wrong:
        sys.exit(f"rooms: {wrong}")
    except OperationalError as away:
        sys.exit(f"rooms: the database cannot be used: {str(away).splitlines()[0]}")


if __name__ == "__main__":
    main()
