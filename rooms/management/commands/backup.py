"""`manage.py backup`: a copy of the running installation."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Write FILE."""

    help = "Copy this installation into FILE, while it runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file's name."""
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Take the copy; one line says what is in it, or why there is none."""
        from rooms import backups

        try:
            rows = backups.take(options["file"])
        except OSError as error:
            sys.exit(f"rooms: {options['file']} was not written: {error.strerror}")
        self.stdout.write(f"{options['file']} holds {backups.told(rows)}")
