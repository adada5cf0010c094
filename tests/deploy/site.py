"""Two processes of Rooms behind nginx, as docs/deploy/ has them."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from websockets.asyncio.client import connect

from tests.deploy.certificate import write_certificate
from tests.services import Nginx, Rooms
from tests.services.ports import HOST, free_port
from tests.tool import Tool

DEPLOY = Path(__file__).resolve().parents[2] / "docs" / "deploy"


class Site:
    """The servers, and what nginx makes of them; `folder` keeps its certificate and logs.

    `changed` replaces parts of the file beside the ports and paths of this machine.
    """

    def __init__(
        self, servers: tuple[Rooms, Rooms], folder: Path, changed: dict[str, str] | None = None
    ) -> None:
        write_certificate(folder)
        self.servers = servers
        self.plain, secure = free_port(), free_port()
        here = {
            "127.0.0.1:8001": f"{HOST}:{servers[0].port}",
            "127.0.0.1:8002": f"{HOST}:{servers[1].port}",
            "listen 80;": f"listen {HOST}:{self.plain};",
            "listen 443 ssl;": f"listen {HOST}:{secure} ssl;",
            "/etc/ssl/rooms/": f"{folder}/",
            "/run/nginx.pid": f"{folder}/nginx.pid",
            "/var/log/nginx/": f"{folder}/",
        }
        self.nginx = Nginx(
            _replaced((DEPLOY / "nginx.conf").read_text(), here | (changed or {})), secure
        )
        self.url = f"https://{HOST}:{secure}"
        self._trust = ssl.create_default_context(cafile=folder / "fullchain.pem")

    def client(self, address: str = HOST) -> httpx.Client:
        """Return a browser's way to the site, from an address of 127.0.0.0/8."""
        transport = httpx.HTTPTransport(verify=self._trust, local_address=address)
        return httpx.Client(
            base_url=self.url,
            headers={"Origin": self.url},
            transport=transport,
            trust_env=False,
            timeout=10,
        )

    @asynccontextmanager
    async def reader(self, room: str) -> AsyncIterator[httpx.Response]:
        """Open the room's stream."""
        async with (
            httpx.AsyncClient(base_url=self.url, verify=self._trust, trust_env=False) as client,
            client.stream("GET", f"/chat/{room}/stream/", timeout=5) as answer,
        ):
            yield answer

    @asynccontextmanager
    async def tool(self, room: str, options: str = "") -> AsyncIterator[Tool]:
        """Connect a tool to the room, as a page of the site would."""
        async with connect(
            f"{self.url.replace('https', 'wss')}/ws/chat/{room}/{options}",
            ssl=self._trust,
            additional_headers={"Origin": self.url},
            proxy=None,
            max_queue=None,  # who does not read must still hear of the end
        ) as socket:
            yield Tool(socket)


def settings() -> dict[str, str]:
    """Return what rooms.env sets."""
    lines = (DEPLOY / "rooms.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _replaced(text: str, parts: dict[str, str]) -> str:
    for told, here in parts.items():
        assert told in text, told
        text = text.replace(told, here)
    return text
