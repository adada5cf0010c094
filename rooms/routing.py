"""Addresses of the sockets."""

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from rooms.consumers.page import HtmlRoomConsumer
from rooms.consumers.tool import JsonRoomConsumer
from rooms.origins import OriginGate

sockets = OriginGate(
    URLRouter(
        [
            re_path(r"^ws/chat/(?P<room>[^/]+)/$", JsonRoomConsumer.as_asgi()),
            re_path(r"^ws/chat/(?P<room>[^/]+)/html/$", HtmlRoomConsumer.as_asgi()),
            # Without it a path that matches nothing raises, and answers 500.
            re_path(r"", WebsocketDenier.as_asgi()),
        ]
    )
)
