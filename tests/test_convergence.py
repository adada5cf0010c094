"""Whatever happens on the way, who reads a room ends up with what stands in the database."""

import asyncio
import itertools
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from django.template.loader import get_template
from django.test import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from rooms import database, doorbell, feeds, fragments, log, posting, subscribers
from rooms.authors import Author
from rooms.models import Message
from tests.cast import Page, Tool, alice, bob, carol, dave, unhurried, until

__all__ = ["unhurried"]

pytestmark = pytest.mark.django_db(transaction=True)

_number = itertools.count()

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.integers(1, 5)),
        st.tuples(st.just("edit"), st.integers(0, 30)),
        st.tuples(st.just("delete"), st.integers(0, 30)),
        st.tuples(st.just("join"), st.integers(0, 3)),
        st.tuples(st.just("leave"), st.integers(0, 3)),
        st.tuples(st.just("slow"), st.integers(0, 3)),
        st.tuples(st.just("quick"), st.integers(0, 3)),
        st.tuples(st.just("deaf"), st.booleans()),
        st.tuples(st.just("wait"), st.integers(0, 3)),
    ),
    max_size=40,
)
given_any_steps = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[bool]:
    """Small windows and bounds, so that few steps cross them; whether rings are lost."""
    settings.PENDING_MAX = 1500
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.03)
    monkeypatch.setattr(log, "WINDOW", 3)
    lost = [False]
    ring = doorbell.ring
    monkeypatch.setattr(doorbell, "ring", lambda *news: None if lost[0] else ring(*news))
    return lost


# Tools


@dataclass
class Chat:
    """A room and its readers, to which things happen."""

    room: str
    lost: list[bool]
    readers: dict[int, Tool] = field(default_factory=dict)
    away: dict[int, Tool] = field(default_factory=dict)
    authors: tuple[Author, ...] = (alice, bob, carol, dave)

    async def happen(self, steps: list[tuple[str, int]]) -> None:
        """Let the steps happen one after the other."""
        for step, value in steps:
            await getattr(self, step)(value)

    async def post(self, count: int) -> None:
        await asyncio.gather(
            *(
                posting.apost_message(self.room, alice, f"{n} " + "words " * 10)
                for n in range(count)
            )
        )

    async def edit(self, which: int) -> None:
        if found := await self._standing(which):
            await posting.aedit_message(self.room, alice, found, f"edited {which}")

    async def delete(self, which: int) -> None:
        if found := await self._standing(which):
            await posting.adelete_message(self.room, alice, found)

    async def join(self, who: int) -> None:
        if who not in self.readers:
            tool = self.away.pop(who, None) or Tool(self.room, self.authors[who])
            self.readers[who] = await tool.join(tool.seen)

    async def leave(self, who: int) -> None:
        if who in self.readers:
            tool = self.away[who] = self.readers.pop(who)
            await tool.leave()
            tool.free.set()

    async def slow(self, who: int) -> None:
        if who in self.readers:
            self.readers[who].free.clear()

    async def quick(self, who: int) -> None:
        if who in self.readers:
            self.readers[who].free.set()

    async def deaf(self, lost: int) -> None:
        self.lost[0] = bool(lost)

    async def wait(self, turns: int) -> None:
        await asyncio.sleep(turns * 0.01)

    async def settle(self) -> int:
        """Wait until everybody is here, and everything is read; return the head."""
        for who in range(4):
            await self.join(who)
            await self.quick(who)
        head = await database.read(log.head, self.room)
        await until(
            lambda: all(
                tool.is_live and tool.subscriber.cursor == head.seq
                for tool in self.readers.values()
            )
        )
        await asyncio.sleep(0)
        return head.seq

    async def _standing(self, which: int) -> int | None:
        rows = Message.objects.filter(room__name=self.room, deleted_at=None).order_by("number")
        # Not by the asynchronous ORM: its thread ends with the loop and keeps its connection.
        found = await database.read(lambda: list(rows.values_list("pk", flat=True)))
        return found[which % len(found)] if found else None


@given(steps=STEPS)
@given_any_steps
def test_every_tool_ends_up_with_the_room_s_exact_state(
    steps: list[tuple[str, int]], hasty: list[bool]
) -> None:
    async def play() -> None:
        hasty[0] = False
        chat = Chat(f"tools-{next(_number)}", hasty)
        try:
            await chat.happen(steps)
            await chat.settle()
            rows = Message.objects.filter(room__name=chat.room, deleted_at=None)
            truth = await database.read(lambda: dict(rows.values_list("number", "body")))
            for tool in chat.readers.values():
                assert tool.state == truth
                seqs = [frame["seq"] for frame in tool.entries]
                assert seqs == sorted(set(seqs)), "doubled or out of order"
                numbers = [frame["number"] for frame in tool.of("message.posted")]
                assert numbers == sorted(set(numbers)), "posted twice or out of order"
                assert tool.of("reset") == []
        finally:
            for tool in list(chat.readers.values()):
                await tool.leave()
            await feeds.feeds().close()

    asyncio.run(play())


# Pages: a tree, and what htmx does with a fragment

VOID = {"input", "meta", "link", "br", "img", "hr", "base"}


