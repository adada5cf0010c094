"""Where somebody comes from, with and without a proxy before the site."""

from ipaddress import ip_network

import pytest
from pytest_django import Settings

from rooms.addresses import address_of

PROXY = "10.0.0.1"


@pytest.fixture(autouse=True)
def one_proxy(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/30")]


def address(peer: str | None, *forwarded: str) -> str:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded]
    return address_of({"client": (peer, 1234) if peer else None, "headers": headers})


def test_without_a_proxy_the_header_is_not_believed() -> None:
    assert address("192.0.2.7", "203.0.113.9") == "192.0.2.7"


def test_behind_the_proxy_it_is_whom_the_proxy_saw() -> None:
    assert address(PROXY, "203.0.113.9") == "203.0.113.9"


def test_what_the_client_wrote_before_that_is_not_believed() -> None:
    assert address(PROXY, "198.51.100.1, 203.0.113.9") == "203.0.113.9"
    assert address(PROXY, "198.51.100.1", "203.0.113.9") == "203.0.113.9"
    assert address(PROXY, f"198.51.100.1, {PROXY}, 203.0.113.9") == "203.0.113.9"


def test_a_proxy_that_comes_as_ipv6_is_the_same_proxy() -> None:
    assert address(f"::ffff:{PROXY}", "203.0.113.9") == "203.0.113.9"
    assert address(f"::ffff:{PROXY}", "203.0.113.9, ::ffff:10.0.0.2") == "203.0.113.9"


def test_several_trusted_proxies_are_passed_over() -> None:
    assert address(PROXY, "203.0.113.9, 10.0.0.2") == "203.0.113.9"


@pytest.mark.parametrize("nonsense", ["unknown", "203.0.113.9:4711", "_hidden", "\xff", "1.2.3"])
def test_what_is_no_address_counts_as_the_proxy(nonsense: str) -> None:
    assert address(PROXY, nonsense) == PROXY
    assert address(PROXY, f"203.0.113.9, {nonsense}") == PROXY


def test_without_the_header_it_is_the_proxy() -> None:
    assert address(PROXY) == PROXY
    assert address(PROXY, " , ") == PROXY


def test_one_household_s_ipv6_addresses_are_one() -> None:
    assert address("2001:db8:1:2::7") == address("2001:db8:1:2:aaaa::1") == "2001:db8:1:2::/64"
    assert address("2001:db8:1:3::7") != address("2001:db8:1:2::7")
    assert address("::ffff:192.0.2.7") == "192.0.2.7"


def test_a_unix_socket_has_none() -> None:
    assert address(None) == address(None, "203.0.113.9") == ""
