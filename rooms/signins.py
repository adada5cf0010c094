"""Who signs in and out, told in the log: by number and address, never by what was typed."""

import logging
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from rooms.addresses import address_of
from rooms.models import User

logger = logging.getLogger(__name__)


def tell() -> None:
    """Tell from now on."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    user_login_failed.connect(_failed)


def _signed_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    logger.info("Account %s signed in from %s", user.pk, _address(request))


def _signed_out(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        logger.info("Account %s signed out from %s", user.pk, _address(request))


def _failed(request: HttpRequest | None = None, **_: Any) -> None:
    # Not the name: people type their password there.
    logger.warning("Somebody could not sign in from %s", _address(request))


def _address(request: HttpRequest | None) -> str:
    return address_of(getattr(request, "scope", {})) or "an unknown address"
