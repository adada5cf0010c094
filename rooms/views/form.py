"""What a form brought."""

from django.http import HttpRequest, QueryDict

from rooms.errors import InvalidText
from rooms.forms import require_utf8


def posted(request: HttpRequest) -> QueryDict:
    """Return the fields of a form. Raises InvalidText if they are not valid UTF-8."""
    if request.content_type == "multipart/form-data":
        # Read by the CSRF check already: of broken bytes only their replacements are left.
        if any("\ufffd" in text for _, texts in request.POST.lists() for text in texts):
            raise InvalidText("This text is not valid UTF-8.")
    else:
        require_utf8(request.body)
    return request.POST
