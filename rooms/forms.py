"""What may be stored: validation shared by every entrance."""

import re
from urllib.parse import unquote_to_bytes

from django.conf import settings

from rooms.errors import EmptyMessage, InvalidFrame, InvalidText, MessageTooLong

CLIENT_ID_MAX = 64

_SURROGATES = "\ud800-\udfff"
# PostgreSQL cannot store a NUL, UTF-8 cannot carry half a surrogate pair, and no reader can see
# the other controls.
_UNSTORABLE = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_SURROGATES}]")
# White space, and what takes no room at all.
_BLANK = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]*")
_UNFIT_FOR_ID = re.compile(rf"[\x00-\x1f\x7f-\x9f{_SURROGATES}]")


def clean_message(text: str) -> str:
    """Return the text of a message as it is stored: as typed, CRLF pairs being one newline.

    Raises InvalidText, EmptyMessage or MessageTooLong (`MESSAGE_MAX` characters, None for any).
    """
    if "\r\n" in text:
        # Browsers send every line break of a form as CRLF.
        text = text.replace("\r\n", "\n")
    if settings.MESSAGE_MAX is not None and len(text) > settings.MESSAGE_MAX:
        raise MessageTooLong(f"A message has at most {settings.MESSAGE_MAX:,} characters.")
    if _UNSTORABLE.search(text):
        raise InvalidText
    if _BLANK.fullmatch(text):
        raise EmptyMessage
    return text


def clean_client_id(value: object) -> str:
    """Return the id that a sender gave its post: a text of 1 to 64 characters.

    Raises InvalidFrame for anything else, controls and halves of surrogate pairs included.
    """
    if not isinstance(value, str) or not 1 <= len(value) <= CLIENT_ID_MAX:
        raise InvalidFrame(f"An id is a text of 1 to {CLIENT_ID_MAX} characters.")
    if _UNFIT_FOR_ID.search(value):
        raise InvalidFrame("An id holds no control characters.")
    return value


def whole_number(raw: object, digits: int = 18) -> int | None:
    """Return the number that a text of at most so many digits says, from 0; None for all else."""
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) <= digits:
        return int(raw)
    return None


def require_utf8(body: bytes) -> None:
    """Raise InvalidText unless the body of a form, percent-encoded as it was sent, is valid UTF-8.

    Django's QueryDict puts U+FFFD in the place of broken bytes without telling anyone.
    """
    try:
        unquote_to_bytes(body).decode()
    except UnicodeDecodeError:
        raise InvalidText("This text is not valid UTF-8.") from None
