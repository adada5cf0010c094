"""Free ports, and waiting for what listens on them."""

import random
import socket
import time
from collections.abc import Callable

HOST = "127.0.0.1"

# Below the range from which systems take the ports of outgoing connections: nothing else takes
# such a port while the program that owns it is being restarted.
_RANGE = range(20000, 32768)

_given: set[int] = set()


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens, never the same twice."""
    for port in random.sample(_RANGE, 200):
        if port not in _given and _can_bind(port):
            _given.add(port)
            return port
    raise RuntimeError("no free port on 127.0.0.1")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as `condition()` is true; after `seconds` raise TimeoutError(`what`).

    An exception of `condition` ends the waiting at once.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
