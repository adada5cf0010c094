"""Readers who come and go, each with what it must hold of a room in the end."""

from rooms import fragments
from tests.cast import Page, Stream, Tool, bob, carol
from tests.history import History
from tests.htmx import Tree, loaded


class Seat:
    """Somebody's place in a room; nobody sits there while `reader` is None."""

    reader: Tool | Page | Stream | None = None
    is_stale = False  # was told that what it holds is of another history

    def __init__(self, room: str) -> None:
        self.room = room

    async def come(self, history: History) -> None:
        """Join, from where one left."""
        raise NotImplementedError

    async def go(self) -> None:
        """Leave, as a closed socket does."""
        if self.reader is not None:
            reader, self.reader = self.reader, None
            await reader.leave()
            reader.free.set()

    def look(self) -> None:
        """Take in what has come."""
        self.is_stale = self.reader is not None and self.reader.is_over

    async def check(self, history: History) -> None:
        """Hold everything, each post once and in order."""
        raise NotImplementedError


class Follower(Seat):
    """A tool that resumes at its cursor and wants everything."""

    def __init__(self, room: str) -> None:
        super().__init__(room)
        self.tool = Tool(room, bob)

    async def come(self, history: History) -> None:
        if self.is_stale:
            self.is_stale = False
            self.tool = Tool(self.room, bob)
        hello = self.tool.of("hello")
        epoch = hello[-1]["epoch"] if hello else ""
        self.reader = await self.tool.join(self.tool.seen, epoch)

    def look(self) -> None:
        self.is_stale = bool(self.tool.of("reset"))

    async def check(self, history: History) -> None:
        _in_order(self.tool)
        posted = {frame["number"] for frame in self.tool.of("message.posted")}
        _same("what a tool holds", self.tool.state, history.standing)
        _same("the posts it never saw", set(history.standing) - posted, set())
        _same("how far it came", self.tool.seen, history.seq)


class Onlooker(Seat):
    """A tool that wants what is posted from now on, and starts anew each time."""

    since = 0

    async def come(self, history: History) -> None:
        self.reader = await Tool(self.room, carol).join()
        self.is_stale = False
        # Whatever is posted from here on must come; what is being posted meanwhile may.
        self.since = history.seq

    async def check(self, history: History) -> None:
        tool = self.reader
        assert isinstance(tool, Tool)
        _in_order(tool)
        new = {post.number for post in history.posts if post.seq > self.since}
        must = {number: text for number, text in history.standing.items() if number in new}
        _same("what an onlooker missed", must.items() - tool.state.items(), set())
        _same("what it made up", tool.state.items() - history.standing.items(), set())


class Reload(Seat):
    """A page: loaded once, then kept up to date by what is pushed to it."""

    tree: Tree | None = None

    async def come(self, history: History) -> None:
        if self.tree is None or self.is_stale:
            self.is_stale = False
            self.tree, _ = await loaded(self.room)
        self.reader = await Page(self.room, carol).join(*self.tree.cursor())

    async def go(self) -> None:
        self.look()
        await super().go()

    def look(self) -> None:
        if self.reader is None:
            return
        texts, self.reader.texts = self.reader.texts, []
        for text in texts:
            assert self.tree
            self.tree.swap(text)
            self.is_stale = self.is_stale or text == fragments.reload(self.room)

    async def check(self, history: History) -> None:
        assert self.tree
        fresh, head = await loaded(self.room)
        _same("a page's log", self.tree.messages(), fresh.messages())
        _same("a page's cursor", self.tree.cursor(), (head.seq, head.epoch))
        _same("how long its log is", len(fresh.messages()), len(history.posts))


class Listener(Seat):
    """A page without script: what it was sent stays, and more is appended."""

    async def come(self, history: History) -> None:
        tree, head = await loaded(self.room)
        self.reader = await Stream(self.room, carol).join(head.seq, head.epoch)
        self.numbers = _numbers(tree)
        self.is_stale = False

    async def check(self, history: History) -> None:
        assert self.reader
        shown = self.numbers + _numbers(Tree("".join(self.reader.texts)))
        _same("a stream's log", shown, [post.number for post in history.posts])


def _in_order(tool: Tool) -> None:
    seqs = [frame["seq"] for frame in tool.entries]
    _same("the entries of a tool", seqs, sorted(set(seqs)))
    numbers = [frame["number"] for frame in tool.of("message.posted")]
    _same("the posts of a tool", numbers, sorted(set(numbers)))


def _numbers(tree: Tree) -> list[int]:
    return [int(item.attributes["id"].removeprefix("m")) for item in tree.items()]


def _same(what: str, found: object, wanted: object) -> None:
    assert found == wanted, f"{what}: {found} instead of {wanted}"
