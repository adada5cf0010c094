"""The room page, and the form that posts to it."""

import math
import secrets
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from rooms import database, fragments, log, posting
from rooms.errors import Refused
from rooms.feeds import feeds
from rooms.log import Head
from rooms.models import Message, Room
from rooms.views.form import posted
from rooms.views.visitor import Visit, see_other, with_visitor


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@with_visitor
async def room(request: Visit, room: str) -> HttpResponse:
    """Show the newest messages, or those before a number; take a message."""
    if request.method == "POST":
        return await _post(request, room)
    if "before" in request.GET:
        return await _older(request, room)
    return await show(request, room)


async def show(
    request: Visit, room: str, refused: Refused | None = None, typed: str = ""
) -> HttpResponse:
    """Return the room page; with a refusal, what was typed stands in the composer again."""
    head, topic, messages = await database.read(newest, room)
    context = {
        **await surroundings(request, room, topic),
        **fragments.listing(room, messages),
        "cursor": f"{head.seq}.{head.epoch}",
        "key": secrets.token_urlsafe(12),
        "first": True,
        "typed": typed,
        "error": refused,
    }
    return answer(render(request, "rooms/room.html", context), refused)


async def surroundings(request: Visit, room: str, topic: str | None = None) -> dict[str, Any]:
    """Return what the head of every page of a room shows; the topic is read unless it is given."""
    if topic is None:
        topic = await database.read(_topic, room)
    return {
        "room": room,
        "topic": topic,
        "count": len(feeds().presence.here(room)),
        "you": request.you,
        "version": fragments.VERSION,
    }


def answer(response: HttpResponse, refused: Refused | None) -> HttpResponse:
    """Return the response, with the status of what was refused."""
    if refused is not None:
        response.status_code = refused.status
        if refused.retry_after is not None:
            response["Retry-After"] = str(math.ceil(refused.retry_after))
    return response


async def _post(request: Visit, room: str) -> HttpResponse:
    typed = ""
    try:
        form = posted(request)
        typed = form.get("message", "")
        client_id = form.get("id") or None
        await posting.apost_message(room, request.you, typed, client_id)
    except Refused as refused:
        if not request.htmx:
            return await show(request, room, refused, typed)
        key = secrets.token_urlsafe(12)
        response = answer(HttpResponse(fragments.rejected_form(room, typed, refused, key)), refused)
        response["HX-Reswap"] = "outerHTML"
        return response
    if request.htmx:
        return HttpResponse(fragments.form(room), headers={"HX-Reswap": "delete"})
    return see_other("rooms:room", room)


async def _older(request: Visit, room: str) -> HttpResponse:
    raw = request.GET["before"]
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise Http404
    messages, newer = await database.read(_before, room, int(raw))
    context = fragments.listing(room, messages)
    if request.htmx:
        return render(request, "rooms/_items.html", {"room": room, **context})
    context |= await surroundings(request, room) | {"newer": newer}
    return render(request, "rooms/archive.html", context)


def newest(room: str) -> tuple[Head, str, list[Message]]:
    """Return the room's head, its topic, and the newest messages up to that head."""
    head = log.head(room)
    return head, _topic(room), log.page(head.room_id, head.seq)


def _topic(room: str) -> str:
    return Room.objects.filter(name=room).values_list("topic", flat=True).first() or ""


def _before(room: str, number: int) -> tuple[list[Message], int | None]:
    head = log.head(room)
    messages = log.page(head.room_id, head.seq, before=number)
    last = messages[-1].number if messages else head.number
    return messages, last + log.PAGE_SIZE + 1 if last < head.number else None
