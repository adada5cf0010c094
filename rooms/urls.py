"""Addresses of the pages."""

from django.urls import path, register_converter

from rooms.errors import InvalidRoom
from rooms.names import canonical_room
from rooms.views import message, name, picker, pieces, room, stream
from rooms.views.canonical import canonical


class RoomConverter:
    """A room's name, as it was asked for; one that is no room matches nothing."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the name; raises ValueError, which makes it a 404, if it is no room's."""
        try:
            canonical_room(value)
        except InvalidRoom as error:
            raise ValueError from error
        return value

    def to_url(self, value: str) -> str:
        """Return the name as it stands in an address."""
        return value


register_converter(RoomConverter, "room")

app_name = "rooms"
urlpatterns = [
    path("", picker.index, name="index"),
    path("me.css", pieces.me, name="me"),
    path("<room:room>/", canonical(room.room), name="room"),
    path("<room:room>/live/", canonical(pieces.live), name="live"),
    path("<room:room>/offline/", canonical(pieces.offline), name="offline"),
    path("<room:room>/form/", canonical(pieces.form), name="form"),
    path("<room:room>/reload/", canonical(pieces.reload), name="reload"),
    path("<room:room>/stream/", canonical(stream.stream), name="stream"),
    path("<room:room>/people/", canonical(pieces.people), name="people"),
    path("<room:room>/name/", canonical(name.name), name="name"),
    path("<room:room>/actions/", canonical(message.actions), name="actions"),
    path("<room:room>/<int:number>/", canonical(message.message), name="message"),
    path("<room:room>/<int:number>/edit/", canonical(message.edit), name="edit"),
    path("<room:room>/<int:number>/delete/", canonical(message.delete), name="delete"),
]