@dataclass
class Node:
    """An element."""

    tag: str
    attributes: dict[str, str]
    children: list["Node | str"] = field(default_factory=list)

    def walk(self) -> list["Node"]:
        """The element and all below it, in document order."""
        below = [
            node for child in self.children if isinstance(child, Node) for node in child.walk()
        ]
        return [self, *below]

    def html(self) -> str:
        """The element as text, in one way of writing it."""
        attributes = "".join(f' {k}="{v}"' for k, v in sorted(self.attributes.items()))
        inner = "".join(c if isinstance(c, str) else c.html() for c in self.children)
        return f"<{self.tag}{attributes}>{inner}</{self.tag}>"

    def is_called(self, selector: str) -> bool:
        """Whether it has the id, or else the tag, that is asked for."""
        if selector.startswith("#"):
            return self.attributes.get("id") == selector[1:]
        return self.tag == selector

    def elements(self) -> list["Node"]:
        """Its children that are elements."""
        return [child for child in self.children if isinstance(child, Node)]


class Tree(HTMLParser):
    """A parsed document or fragment, below `root`."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("root", {})
        self._open = [self.root]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self._open):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def find(self, selector: str) -> Node | None:
        """The element that one of our fragments names."""
        parent, _, child = selector.partition(">")
        found = next((node for node in self.root.walk() if node.is_called(parent)), None)
        if found is None or not child:
            return found
        assert child == "ol:last-child", child
        last = found.elements()[-1]
        return last if last.tag == "ol" else None

    def swap(self, text: str) -> None:
        """Do what htmx does with a fragment that came over the socket."""
        for piece in Tree(text).root.elements():
            how, _, where = piece.attributes.pop("hx-swap-oob").partition(":")
            target = self.find(where or f"#{piece.attributes['id']}")
            if target is None:
                continue
            if how == "beforeend":
                target.children += piece.children
            elif how == "innerHTML":
                target.children = piece.children
            elif how == "true":
                target.tag, target.attributes = piece.tag, piece.attributes
                target.children = piece.children
            else:
                raise AssertionError(how)

    def messages(self) -> list[str]:
        """The messages of the log, as they are shown."""
        lists = self.find("#lists")
        assert lists
        return [
            n.html() for n in lists.walk() if n.tag == "li" and "message" in n.attributes["class"]
        ]


def shown(room: str, messages: list[Message], cursor: str) -> Tree:
    context: dict[str, Any] = {"room": room, **fragments.listing(room, messages)}
    items = get_template("rooms/_list.html").render(context)
    return Tree(
        f'<title>-</title><p id="typing"></p><p id="status"></p><i id="beat"></i>'
        f'<time id="contact"></time><span id="here"></span>'
        f'<div id="lists">{items}<ol class="list"></ol></div>'
        f'<input id="cursor" name="after" value="{cursor}"><input id="unseen" value="">'
    )


async def loaded(room: str) -> tuple[Tree, log.Head]:
    def load() -> tuple[Tree, log.Head]:
        head = log.head(room)
        return shown(room, log.page(head.room_id, head.seq), f"{head.seq}.{head.epoch}"), head

    return await database.read(load)


@given(steps=STEPS, replaced=st.sampled_from([2, 1000]))
@given_any_steps
def test_a_page_and_what_is_pushed_to_it_are_a_fresh_page(
    steps: list[tuple[str, int]],
    replaced: int,
    hasty: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscribers, "REPLACE_AFTER", replaced)
    monkeypatch.setattr(log, "PAGE_SIZE", 1000)

    async def play() -> None:
        hasty[0] = False
        chat = Chat(f"pages-{next(_number)}", hasty)
        tree, head = await loaded(chat.room)
        page = await Page(chat.room, dave).join(head.seq, head.epoch)
        chat.readers[3] = page  # type: ignore[assignment]
        try:
            for step, value in steps:
                if step not in {"join", "leave"} or value != 3:
                    await chat.happen([(step, value)])
            await chat.settle()
            for text in page.texts:
                tree.swap(text)
            fresh, head = await loaded(chat.room)
            assert tree.messages() == fresh.messages()
            cursor = tree.find("#cursor")
            assert cursor
            assert cursor.attributes["value"] == f"{head.seq}.{head.epoch}"
        finally:
            for reader in list(chat.readers.values()):
                await reader.leave()
            await feeds.feeds().close()

    asyncio.run(play())


async def test_the_page_that_is_served_shows_the_same(async_client: AsyncClient) -> None:
    chat = Chat("lobby", [False])
    await chat.post(4)
    tree, head = await loaded("lobby")
    page = await Page("lobby", dave).join(head.seq, head.epoch)
    await chat.post(2)
    await chat.edit(1)
    await chat.delete(2)
    await until(lambda: page.subscriber.cursor == 8 and page.is_live)
    for text in page.texts:
        tree.swap(text)
    served = Tree((await async_client.get("/chat/lobby/")).content.decode())
    assert tree.messages() == served.messages()
    assert len(tree.messages()) == 6
    cursor, ours = served.find("#cursor"), tree.find("#cursor")
    assert cursor
    assert ours
    assert cursor.attributes["value"] == ours.attributes["value"]
    await page.leave()
