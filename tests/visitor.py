"""A visitor: somebody with a browser's cookies, and what a page says to a browser."""

import asyncio
import re
from html import unescape
from html.parser import HTMLParser
from types import TracebackType
from typing import Self

import httpx

from tests.services import Rooms
from tests.tool import tool

_HTMX = {"HX-Request": "true"}


class Visitor:
    """Someone with a browser's cookies; a context manager."""

    def __init__(self, rooms: Rooms) -> None:
        self._client = httpx.Client(base_url=rooms.url, trust_env=False, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def carries(self, headers: dict[str, str]) -> None:
        """Send these headers with every request."""
        self._client.headers.update(headers)

    def get(self, path: str, *, htmx: bool = False) -> httpx.Response:
        """Ask for an address, as it stands, following no redirect."""
        return self._client.get(path, headers=_HTMX if htmx else {})

    def submit(
        self, page: str, fields: dict[str, str], *, to: str | None = None, htmx: bool = False
    ) -> httpx.Response:
        """Send the fields as the page's form would, with its CSRF token."""
        return self.send(page, _encoded(fields), to=to, htmx=htmx)

    def send(
        self,
        page: str,
        body: bytes,
        *,
        to: str | None = None,
        htmx: bool = False,
        kind: str = "application/x-www-form-urlencoded",
    ) -> httpx.Response:
        """Send a form's body, whatever it is, with the page's CSRF token."""
        token = csrf_token(self.get(page).text)
        return self._client.post(
            to or page,
            content=body,
            headers={
                "Content-Type": kind,
                "X-CSRFToken": token,
                **(_HTMX if htmx else {}),
            },
        )

    def post(self, room: str, message: str, *, htmx: bool = False) -> httpx.Response:
        """Post a message to the room by its page's form."""
        return self.submit(f"/chat/{room}/", {"message": message}, htmx=htmx)

    def is_called(self, room: str, name: str) -> None:
        """Take a guest's name, by the form."""
        answer = self.submit(f"/chat/{room}/name/", {"name": name})
        assert answer.status_code in {200, 302, 303}, answer.text

    def cookie_header(self) -> str:
        """Return the cookies as a socket's handshake carries them."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._client.cookies.jar)


class Page(HTMLParser):
    """What a browser makes of a page: its elements with attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag in {"br", "p"}:
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """Return the attributes of each element of that tag that has the given ones."""
        return [
            found
            for name, found in self.elements
            if name == tag and attributes.items() <= found.items()
        ]


def csrf_token(html: str) -> str:
    """Return the token in the page's first form."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
    return unescape(found[1]) if found else ""


def fill(rooms: Rooms, room: str, count: int) -> None:
    """Post `text 1 .` to `text count .` to the room."""

    async def post() -> None:
        async with tool(rooms, room, name="filler") as filler:
            for number in range(1, count + 1):
                await filler.send(message=f"text {number} .")
            await filler.until("message.posted", message=f"text {count} .")

    asyncio.run(post())


def shown(html: str) -> list[int]:
    """Return the numbers of those messages of `fill` that the page shows, in its order."""
    return [int(number) for number in re.findall(r">text (\d+) \.<", html)]


def _encoded(fields: dict[str, str]) -> bytes:
    return str(httpx.QueryParams(fields)).encode()
