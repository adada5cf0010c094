"""`manage.py` as another server would run it: without the short way to the wire."""

import os
import sys
from unittest.mock import patch

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
    with patch("rooms.wire.Line.write", lambda line, frames: False):
        execute_from_command_line(sys.argv)
