"""The app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RoomsConfig(AppConfig):
    """Rooms."""

    name = "rooms"

    def ready(self) -> None:
        """Give every new database the name of its history."""
        post_migrate.connect(_begin_epoch, sender=self)


def _begin_epoch(sender: AppConfig, using: str, **_: Any) -> None:
    from rooms.models import Epoch  # models are not there yet when apps are

    Epoch.objects.using(using).get_or_create(pk=1, defaults={"word": Epoch.new_word()})
