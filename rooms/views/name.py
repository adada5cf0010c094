"""A guest's own name."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from rooms import fragments, guests
from rooms.errors import Forbidden, Refused
from rooms.feeds import feeds
from rooms.views.form import posted
from rooms.views.refusal import answer
from rooms.views.visitor import Visit, see_other, with_visitor


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@with_visitor
async def name(request: Visit, room: str) -> HttpResponse:
    """Show the form for the name; take a new one."""
    if request.method != "POST":
        return _form(request, room, request.you.name)
    typed = ""
    try:
        if request.you.user_id is not None:
            raise Forbidden("An account's name is not changed here.")
        typed = posted(request).get("name", "")
        request.you = await guests.rename(request.you, typed)
    except Refused as refused:
        return _form(request, room, typed, refused)
    if request.htmx:
        # A socket knows whom its cookie named when it was opened, so it is opened anew.
        shown = render(request, "rooms/_you.html", {"room": room, "you": request.you})
        response = HttpResponse(shown.content.decode() + fragments.leaf(room, oob=True))
    else:
        response = see_other("rooms:room", room)
    guests.remember(response, request.you)
    feeds().renew(request.you.tag)
    return response


def _form(request: Visit, room: str, typed: str, refused: Refused | None = None) -> HttpResponse:
    template = "rooms/_name.html" if request.htmx else "rooms/name.html"
    context = {"room": room, "you": request.you, "typed": typed, "error": refused}
    return answer(render(request, template, context), refused)
