"""The small parts that a room page fetches by itself."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from rooms import fragments
from rooms.feeds import feeds
from rooms.views.room import surroundings
from rooms.views.visitor import Visit, with_visitor

# The addresses carry a version: a new release asks for new ones.
immutable = cache_control(private=True, max_age=31_536_000, immutable=True)


@require_safe
@immutable
async def live(request: Visit, room: str) -> HttpResponse:
    """Return the leaf that owns the socket: its replacement connects anew."""
    return HttpResponse(fragments.leaf(room))


@require_safe
@immutable
async def offline(request: Visit, room: str) -> HttpResponse:
    """Return what the leaf shows while there is no socket."""
    return HttpResponse(fragments.offline(room))


@require_safe
@immutable
async def form(request: Visit, room: str) -> HttpResponse:
    """Return the composer's next, empty form."""
    return HttpResponse(fragments.form(room))


@require_safe
@never_cache
async def reload(request: Visit, room: str) -> HttpResponse:
    """Make the page load itself anew."""
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_safe
@never_cache
@with_visitor
async def me(request: Visit) -> HttpResponse:
    """Return the reader's own few rules of style."""
    context = {"tag": request.you.tag, "moderates": request.you.moderates}
    return render(request, "rooms/me.css", context, content_type="text/css; charset=utf-8")


@require_safe
@never_cache
@with_visitor
async def people(request: Visit, room: str) -> HttpResponse:
    """Show who is here."""
    here = sorted(feeds().presence.here(room).items(), key=lambda person: person[1].casefold())
    template = "rooms/_people.html" if request.htmx else "rooms/people.html"
    return render(request, template, {**await surroundings(request, room), "people": here})
