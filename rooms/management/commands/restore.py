"""`manage.py restore`: the installation as it was when a copy was taken."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Read FILE."""

    help = "Replace all that this installation holds by what `backup` put into FILE."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file's name."""
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Put the copy back; one line says what was in it, or why nothing was changed."""
        from rooms import backups

        try:
            rows = backups.restore(options["file"])
        except backups.Unusable as reason:
            sys.exit(f"rooms: {options['file']} was not restored: {reason}")
        except OSError as error:
            sys.exit(f"rooms: {options['file']} cannot be read: {error.strerror}")
        self.stdout.write(f"{options['file']} is restored: {backups.told(rows)}")
