"""Typed settings from the environment.

Every variable is read through one of the functions below, which also enter it in `TABLE`:
`docs/settings.md` is compared with that table by a test. A value that does not fit raises
`WrongSetting`, and the start ends with one line that names the variable.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar
from urllib.parse import urlsplit

Value = TypeVar("Value")

OFF = "off"
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class WrongSetting(Exception):
    """A variable of the environment has a value that cannot be used."""


@dataclass(frozen=True)
class Setting:
    """One row of the table of settings."""

    name: str
    default: str
    meaning: str


TABLE: dict[str, Setting] = {}


def text(name: str, default: str, meaning: str) -> str:
    """Return the variable's text as it is."""
    return _read(name, default, meaning, str)


def flag(name: str, default: str, meaning: str) -> bool:
    """Return True for on, yes, true and 1; False for off, no, false and 0."""
    return _read(name, default, meaning, _flag)


def hosts(name: str, default: str, meaning: str) -> list[str]:
    """Return comma-separated names of hosts, as Django's ALLOWED_HOSTS takes them."""
    pattern = re.compile(r"\*|\.?[\w.-]+|\[[0-9a-fA-F:.]+\]")
    return _read(name, default, meaning, _words(pattern, "names such as chat.example.org"))


def origins(name: str, default: str, meaning: str) -> list[str]:
    """Return comma-separated origins, `*` being any."""
    pattern = re.compile(r"\*|https?://[^/\s?#]+")
    return _read(
        name, default, meaning, _words(pattern, "origins such as https://example.org, or *")
    )


def networks(name: str, default: str, meaning: str) -> list[IPv4Network | IPv6Network]:
    """Return comma-separated addresses or networks such as 10.0.0.0/8."""

    def parse(raw: str) -> list[IPv4Network | IPv6Network]:
        try:
            return [ip_network(word) for word in map(str.strip, raw.split(",")) if word]
        except ValueError:
            raise ValueError("addresses or networks such as 127.0.0.1, 10.0.0.0/8") from None

    return _read(name, default, meaning, parse)


def port(name: str, default: str, meaning: str) -> int:
    """Return a TCP port, 1 to 65535."""
    return _read(name, default, meaning, _port)


def limit(name: str, default: str, meaning: str) -> int | None:
    """Return a whole number from 1, or None for `off`."""
    return _read(name, default, meaning, _limit)


def rate(name: str, default: str, meaning: str) -> tuple[int, float] | None:
    """Return `10/10s` as (10, 10.0): so many in so many seconds; None for `off`."""
    return _read(name, default, meaning, _rate)


def address(name: str, default: str, meaning: str, schemes: tuple[str, ...]) -> str:
    """Return an address that begins with one of the schemes, or the empty text.

    A wrong one is not repeated in the refusal: it may hold a password.
    """

    def parse(raw: str) -> str:
        if raw and not raw.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"an address that begins with {'://, '.join(schemes)}://")
        if not _is_readable(raw):
            # Some client would say the same later, and quote a part of the password.
            raise ValueError("an address whose name and password are percent-encoded")
        return raw

    return _read(name, default, meaning, parse, is_secret=True)


def _read(
    name: str,
    default: str,
    meaning: str,
    parse: Callable[[str], Value],
    is_secret: bool = False,
) -> Value:
    TABLE[name] = Setting(name, default, meaning)
    raw = os.environ.get(name, default).strip()
    try:
        return parse(raw)
    except ValueError as expected:
        told = "not shown here" if is_secret else repr(raw)
        raise WrongSetting(f"{name} is {told}, but must be {expected}") from None


def _is_readable(address: str) -> bool:
    try:
        _ = urlsplit(address).port
    except ValueError:
        return False
    return True


def _words(pattern: re.Pattern[str], expected: str) -> Callable[[str], list[str]]:
    def parse(raw: str) -> list[str]:
        found = [word for word in map(str.strip, raw.split(",")) if word]
        if not all(map(pattern.fullmatch, found)):
            raise ValueError(expected)
        return found

    return parse


def _flag(raw: str) -> bool:
    if raw.lower() in {"on", "yes", "true", "1"}:
        return True
    if raw.lower() in {OFF, "no", "false", "0", ""}:
        return False
    raise ValueError("on or off")


def _port(raw: str) -> int:
    if raw.isascii() and raw.isdigit() and 1 <= int(raw) <= 65535:
        return int(raw)
    raise ValueError("a port number, 1 to 65535")


def _limit(raw: str) -> int | None:
    if raw == OFF:
        return None
    if raw.isascii() and raw.isdigit() and int(raw) >= 1:
        return int(raw)
    raise ValueError("a whole number from 1, or off")


def _rate(raw: str) -> tuple[int, float] | None:
    if raw == OFF:
        return None
    found = re.fullmatch(r"([1-9][0-9]*)/([1-9][0-9]*)([smh])", raw)
    if found is None:
        raise ValueError("a rate such as 10/10s, 100/1m or 1000/1h, or off")
    return int(found[1]), float(int(found[2]) * _SECONDS[found[3]])
