"""Why something was refused: one class for each code of the protocol."""

from typing import ClassVar


class Refused(Exception):
    """Something was refused, for a reason that its sender can be told.

    `code` is for programs and stable, `sentence` is for people, `status` is the HTTP status;
    `retry_after` is in seconds, or None where trying again later does not help.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    default: ClassVar[str] = "That is not possible."

    retry_after: float | None = None

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence or self.default
        super().__init__(self.sentence)


class InvalidJson(Refused):
    """A frame's text is not JSON."""

    code = "invalid_json"
    default = "This is not JSON."


class InvalidFrame(Refused):
    """A frame is no object, of an unknown type, or has a key of the wrong kind."""

    code = "invalid_frame"
    default = "This frame cannot be understood."


class EmptyMessage(Refused):
    """A message is nothing but white space."""

    code = "empty_message"
    default = "A message needs some text."


class MessageTooLong(Refused):
    """A message has more characters than `MESSAGE_MAX`."""

    code = "message_too_long"
    default = "This message is too long."


class RateLimited(Refused):
    """Somebody posts faster than the rate allows; `retry_after` says when to try again."""

    code = "rate_limited"
    status = 429
    default = "That was too fast. Wait a moment, then try again."

    def __init__(self, retry_after: float, sentence: str | None = None) -> None:
        super().__init__(sentence)
        self.retry_after: float = retry_after


class InvalidText(Refused):
    """A text holds a control character, half a surrogate pair or broken UTF-8."""

    code = "invalid_text"
    default = "This text holds a character that cannot be stored."


class IdConflict(Refused):
    """An id was used before, for another text."""

    code = "id_conflict"
    status = 409
    default = "This id was already used for another message."


class InvalidCursor(Refused):
    """A cursor is not a number from 0."""

    code = "invalid_cursor"
    default = "A cursor is a whole number from 0."


class InvalidName(Refused):
    """A name cannot be shown, or is too short or too long."""

    code = "invalid_name"
    default = "This cannot be a name."


class NameTaken(Refused):
    """A name belongs to somebody else, or looks as if it did."""

    code = "name_taken"
    default = "This name, or one that looks like it, belongs to somebody else."


class InvalidRoom(Refused):
    """A name cannot be a room's name."""

    code = "invalid_room"
    default = "A room's name has 1 to 64 letters, digits, _ or -."


class Unavailable(Refused):
    """Something could not be stored now, and nothing was."""

    code = "unavailable"
    status = 503
    default = "This could not be stored just now. Try again in a moment."


class NotFound(Refused):
    """What was asked for is not there."""

    code = "not_found"
    status = 404
    default = "There is no such thing here."


class Forbidden(Refused):
    """The caller may not do this."""

    code = "forbidden"
    status = 403
    default = "You may not do this."
