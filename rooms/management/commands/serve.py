"""`manage.py serve`: the program as it runs for people."""

import gc
import resource
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Serve on HOST and PORT until SIGINT or SIGTERM."""

    help = "Serve Rooms under Daphne on HOST and PORT."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the server; one line says why it cannot."""
        from rooms.server.daphne import Server, endpoints
        from rooms.skeletons import skeleton
        from site_config.asgi import application

        host, port = settings.HOST, settings.PORT
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}/chat/"
        server = Server(
            application,
            endpoints=endpoints(host, port),
            websocket_max_message_size=settings.DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE,
            websocket_max_frame_size=settings.DAPHNE_WEBSOCKET_MAX_FRAME_SIZE,
            websocket_timeout=-1,  # a socket lives as long as its reader
            server_name="",
            ready_callable=lambda: self.stdout.write(f"Rooms is open at {address}"),
        )
        # A system's usual 1,024 open files are as many sockets.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        skeleton("")  # loads its table now, not under the first visitor
        # What is loaded by now never becomes garbage, and is not to be searched for it.
        gc.freeze()
        server.run()
        if server.failure:
            sys.exit(f"rooms: cannot listen at {address}: {server.failure}")
