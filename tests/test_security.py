"""What docs/security.md says is so, as far as a test can show it."""

import asyncio
import base64
import json
import resource

import httpx

from tests.services import Rooms
from tests.tool import new_room, tool
from tests.visitor import Visitor

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
