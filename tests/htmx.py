"""What a browser holds of a room's page, and what htmx does with a fragment."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.template.loader import get_template

from rooms import database, fragments, log
from rooms.models import Message

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
        return [item.html() for item in self.items()]

    def items(self) -> list[Node]:
        """The elements of the messages, in order."""
        return [
            node
            for node in self.root.walk()
            if node.tag == "li" and "message" in node.attributes["class"].split()
        ]

    def cursor(self) -> tuple[int, str]:
        """The cursor that stands in the page: how far it has come, in which epoch."""
        field = self.find("#cursor")
        assert field
        seq, _, epoch = field.attributes["value"].partition(".")
        return int(seq), epoch


async def loaded(room: str) -> tuple[Tree, log.Head]:
    """The room's page as it would be served now, and the head that it shows."""

    def load() -> tuple[Tree, log.Head]:
        head = log.head(room)
        return _shown(room, log.page(head.room_id, head.seq), f"{head.seq}.{head.epoch}"), head

    return await database.read(load)


def _shown(room: str, messages: list[Message], cursor: str) -> Tree:
    context: dict[str, Any] = {"items": fragments.items(room, messages)}
    items = get_template("rooms/_list.html").render(context)
    return Tree(
        f'<title>-</title><p id="typing"></p><p id="status"></p><i id="beat"></i>'
        f'<time id="contact"></time><span id="here"></span>'
        f'<div id="lists">{items}<ol class="list"></ol></div>'
        f'<input id="cursor" name="after" value="{cursor}"><input id="unseen" value="">'
    )
