"""The live log for pages without script: an HTML response that does not end."""

import asyncio
import logging
from collections.abc import AsyncIterator

from django.http import HttpRequest
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from rooms.authors import Author
from rooms.connections import RETRY_SECONDS, connections
from rooms.errors import RateLimited
from rooms.newest import Newest, newest
from rooms.subscribers import Over, Revoked, StreamSubscriber, Stuck
from rooms.views.refusal import not_now
from rooms.views.visitor import Visit, with_visitor

logger = logging.getLogger(__name__)


@require_safe
@never_cache
@xframe_options_sameorigin
@with_visitor
async def stream(request: Visit, room: str) -> HttpResponseBase:
    """Send the newest messages, then every further one, until the reader is gone.

    When the history was replaced, the page is told to load itself anew, and the response ends.
    """
    if await connections().is_full("stream", request.you.address):
        return not_now(request, RateLimited(RETRY_SECONDS, "Too many pages are open here."))
    response = StreamingHttpResponse(_parts(request, room, request.you, await newest(room)))
    # Compression would hold back what has come until more comes.
    response["Content-Encoding"] = "identity"
    response["X-Accel-Buffering"] = "no"
    return response


async def _parts(request: HttpRequest, room: str, you: Author, shown: Newest) -> AsyncIterator[str]:
    context = {"room": room, "items": shown.items}
    yield render_to_string("rooms/stream.html", context, request)
    if request.method == "HEAD":
        return
    parts: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)
    subscriber = StreamSubscriber(room, you, parts.put)
    reading: asyncio.Task[None] | None = None
    try:
        await connections().open("stream", you.address)
    except RateLimited:
        return  # others were faster since it was asked
    try:
        await subscriber.begin(shown.head.seq, shown.head.epoch)
        reading = asyncio.create_task(_read(subscriber, parts))
        while (part := await parts.get()) is not None:
            yield part
    finally:
        if reading is not None:
            reading.cancel()
        subscriber.end()
        connections().close("stream", you.address)


async def _read(subscriber: StreamSubscriber, parts: asyncio.Queue[str | None]) -> None:
    try:
        await subscriber.run()
    except (Stuck, Over, Revoked):
        pass
    except Exception:
        logger.exception("A stream stumbled")
    await parts.put(None)
