"""The servers that are compared: ours, those one would write instead, and the limit."""

from tests.bench.rivals.rival import NotHere, Rival
from tests.bench.rivals.servers import Broadcast, NodeWs, Ours, Raw, Tutorial

__all__ = ["Broadcast", "NodeWs", "NotHere", "Ours", "Raw", "Rival", "Tutorial"]
