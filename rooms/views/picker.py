"""The room picker."""

from typing import Any

from django.db.models import Case, F, QuerySet, When
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

# Rooms in the list: the one that was asked for, then those with the latest message.
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
    found = await database.read(_open_rooms, context.get("query", ""))
    rooms = found[:SHOWN]
    presence = feeds().presence
    for room in rooms:
        room["here"] = len(presence.here(room["name"]))
    listed = {"rooms": rooms, "are_more": len(found) > SHOWN}
    return render(request, template, {**listed, **context}, status=status)


def _open_rooms(query: str) -> list[dict[str, Any]]:
    rooms: QuerySet[Room] = Room.objects.all()
    order: list[Any] = [F("active_at").desc(nulls_last=True), "name"]
    if query:
        try:
            name = canonical_room(query)
        except InvalidRoom:
            return []
        rooms = rooms.filter(name__contains=name)
        order = [Case(When(name=name, then=0), default=1), *order]
    rooms = rooms.order_by(*order)
    return [dict(room) for room in rooms.values("name", "topic", "active_at")[: SHOWN + 1]]
