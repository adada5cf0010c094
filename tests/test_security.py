"""What docs/security.md says is so, as far as a test can show it."""

import asyncio
import base64
import json
import re
import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.services import Rooms
from tests.tool import new_room, tool
from tests.visitor import Visitor, csrf_token

_ROOT = Path(__file__).resolve().parents[1]
_DOCS = (_ROOT / "docs" / "security.md").read_text()

_KEY = "a-secret-key-zK3_vd9-Pq7sWm2xTb8yNc4hLf6jRg1aUe5oXi0QpZtVnYkDw"
_STORE_PASSWORD = "storepassword"
_PASSWORD = "a long enough one"
_CAROL = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("carol", password={_PASSWORD!r})
"""

_SAID = (
    "typedpassword",
    "saidbyform",
    "saidbysocket",
    "brokenframe",
    "toolong",
    "saidinvain",
    "saidwithouttoken",
    "c-refused",
    "c-invain",
)


# The document


def test_every_test_that_the_document_names_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", _DOCS)
    assert len(named) > 50
    assert len(named) == _DOCS.count("::")
    for file, test in named:
        source = (_ROOT / "tests" / file).read_text()
        assert re.search(rf"def {test}\(", source), f"{file}::{test}"


def test_every_requirement_stands_once() -> None:
    rows = re.findall(r"^\| (\d+\.\d+\.\d+) ", _DOCS, re.MULTILINE)
    assert len(rows) > 50
    assert [number for number, times in Counter(rows).items() if times > 1] == []
    assert rows == sorted(rows, key=lambda row: [int(part) for part in row.split(".")])


# Logs


async def test_no_secret_and_nothing_that_anybody_said_is_in_the_log() -> None:
    # A Redis that is away, with a password in its address.
    environment = {"SECRET_KEY": _KEY, "REDIS_URL": f"redis://:{_STORE_PASSWORD}@127.0.0.1:1/0"}
    with Rooms(env=environment) as rooms, Visitor(rooms) as guest, Visitor(rooms) as carol:
        rooms.manage("shell", "-c", _CAROL)
        for password in ("typedpassword", _PASSWORD):
            await asyncio.to_thread(
                carol.submit, "/admin/login/", {"username": "carol", "password": password}
            )
        room = new_room()
        await asyncio.to_thread(guest.post, room, "saidbyform")
        cookies = f"{guest.cookie_header()}; {carol.cookie_header()}"
        async with tool(rooms, room, headers={"Cookie": guest.cookie_header()}) as one:
            await one.post("saidbysocket")
            await one.socket.send('{"message": "brokenframe')
            await one.send(message="x" * 4000 + "toolong", id="c-refused")
            _, hard = resource.prlimit(rooms.pid, resource.RLIMIT_FSIZE)
            full = (rooms.data_dir / "rooms.sqlite3-wal").stat().st_size
            resource.prlimit(rooms.pid, resource.RLIMIT_FSIZE, (full, hard))
            await one.send(message="saidinvain", id="c-invain")
            assert (await one.until("error", code="unavailable"))["id"] == "c-invain"
            resource.prlimit(rooms.pid, resource.RLIMIT_FSIZE, (hard, hard))
        async with httpx.AsyncClient(base_url=rooms.url, trust_env=False) as client:
            await client.post("/chat/lobby/", data={"message": "saidwithouttoken"})
            await client.get("/chat/", headers={"Host": "evil.example"})
            await client.get("/chat/", headers={"Cookie": f"{cookies[:-5]}tampered"})
        await asyncio.to_thread(carol.submit, "/admin/password_change/", {}, to="/admin/logout/")
        log = rooms.log()
    values = [pair.partition("=")[2] for pair in cookies.split("; ")]
    [signed] = [value for value in values if ":" in value]
    encoded = signed.partition(":")[0]
    key = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))[0]
    for secret in (_KEY, _STORE_PASSWORD, _PASSWORD, "tampered", key, *values, *_SAID):
        assert len(secret) > 5
        assert secret not in log
    for told in (
        "could not be stored",
        "could not sign in from 127.0.0.1",
        "signed in from 127.0.0.1",
        "signed out from 127.0.0.1",
        "Limits are counted here alone",
    ):
        assert told in log


# On the wire


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms() as server:
        server.manage("shell", "-c", _CAROL)
        yield server


_BODY = "\r\n\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        f"Content-Length: 5\r\nTransfer-Encoding: chunked{_BODY}",
        f"Content-Length: 5\r\nContent-Length: 5{_BODY}",
        f"Content-Length: 5\r\nContent-Length: 50{_BODY}",
        f"Content-Length: 5, 5{_BODY}",
        f"Content-Length: +5{_BODY}",
        f"Content-Length: 1_0{_BODY}",
        f"Transfer-Encoding: xchunked{_BODY}",
        f"Transfer-Encoding: chunked, identity{_BODY}",
        f"Transfer-Encoding : chunked{_BODY}",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        "A: b\0c\r\n\r\n",
    ],
)
async def test_a_request_whose_end_is_in_doubt_is_refused(rooms: Rooms, headers: str) -> None:
    smuggled = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{rooms.port}\r\n\r\n"
    answer = await _raw(rooms, f"POST /chat/lobby/ HTTP/1.1\r\n{headers}{smuggled}")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_second_host_is_not_believed(rooms: Rooms) -> None:
    hosts = f"Host: 127.0.0.1:{rooms.port}", "Host: evil.example"
    for first, second in (hosts, hosts[::-1]):
        lines = f"GET /chat/ HTTP/1.1\r\n{first}\r\n{second}\r\nConnection: close\r\n\r\n"
        assert (await _raw(rooms, lines)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PROPFIND"])
async def test_a_method_that_no_page_has_is_refused(rooms: Rooms, method: str) -> None:
    lines = f"{method} /chat/lobby/ HTTP/1.1\r\nHost: 127.0.0.1:{rooms.port}\r\nA: secret\r\n"
    answer = await _raw(rooms, f"{lines}Connection: close\r\n\r\n")
    assert answer.split()[1] in {b"403", b"405"}
    assert b"secret" not in answer


async def test_messages_are_not_compressed(rooms: Rooms) -> None:
    async with connect(f"{rooms.ws}/ws/chat/lobby/", proxy=None) as socket:
        assert socket.protocol.extensions == []


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/css/",
        "/static/../manage.py",
        "/static/%2e%2e/%2e%2e/var/secret_key",
        "/static/..%2f..%2fmanage.py",
        "/.git/config",
        "/.env",
        "/var/rooms.sqlite3",
    ],
)
async def test_no_file_but_a_static_one_is_served(rooms: Rooms, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{rooms.port}\r\nConnection: close\r\n\r\n"
    answer = await _raw(rooms, request)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"Traceback" not in answer
    assert b"urlpatterns" not in answer


async def _raw(rooms: Rooms, request: str) -> bytes:
    """Send the request's bytes; return all that is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rooms.port)
    writer.write(request.encode())
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


