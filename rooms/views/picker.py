"""The room picker."""

from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rooms import database
from rooms.errors import InvalidRoom
from rooms.feeds import feeds
from rooms.models import Room
from rooms.names import canonical_room
from rooms.views.visitor import Visit, with_visitor

# Rooms in the list, those with the latest message first.
SHOWN = 50


@require_safe
@never_cache
@with_visitor
async def index(request: Visit) -> HttpResponse:
    """Show the form and the open rooms; take the form's room, or htmx's wish to filter."""
    typed = request.GET.get("room", "")
    query = request.GET.get("q", "")
    if "q" not in request.GET and "room" in request.GET:
        try:
            return redirect("rooms:room", canonical_room(typed))
        except InvalidRoom as error:
            return await _page(request, {"typed": typed, "error": error}, status=400)
    if request.htmx:
        return await _page(request, _filter(query or typed), "rooms/_rooms.html")
    return await _page(request, {"typed": typed, "query": query})


def _filter(query: str) -> dict[str, Any]:
    context: dict[str, Any] = {"query": query}
    if query:
        try:
            canonical_room(query)
        except InvalidRoom as error:
            context["error"] = error
    return context


async def _page(
    request: Visit, context: dict[str, Any], template: str = "rooms/index.html", status: int = 200
) -> HttpResponse:
    rooms = await database.read(_open_rooms, context.get("query", ""))
    presence = feeds().presence
    for room in rooms:
        room["here"] = len(presence.here(room["name"]))
    return render(request, template, {"rooms": rooms, **context}, status=status)


def _open_rooms(query: str) -> list[dict[str, Any]]:
    rooms: QuerySet[Room] = Room.objects.order_by(F("active_at").desc(nulls_last=True), "name")
    if query:
        try:
            rooms = rooms.filter(name__contains=canonical_room(query))
        except InvalidRoom:
            return []
    return [dict(room) for room in rooms.values("name", "topic", "active_at")[:SHOWN]]
