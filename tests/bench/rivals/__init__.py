"""The servers that are compared: ours, those one would write instead, and the limit."""

from tests.bench.rivals.rival import Rival
from tests.bench.rivals.servers import Broadcast, NodeWs, Ours, Raw, Tutorial, node_is_there

__all__ = ["Broadcast", "NodeWs", "Ours", "Raw", "Rival", "Tutorial", "node_is_there"]
