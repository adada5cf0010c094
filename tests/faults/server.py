"""`python -m tests.faults.server serve`: `manage.py` with a clock and a doorbell that can fail.

CONTROL names the file that says when; WITHOUT names a rule of the design that is switched off.
"""

import os
import random
import socket
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import django
from django.core.management import execute_from_command_line
from django.utils import timezone

from tests.faults.control import Control

_SENDS = 16_384


def main() -> None:
    """Run the command in a process that suffers what it is told to."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
    django.setup()
    control = Control(Path(os.environ["CONTROL"]))
    _doubt_the_clock(control)
    _doubt_the_bell(control)
    _narrow_the_way()
    if rule := os.environ.get("WITHOUT"):
        from tests.faults import sabotage

        sabotage.switch_off(int(rule))
    execute_from_command_line(sys.argv)


def _narrow_the_way() -> None:
    listen = socket.socket.listen

    def narrowed(listening: socket.socket, backlog: int) -> None:
        # Else the kernel would keep a megabyte for a reader who stops, and he never falls behind.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENDS)
        listen(listening, backlog)

    patch.object(socket.socket, "listen", narrowed).start()


def _doubt_the_clock(control: Control) -> None:
    real_time, real_now = time.time, timezone.now

    def now() -> datetime:
        return real_now() + timedelta(seconds=control.clock)

    patch.object(time, "time", lambda: real_time() + control.clock).start()
    patch.object(timezone, "now", now).start()


def _doubt_the_bell(control: Control) -> None:
    from rooms.doorbell import Bell, News

    hear = Bell._hear

    def mishear(bell: Bell, news: News) -> None:
        how = control.bell if news.get("type") == "room.rang" else ""
        if how == "delayed":
            # Each for another while: they overtake one another.
            bell.loop.call_later(random.uniform(0.1, 3), hear, bell, news)
        elif how != "dropped" or random.random() < 0.2:
            hear(bell, news)
        if how == "doubled":
            hear(bell, news)
            bell.loop.call_later(random.uniform(0, 1), hear, bell, news)

    patch.object(Bell, "_hear", mishear).start()


if __name__ == "__main__":
    main()
