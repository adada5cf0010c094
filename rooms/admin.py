"""The admin: what it writes to a log goes through posting, like everybody's."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from rooms import authors, policies, posting
from rooms.authors import Author
from rooms.errors import Refused
from rooms.models import Message, Room, User

admin.site.register(User, UserAdmin)


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rooms are looked at, and given a topic."""

    list_display = ("name", "topic", "number", "active_at")
    search_fields = ("name", "topic")

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        """Save the topic alone: the counters belong to the log."""
        obj.save(update_fields=["topic"] if change else None)

    def get_readonly_fields(self, request: HttpRequest, obj: Room | None = None) -> Any:
        """Keep a room's name: it is its address."""
        return ("name",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        """Delete no log."""
        return False


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Messages are posted, edited and deleted under the rules that hold for all."""

    list_display = ("room", "number", "author_name", "sent_at", "deleted_at")
    list_filter = ("room",)
    fields = ("room", "body")
    ordering = ("-sent_at",)

    def get_readonly_fields(self, request: HttpRequest, obj: Message | None = None) -> Any:
        """Keep a message in its room."""
        return ("room",) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """Let one edit one's own."""
        own = obj is None or policies.may_edit(_author(request), obj)
        return own and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """Let one delete what the rules let one delete."""
        allowed = obj is None or policies.may_delete(_author(request), obj)
        return allowed and super().has_delete_permission(request, obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say why a text was refused, and store nothing."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refused:
            self.message_user(request, refused.sentence, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Message, form: Any, change: bool) -> None:
        """Post or edit."""
        author = _author(request)
        if change:
            posting.edit_message(obj.room.name, author, obj.pk, obj.body)
        else:
            receipt = posting.post_message(obj.room.name, author, obj.body)
            obj.pk, obj.number = receipt.message_id, receipt.number

    def delete_model(self, request: HttpRequest, obj: Message) -> None:
        """Make it a tombstone."""
        posting.delete_message(obj.room.name, _author(request), obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Make them tombstones."""
        for message in queryset.filter(deleted_at=None):
            self.delete_model(request, message)


def _author(request: HttpRequest) -> Author:
    assert isinstance(request.user, User)
    return authors.member(request.user)