# Signing in


def _sign_in(visitor: Visitor, to: str = "/chat/") -> httpx.Response:
    form = {"username": "carol", "password": _PASSWORD, "next": to}
    return visitor.submit("/admin/login/", form)


def test_signing_in_begins_a_session_of_its_own_and_signing_out_ends_it(rooms: Rooms) -> None:
    planted = "planted0by0somebody0else00000000"
    with httpx.Client(
        base_url=rooms.url, cookies={"sessionid": planted}, trust_env=False
    ) as browser:

        def submit(page: str, to: str, **fields: str) -> httpx.Response:
            token = csrf_token(browser.get(page).text)
            return browser.post(to, data=fields, headers={"X-CSRFToken": token})

        signed_in = submit("/admin/login/", "/admin/login/", username="carol", password=_PASSWORD)
        session = signed_in.cookies["sessionid"]
        assert session != planted
        assert _asks_for_the_admin(rooms, session) == 200
        assert _asks_for_the_admin(rooms, planted) == 302
        # Which of two cookies of one name is sent is nobody's to say.
        browser.cookies = httpx.Cookies({"sessionid": session})
        submit("/admin/password_change/", "/admin/logout/")
        assert _asks_for_the_admin(rooms, session) == 302


def _asks_for_the_admin(rooms: Rooms, session: str) -> int:
    headers = {"Cookie": f"sessionid={session}"}
    return httpx.get(f"{rooms.url}/admin/", headers=headers, trust_env=False).status_code


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_signing_in_leads_to_no_other_site(rooms: Rooms, to: str) -> None:
    with Visitor(rooms) as carol:
        assert _sign_in(carol, to).headers["Location"].startswith("/accounts/")


@pytest.mark.parametrize("path", ["/admin/", "/admin/rooms/message/", "/admin/rooms/user/"])
def test_the_admin_is_for_staff_alone(rooms: Rooms, path: str) -> None:
    with Visitor(rooms) as guest:
        answer = guest.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")


# What is installed


def test_every_dependency_has_an_exact_version() -> None:
    for file in ("requirements.txt", "tests/requirements.txt"):
        lines = (_ROOT / file).read_text().splitlines()
        for line in (line for line in lines if line and not line.startswith(("#", "-r"))):
            assert re.fullmatch(r"[\w-]+(\[[\w,]+\])?==[\w.]+", line), line
