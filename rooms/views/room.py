"""The room page, and the form that posts to it."""

import secrets
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from rooms import database, fragments, log, posting
from rooms.errors import Refused
from rooms.feeds import feeds
from rooms.forms import whole_number
from rooms.log import Head
from rooms.models import Message
from rooms.newest import newest
from rooms.views.form import posted
from rooms.views.layout import filled
from rooms.views.refusal import answer
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
    return await _show(request, room)


async def surroundings(request: Visit, room: str, topic: str | None = None) -> dict[str, Any]:
    """Return what the head of every page of a room shows; the topic is read unless it is given."""
    if topic is None:
        topic = (await database.read(log.head, room)).topic
    return {
        "room": room,
        "topic": topic,
        "count": len(feeds().presence.here(room)),
        "you": request.you,
        "version": fragments.VERSION,
    }


async def _show(
    request: Visit, room: str, refused: Refused | None = None, typed: str = ""
) -> HttpResponse:
    # With a refusal, what was typed stands in the composer again.
    found = await newest(room)
    head = found.head
    shown = {
        **await surroundings(request, room, head.topic),
        "items": found.items,
        "cursor": f"{head.seq}.{head.epoch}",
        "key": secrets.token_urlsafe(12),
    }
    if refused is None:
        return HttpResponse(filled(request, shown))
    shown |= {"first": True, "typed": typed, "error": refused}
    return answer(render(request, "rooms/room.html", shown), refused)


async def _post(request: Visit, room: str) -> HttpResponse:
    typed = ""
    try:
        form = posted(request)
        typed = form.get("message", "")
        client_id = form.get("id") or None
        await posting.apost_message(room, request.you, typed, client_id)
    except Refused as refused:
        if not request.htmx:
            return await _show(request, room, refused, typed)
        key = secrets.token_urlsafe(12)
        response = answer(HttpResponse(fragments.rejected_form(room, typed, refused, key)), refused)
        response["HX-Reswap"] = "outerHTML"
        return response
    if request.htmx:
        return HttpResponse(fragments.form(room), headers={"HX-Reswap": "delete"})
    return see_other("rooms:room", room)


async def _older(request: Visit, room: str) -> HttpResponse:
    number = whole_number(request.GET["before"])
    if number is None:
        raise Http404
    head, messages = await database.read(_before, room, number)
    if request.htmx:
        return HttpResponse(fragments.items(room, messages))
    last = messages[-1].number if messages else head.number
    context = {
        **await surroundings(request, room, head.topic),
        **fragments.listing(room, messages),
        "newer": last + log.PAGE_SIZE + 1 if last < head.number else None,
    }
    return render(request, "rooms/archive.html", context)


def _before(room: str, number: int) -> tuple[Head, list[Message]]:
    head = log.head(room)
    return head, log.page(head.room_id, head.seq, before=number)
