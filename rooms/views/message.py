"""One message: its own page, and what its author may do with it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rooms import database, fragments, log, policies, posting
from rooms.errors import Forbidden, Refused
from rooms.forms import whole_number
from rooms.models import Message
from rooms.views.form import posted
from rooms.views.refusal import answer
from rooms.views.room import surroundings
from rooms.views.visitor import Visit, see_other, with_visitor


@require_safe
@never_cache
@with_visitor
async def message(request: Visit, room: str, number: int) -> HttpResponse:
    """Show the page around a message, that one marked; for htmx just the message."""
    found = await _find(room, number)
    if request.htmx:
        return HttpResponse(fragments.message(room, found))
    messages = await database.read(log.around, found.room_id, number)
    place = messages.index(found) + 1
    last = messages[-1].number
    window_is_full = last == number + log.PAGE_SIZE // 2
    context = {
        **await surroundings(request, room),
        **fragments.listing(room, messages),
        **_rights(request, found),
        "newer": last + log.PAGE_SIZE + 1 if window_is_full else None,
        "marked": found,
        "place": place,
    }
    return render(request, "rooms/archive.html", context)


@require_safe
@never_cache
@with_visitor
async def actions(request: Visit, room: str) -> HttpResponse:
    """Show, inside the message, what may be done with it; without htmx, the message's page."""
    number = whole_number(request.GET.get("message"))
    if number is None:
        raise Http404
    if not request.htmx:
        return redirect("rooms:message", room, number)
    found = await _find(room, number)
    context = {"room": room, "message": found, **_rights(request, found)}
    response = render(request, "rooms/_actions.html", context)
    response["HX-Retarget"] = f"#m{found.number}>.body"
    response["HX-Reswap"] = "afterend"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@with_visitor
async def edit(request: Visit, room: str, number: int) -> HttpResponse:
    """Show the form that changes one's own message; take the new text."""
    found = await _find(room, number)
    if not policies.may_edit(request.you, found):
        return _refused(request, room, found, Forbidden())
    if request.method != "POST":
        return _form(request, room, found, found.body)
    typed = found.body
    try:
        typed = posted(request).get("message", "")
        await posting.aedit_message(room, request.you, found.pk, typed)
    except Refused as refused:
        return _form(request, room, found, typed, refused)
    return await _done(request, room, number)


@require_POST
@never_cache
@with_visitor
async def delete(request: Visit, room: str, number: int) -> HttpResponse:
    """Make one's own message a tombstone."""
    found = await _find(room, number)
    try:
        await posting.adelete_message(room, request.you, found.pk)
    except Refused as refused:
        return _refused(request, room, found, refused)
    return await _done(request, room, number)


async def _find(room: str, number: int) -> Message:
    found = await database.read(Message.objects.filter(room__name=room, number=number).first)
    if found is None:
        raise Http404
    return found


def _rights(request: Visit, message: Message) -> dict[str, bool]:
    return {
        "may_edit": policies.may_edit(request.you, message),
        "may_delete": policies.may_delete(request.you, message),
    }


def _form(
    request: Visit, room: str, message: Message, typed: str, refused: Refused | None = None
) -> HttpResponse:
    template = "rooms/_edit.html" if request.htmx else "rooms/edit.html"
    context: dict[str, Any] = {"room": room, "message": message, "typed": typed, "error": refused}
    response = answer(render(request, template, context), refused)
    if refused is not None:
        response["HX-Retarget"] = "this"
    return response


def _refused(request: Visit, room: str, message: Message, refused: Refused) -> HttpResponse:
    template = "rooms/_actions.html" if request.htmx else "rooms/refused.html"
    context = {"room": room, "message": message, "error": refused, **_rights(request, message)}
    response = answer(render(request, template, context), refused)
    response["HX-Retarget"] = "closest .actions"
    return response


async def _done(request: Visit, room: str, number: int) -> HttpResponse:
    if request.htmx:
        # The push may have been faster: then what the form stood in is gone, and htmx lets it be.
        return HttpResponse(fragments.message(room, await _find(room, number)))
    return see_other("rooms:message", room, number)
