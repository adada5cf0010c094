"""Who may open a socket from a page: the origin rule, on both sockets."""

import secrets
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.services import Rooms
from tests.services.ports import HOST
from tests.tool import new_room, tool
from tests.visitor import Visitor

_FRIEND = "https://friend.example"


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"POST_RATE": "off"}) as server:
        yield server


@pytest.fixture(scope="module")
def friendly() -> Iterator[Rooms]:
    with Rooms(env={"ALLOWED_ORIGINS": f"{_FRIEND}, http://other.example:8080"}) as server:
        yield server


async def _status(rooms: Rooms, path: str, host: str = HOST, **headers: str) -> int:
    """Return the status with which a handshake is answered; 101 when it is accepted."""
    address = f"ws://{host}:{rooms.port}{path}"
    try:
        async with connect(
            address, additional_headers=headers, proxy=None, host=HOST, port=rooms.port
        ):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.fixture(params=["", "html/"], ids=["json", "html"])
def path(request: pytest.FixtureRequest) -> str:
    return f"/ws/chat/{new_room()}/{request.param}"


async def test_a_tool_has_no_origin_and_is_let_in(rooms: Rooms) -> None:
    assert await _status(rooms, f"/ws/chat/{new_room()}/") == 101


async def test_our_own_page_is_let_in(rooms: Rooms, path: str) -> None:
    assert await _status(rooms, path, Origin=rooms.url) == 101


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:8000",
        "null",
        "http://127.0.0.1.evil.example",
    ],
)
async def test_a_page_of_another_origin_is_not(rooms: Rooms, path: str, origin: str) -> None:
    assert await _status(rooms, path, Origin=origin) == 403


@pytest.mark.parametrize("origin", ["", "nonsense", "http://[::1"])
async def test_what_is_not_even_an_origin_is_refused_alike(
    rooms: Rooms, path: str, origin: str
) -> None:
    assert await _status(rooms, path, Origin=origin) == 403


async def test_a_user_in_the_origin_does_not_make_it_ours(rooms: Rooms, path: str) -> None:
    assert await _status(rooms, path, Origin=f"http://127.0.0.1:{rooms.port}@evil.example") == 403


async def test_a_name_bound_to_our_address_by_a_stranger_is_not_our_host(
    rooms: Rooms, path: str
) -> None:
    async def status(host: str) -> int:
        return await _status(rooms, path, host, Origin=f"http://{host}:{rooms.port}")

    assert await status("evil.example") == 403
    assert await status("localhost") == 101


@pytest.mark.parametrize("origin", [_FRIEND, "http://other.example:8080"])
async def test_a_foreign_origin_that_is_allowed_is_let_in(
    friendly: Rooms, path: str, origin: str
) -> None:
    assert await _status(friendly, path, Origin=origin) == 101


@pytest.mark.parametrize(
    "origin", ["http://friend.example", "https://friend.example:8443", "http://other.example"]
)
async def test_scheme_and_port_of_an_allowed_origin_count(
    friendly: Rooms, path: str, origin: str
) -> None:
    assert await _status(friendly, path, Origin=origin) == 403


async def test_a_star_allows_any_origin(path: str) -> None:
    with Rooms(env={"ALLOWED_ORIGINS": "*"}) as own:
        assert await _status(own, path, Origin="https://anything.example") == 101


async def test_cookies_are_read_for_our_own_page_and_not_for_an_allowed_stranger(
    friendly: Rooms,
) -> None:
    room = new_room()
    with Visitor(friendly) as alice:
        alice.is_called(room, name := f"alice-{secrets.token_hex(3)}")
        cookie = alice.cookie_header()
    async with tool(friendly, room, headers={"Cookie": cookie, "Origin": friendly.url}) as own:
        assert (await own.post("hello"))["author"]["name"] == name
    async with tool(friendly, room, headers={"Cookie": cookie, "Origin": _FRIEND}) as foreign:
        assert (await foreign.post("hello"))["author"]["name"] != name


@pytest.mark.parametrize(
    "path",
    [
        "/ws/chat/no%20room/",
        "/ws/chat/no%20room/html/",
        "/ws/chat/a.b/",
        "/ws/chat/%00/",
        "/ws/chat/%FF/",
        f"/ws/chat/{'a' * 65}/",
        "/ws/chat/",
        "/ws/chat//",
        "/ws/chat/lobby/elsewhere/",
        "/ws/",
        "/ws/chat/lobby/1/",
        "/",
        "/chat/lobby/",
        "/ws/chat/a/b/",
    ],
)
async def test_what_is_no_socket_is_refused_with_403(rooms: Rooms, path: str) -> None:
    assert await _status(rooms, path) == 403


async def test_a_name_of_64_characters_is_a_room(rooms: Rooms) -> None:
    assert await _status(rooms, f"/ws/chat/{'a' * 64}/") == 101
