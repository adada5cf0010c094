"""The poster who waits for answers."""

import asyncio
from random import Random

import pytest

from tests.faults import poster
from tests.faults.poster import Poster
from tests.faults.records import Records, Wish
from tests.services.ports import HOST, free_port


async def test_who_is_never_answered_complains_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poster, "_PATIENCE_SECONDS", 0.2)
    records, end = Records(), asyncio.Event()
    ada = Poster(f"ws://{HOST}:{free_port()}", "lobby", "ada", False, Random("ada"), records)
    ada._open["c-1"] = {"message": "one", "id": "c-1"}, Wish("lobby", "name:ada", "c-1", "one")
    end.set()
    async with asyncio.timeout(5):
        await ada.run(end)
    assert records.complaints == ["ada has no answer to ['c-1']"]
