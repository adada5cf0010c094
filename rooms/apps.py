"""The app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save


class RoomsConfig(AppConfig):
    """Rooms."""

    name = "rooms"

    def ready(self) -> None:
        """Give every new database the name of its history; notice who is signed out."""
        post_migrate.connect(_begin_epoch, sender=self)
        from django.contrib.sessions.models import Session  # as below

        from rooms import accounts, signins

        post_delete.connect(accounts.session_ended, sender=Session)
        for signal in (post_save, post_delete):
            signal.connect(accounts.account_changed, sender="rooms.User")
        signins.tell()


def _begin_epoch(sender: AppConfig, using: str, **_: Any) -> None:
    from rooms.models import Epoch  # models are not there yet when apps are

    Epoch.objects.using(using).get_or_create(pk=1, defaults={"word": Epoch.new_word()})
