"""Who reads a room, and the kinds of reader."""

from rooms.subscribers.page import PageSubscriber
from rooms.subscribers.stream import StreamSubscriber
from rooms.subscribers.subscriber import Over, Revoked, Stuck, Subscriber
from rooms.subscribers.tool import ToolSubscriber

__all__ = [
    "Over",
    "PageSubscriber",
    "Revoked",
    "StreamSubscriber",
    "Stuck",
    "Subscriber",
    "ToolSubscriber",
]
