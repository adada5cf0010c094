"""`manage.py runserver`: the same server with autoreload, for development."""

from daphne.management.commands.runserver import Command as DaphneCommand

from rooms.server.daphne import Server


class Command(DaphneCommand):  # type: ignore[misc]
    """Daphne's own command, with our server."""

    server_cls = Server
