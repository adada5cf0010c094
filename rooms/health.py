"""Whether the program can do its work: `/healthz`."""

import asyncio
import secrets

from channels.layers import get_channel_layer
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rooms import __version__, database

# A database or a layer that answers later than this is as good as away.
PATIENCE_SECONDS = 2.0


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> JsonResponse:
    """Prove the database by a query, and the layer by sending to ourselves over it."""
    stored, layer = await asyncio.gather(_database(), _channel_layer())
    status = "error" if stored != "ok" else "degraded" if layer != "ok" else "ok"
    report = {
        "status": status,
        "database": stored,
        "channel_layer": layer,
        "version": __version__,
    }
    return JsonResponse(report, status=503 if stored != "ok" else 200)


async def _database() -> str:
    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await database.read(ask)
    except (Error, TimeoutError) as error:
        return type(error).__name__
    return "ok"


async def _channel_layer() -> str:
    layer = get_channel_layer()
    channel = f"healthz.{secrets.token_hex(8)}"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await layer.send(channel, {"type": "healthz"})
            await layer.receive(channel)
    except Exception as error:  # whatever the layer's client raises when its server is away
        return type(error).__name__
    return "ok"
