"""The ASGI application: any ASGI server runs it."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
_pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402  (models need the app registry)
from django.conf import settings  # noqa: E402
from servestatic import ServeStaticASGI  # noqa: E402

from rooms.routing import sockets  # noqa: E402

# Around Django, not among its middleware: there each page would pay for it, and each file for them.
_files_and_pages = ServeStaticASGI(
    _pages,
    root=settings.STATIC_ROOT,
    prefix=settings.STATIC_URL,
    immutable_file_test=r"\.[0-9a-f]{12}\.",  # the hash that the storage puts into a name
    allow_all_origins=False,
    add_headers_function=lambda headers, path, url: headers.add_header(
        "X-Content-Type-Options", "nosniff"
    ),
)

application = ProtocolTypeRouter(
    {"http": _pages if settings.DEBUG else _files_and_pages, "websocket": sockets}
)
