"""What waits for a socket's application."""

import asyncio

from rooms.server.inbox import Inbox
from rooms.server.work import Work


async def test_what_comes_is_given_out_in_order() -> None:
    inbox = Inbox(Work())
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    for number in range(3):
        inbox.put_nowait({"number": number})
    assert inbox.qsize() == 3
    assert await waiting == {"number": 0}
    assert [await inbox.get(), await inbox.get()] == [{"number": 1}, {"number": 2}]
    assert inbox.qsize() == 0


async def test_one_who_stopped_waiting_takes_nothing_along() -> None:
    inbox = Inbox(Work())
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    waiting.cancel()
    inbox.put_nowait({"number": 1})
    await asyncio.gather(waiting, return_exceptions=True)
    assert await inbox.get() == {"number": 1}


async def test_a_reader_is_at_work_from_an_event_until_it_asks_for_the_next() -> None:
    work = Work()
    inbox = Inbox(work)
    is_done = [work.is_done]
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    is_done.append(work.is_done)
    inbox.put_nowait({})
    await waiting
    is_done.append(work.is_done)
    assert is_done == [False, True, False]
