"""`manage.py` with a server that pings its sockets every two seconds."""

import os
import sys
from unittest.mock import patch

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
    with patch("rooms.server.pulse.SECONDS", 2.0):
        execute_from_command_line(sys.argv)
