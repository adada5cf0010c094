"""Who is signed out, or is not any more who they were, reads and says nothing more as that."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
from django.contrib.sessions.backends.db import SessionStore
from websockets.asyncio.client import ClientConnection, connect

from rooms import accounts, authors, database
from rooms.consumers.visitor import visitor
from rooms.models import User
from rooms.subscribers import Revoked
from tests.cast import Tool as Reader
from tests.cast import until
from tests.services import Redis, Rooms
from tests.tool import new_room, tool
from tests.visitor import Visitor

SignIn = Callable[[Rooms, str], Visitor]

_PASSWORD = "a long enough one"
_CAST = """
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
password = make_password({password!r})
for name in {names!r}:
    get_user_model()(
        username=name, password=password, is_staff=True, is_superuser=True
    ).save()
"""
_CHANGE = """
from django.contrib.auth import get_user_model
carol = get_user_model().objects.get(username={name!r})
{change}
"""
# One for each test, which leaves her changed.
_CAROLS = [f"carol-{number}" for number in range(20)]
_carols = iter(_CAROLS)


async def test_who_has_no_session_is_not_looked_for_in_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def read(question: object, *_: object) -> None:
        raise AssertionError(f"{question} was asked")

    monkeypatch.setattr(database, "read", read)
    scope = {"headers": [(b"host", b"localhost")], "client": ["192.0.2.7", 1]}
    assert (await visitor(scope)).address == "192.0.2.7"
    scope["headers"] = [(b"cookie", b"guest=forged; csrftoken=x")]
    assert (await visitor(scope)).identity.startswith("socket:")
    scope["headers"] = [(b"cookie", b"sessionid=" + b"x" * 32)]
    with pytest.raises(AssertionError, match="was asked"):
        await visitor(scope)


def _make(rooms: Rooms, *names: str) -> None:
    rooms.manage("shell", "-c", _CAST.format(names=names, password=_PASSWORD))


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with Rooms(env={"SIGN_IN_RATE": "off"}) as server:
        _make(server, "bob", *_CAROLS)
        yield server


@pytest.fixture
def name() -> str:
    """The name of an account that no other test has."""
    return next(_carols)


@pytest.fixture
def sign_in() -> Iterator[SignIn]:
    """Sign somebody in, in a browser of their own."""
    with contextlib.ExitStack() as open_browsers:

        def signed_in(rooms: Rooms, name: str) -> Visitor:
            visitor = open_browsers.enter_context(Visitor(rooms))
            answer = visitor.submit("/admin/login/", {"username": name, "password": _PASSWORD})
            assert answer.status_code == 302, answer.text
            return visitor

        yield signed_in


def _sign_out(visitor: Visitor) -> None:
    assert visitor.submit("/admin/password_change/", {}, to="/admin/logout/").status_code == 200


def _cookies(rooms: Rooms, visitor: Visitor) -> dict[str, str]:
    return {"Cookie": visitor.cookie_header(), "Origin": rooms.url}


@contextlib.asynccontextmanager
async def _page(rooms: Rooms, headers: dict[str, str]) -> AsyncIterator[ClientConnection]:
    async with connect(
        f"{rooms.ws}/ws/chat/lobby/html/", additional_headers=headers, proxy=None
    ) as page:
        await page.send(json.dumps({"page": "p" * 16, "acked": "0", "after": "0"}))
        await page.recv()
        yield page


async def _code(page: ClientConnection) -> int | None:
    async with asyncio.timeout(5):
        await page.wait_closed()
    return page.close_code


async def test_signing_out_closes_the_sockets_of_that_session_and_no_others(
    rooms: Rooms, sign_in: SignIn, name: str
) -> None:
    room = new_room()
    people = [await asyncio.to_thread(sign_in, rooms, who) for who in (name, name, "bob")]
    leaving, staying, other = (_cookies(rooms, visitor) for visitor in people)
    async with (
        tool(rooms, room, headers=leaving) as carol,
        _page(rooms, leaving) as page,
        tool(rooms, room, headers=staying) as elsewhere,
        tool(rooms, room, headers=other) as bob,
        tool(rooms, room) as guest,
    ):
        await asyncio.to_thread(_sign_out, people[0])
        assert await carol.refused() == "forbidden"
        assert await carol.closed() == 4403
        assert await _code(page) == 4403
        for one in (elsewhere, bob, guest):
            await one.post("still here")
    async with tool(rooms, room, headers=leaving, after=0) as again:
        assert (await again.next())["you"]["kind"] == "guest"


@pytest.mark.parametrize(
    "change",
    [
        "carol.is_active = False; carol.save()",
        "carol.set_password('another one'); carol.save()",
        "carol.is_staff = False; carol.save()",
        "carol.username += '-renamed'; carol.save()",
        "carol.delete()",
        "type(carol).objects.filter(pk=carol.pk).update(is_active=False)",
    ],
)
async def test_a_changed_account_is_noticed_whoever_changed_it(
    rooms: Rooms, change: str, sign_in: SignIn, name: str
) -> None:
    headers = _cookies(rooms, await asyncio.to_thread(sign_in, rooms, name))
    async with tool(rooms, new_room(), headers=headers) as carol, _page(rooms, headers) as page:
        await asyncio.to_thread(
            rooms.manage, "shell", "-c", _CHANGE.format(name=name, change=change)
        )
        assert await carol.refused() == "forbidden"
        assert await carol.closed() == 4403
        assert await _code(page) == 4403


async def test_a_stream_ends_too(rooms: Rooms, sign_in: SignIn, name: str) -> None:
    visitor = await asyncio.to_thread(sign_in, rooms, name)
    async with (
        httpx.AsyncClient(base_url=rooms.url, trust_env=False, timeout=5) as reader,
        reader.stream(
            "GET", "/chat/lobby/stream/", headers={"Cookie": visitor.cookie_header()}
        ) as answer,
    ):
        parts = answer.aiter_bytes()
        assert await anext(parts)
        await asyncio.to_thread(_sign_out, visitor)
        async with asyncio.timeout(5):
            async for _ in parts:
                pass


async def test_a_password_changed_in_the_admin_ends_what_was_open(
    rooms: Rooms, sign_in: SignIn, name: str
) -> None:
    visitor = await asyncio.to_thread(sign_in, rooms, name)
    new = "another long enough one"
    form = {"old_password": _PASSWORD, "new_password1": new, "new_password2": new}
    async with tool(rooms, new_room(), headers=_cookies(rooms, visitor)) as carol:
        answer = await asyncio.to_thread(visitor.submit, "/admin/password_change/", form)
        assert answer.status_code == 302
        assert await carol.refused() == "forbidden"
        assert await carol.closed() == 4403


async def test_signing_out_is_heard_in_all_processes(redis: Redis, sign_in: SignIn) -> None:
    with Rooms(redis_url=redis.url) as first:
        _make(first, "carol")
        with Rooms(redis_url=redis.url, data_dir=first.data_dir) as second:
            visitor = await asyncio.to_thread(sign_in, first, "carol")
            async with tool(second, "lobby", headers=_cookies(second, visitor)) as carol:
                await carol.post("hello")
                await asyncio.to_thread(_sign_out, visitor)
                assert await carol.refused() == "forbidden"
                assert await carol.closed() == 4403


# Inside one process


async def _session(user: User, seconds: int = 60) -> SessionStore:
    def create() -> SessionStore:
        session = SessionStore()
        session.set_expiry(seconds)
        session.create()
        return session

    return await database.read(create)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["sign out", "save"])
async def test_an_act_is_told_and_need_not_be_found(
    monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(accounts, "SECONDS", 600.0)
    user = await database.read(User.objects.create_user, "carol", password=_PASSWORD)
    session = await _session(user)
    carol = Reader(author=authors.member(user, session.session_key or ""))
    await carol.join()
    await until(lambda: carol.is_live)
    await asyncio.sleep(0.3)
    assert not carol.subscriber.is_revoked, "for this test to mean anything"
    if act == "sign out":
        await database.read(session.flush)
    else:
        user.is_staff = True
        await database.read(user.save)
    await until(carol.task.done)
    assert isinstance(carol.task.exception(), Revoked)
    carol.subscriber.end()


@pytest.mark.django_db(transaction=True)
async def test_what_nobody_tells_is_found_within_seconds() -> None:
    user = await database.read(User.objects.create_user, "carol", password=_PASSWORD)
    began = time.monotonic()
    session = await _session(user, seconds=1)
    carol = Reader(author=authors.member(user, session.session_key or ""))
    await carol.join()
    await until(carol.task.done)
    carol.subscriber.end()
    assert isinstance(carol.task.exception(), Revoked)
    assert time.monotonic() - began > 0.9, "a session holds as long as it was given"


@pytest.mark.django_db(transaction=True)
async def test_signing_in_again_leaves_what_is_open() -> None:
    user = await database.read(User.objects.create_user, "carol", password=_PASSWORD)
    session = await _session(user)
    carol = Reader(author=authors.member(user, session.session_key or ""))
    await carol.join()

    def sign_in() -> None:
        user.last_login = user.date_joined
        user.save(update_fields=["last_login"])

    await database.read(sign_in)
    await asyncio.sleep(1.5)
    assert not carol.subscriber.is_revoked
    await carol.leave()
