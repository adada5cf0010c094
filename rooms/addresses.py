"""Where somebody comes from: the address under which what they do is counted."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import pairwise
from typing import Any

from django.conf import settings

# Whoever is given one IPv6 address is given its /64 (RFC 6177).
_SITE_PREFIX = 64


def address_of(scope: Mapping[str, Any]) -> str:
    """Return the address of an ASGI connection's client; an IPv6 address counts as its /64.

    Behind TRUSTED_PROXIES it is the last address in `X-Forwarded-For` that is no such proxy's:
    what stands before that was sent by the client, who may write there what it likes.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    hops = [peer, *reversed(_forwarded(scope))]
    for nearer, farther in pairwise(hops):
        if not _is_trusted(nearer):
            return _counted(nearer)
        if not _counted(farther):
            return _counted(nearer)
    return _counted(hops[-1])


def _forwarded(scope: Mapping[str, Any]) -> list[str]:
    lines = [value for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    return [hop.strip() for hop in b",".join(lines).decode("latin-1").split(",") if hop.strip()]


def _is_trusted(address: str) -> bool:
    found = _parsed(address)
    return found is not None and any(found in network for network in settings.TRUSTED_PROXIES)


def _counted(address: str) -> str:
    """Return the address as it is counted, or nothing for what is no address."""
    found = _parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found.packed, _SITE_PREFIX), strict=False))
    return str(found or "")


@lru_cache
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address)
    except ValueError:
        return None
    # What listens on `::` meets IPv4 in this disguise.
    return (found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found
