"""What a room's log must hold: the rules once more, as a plain list."""

from dataclasses import dataclass, field
from typing import Literal

from rooms.authors import Author
from rooms.errors import Forbidden, IdConflict, NotFound, Refused
from rooms.log import Receipt

# Number, place in the log, and whether it stood there before.
Place = tuple[int, int, bool]
Row = tuple[int, int, int, str, bool]


@dataclass(frozen=True)
class Wish:
    """What somebody asks of a room."""

    kind: Literal["post", "edit", "delete"]
    author: Author
    text: str = ""
    client_id: str | None = None
    message_id: int = 0


@dataclass
class Post:
    """A message, as it must stand."""

    message_id: int
    number: int
    posted_seq: int
    seq: int
    wish: Wish
    body: str
    is_deleted: bool = False


@dataclass
class History:
    """A room's log as it must be."""

    posts: list[Post] = field(default_factory=list)
    seq: int = 0

    @property
    def rows(self) -> list[Row]:
        """The messages as the database holds them: number, both places, text, tombstone."""
        return [(p.number, p.posted_seq, p.seq, p.body, p.is_deleted) for p in self.posts]

    @property
    def standing(self) -> dict[int, str]:
        """The texts that can be read, by number."""
        return {post.number: post.body for post in self.posts if not post.is_deleted}

    def posted(self, author: Author, client_id: str | None) -> Post | None:
        """Return what the author posted under the id."""
        key = author.identity, client_id
        same = (p for p in self.posts if (p.wish.author.identity, p.wish.client_id) == key)
        return next(same, None) if client_id is not None else None

    def answer(self, wish: Wish) -> Place | type[Refused]:
        """Return how the wish must be answered now."""
        if wish.kind == "post":
            earlier = self.posted(wish.author, wish.client_id)
            if earlier is None:
                return len(self.posts) + 1, self.seq + 1, False
            same = earlier.wish.text == wish.text
            return (earlier.number, earlier.posted_seq, True) if same else IdConflict
        post = self._find(wish)
        if post is None or post.is_deleted:
            return NotFound
        moderates = wish.kind == "delete" and wish.author.moderates
        if not moderates and post.wish.author.identity != wish.author.identity:
            return Forbidden
        return post.number, self.seq + 1, False

    def take(self, wish: Wish, receipt: Receipt) -> None:
        """Take in what was done."""
        self.seq = receipt.seq
        post = self._find(wish)
        if post is None:
            number, seq = receipt.number, receipt.seq
            self.posts.append(Post(receipt.message_id, number, seq, seq, wish, wish.text))
            return
        post.seq = receipt.seq
        post.body = wish.text
        post.is_deleted = wish.kind == "delete"

    def _find(self, wish: Wish) -> Post | None:
        return next((post for post in self.posts if post.message_id == wish.message_id), None)
