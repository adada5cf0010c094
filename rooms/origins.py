"""Which pages may open a socket.

A tool sends no `Origin` and may. A page of this site may, as whoever its cookies say. A page of a
foreign origin may if ALLOWED_ORIGINS names it, and is served as anonymous: its cookies are not
read, or any page that somebody visits could speak in their name.
"""

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class OriginGate:
    """ASGI middleware for sockets: refuses (403) or strips what the rule above says."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket, or refuse it."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is not None and not _is_own(origin, headers.get(b"host", b"")):
            if not _is_allowed(origin):
                await WebsocketDenier()(scope, receive, send)
                return
            kept = [header for header in scope["headers"] if header[0] != b"cookie"]
            scope = {**scope, "headers": kept}
        await self.application(scope, receive, send)


def _is_own(origin: bytes, host: bytes) -> bool:
    place = _place(origin.decode("latin-1"))
    asked = _place(f"{place[0]}://{host.decode('latin-1')}") if place else None
    domain, _ = split_domain_port(host.decode("latin-1"))
    return bool(place and place == asked and validate_host(domain, settings.ALLOWED_HOSTS))


def _is_allowed(origin: bytes) -> bool:
    if "*" in settings.ALLOWED_ORIGINS:
        return True
    place = _place(origin.decode("latin-1"))
    return place is not None and place in map(_place, settings.ALLOWED_ORIGINS)


def _place(origin: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(origin)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
