"""The chat of the Channels tutorial, written anew: a consumer that sends to a group.

Run by Daphne as `tests.bench.rivals.tutorial:application`; with REDIS_URL, on its Redis layer.
"""

import json
import os
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

_REDIS_URL = os.environ.get("REDIS_URL")

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="rival",
    INSTALLED_APPS=["channels"],
    MIDDLEWARE=[],
    DATABASES={},
    CHANNEL_LAYERS={
        "default": (
            {
                "BACKEND": "channels_redis.core.RedisChannelLayer",
                # With its own 5 s the Redis client of a busy process gives up, and the socket ends.
                "CONFIG": {"hosts": [{"address": _REDIS_URL, "socket_timeout": 60}]},
            }
            if _REDIS_URL
            else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
        )
    },
)

from django.core.asgi import get_asgi_application  # noqa: E402  (needs the settings)

_pages = get_asgi_application()


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One socket in one room."""

    async def connect(self) -> None:
        self.group = f"chat_{self.scope['url_route']['kwargs']['room_name']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str) -> None:
        message = json.loads(text_data)["message"]
        news = {"type": "chat.message", "message": message}
        await self.channel_layer.group_send(self.group, news)

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"message": event["message"]}))


application = ProtocolTypeRouter(
    {
        "http": _pages,
        "websocket": URLRouter([re_path(r"^ws/chat/(?P<room_name>\w+)/$", ChatConsumer.as_asgi())]),
    }
)
