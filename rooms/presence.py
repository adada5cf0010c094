"""Who is here: right across processes, without a database write.

Each process tells the others what changed among its own people, and every SNAPSHOT_SECONDS all
of them, so that lost news heals and a killed process's people are gone after EXPIRE_SECONDS. While
it hears of no other it only says that it is there.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

from rooms.authors import Author
from rooms.doorbell import Bell, News
from rooms.skeletons import skeletons

SITE = "site.presence"
# Changes gather for this long: a storm of joins is one piece of news.
GATHER_SECONDS = 0.25
SNAPSHOT_SECONDS = 8.0
EXPIRE_SECONDS = 20.0
# People in one piece of news: bounds its size on the layer.
CHUNK = 1000

People = dict[str, str]  # tag -> name
Watcher = Callable[[], None]


class Presence:
    """The people of all rooms, as far as this process knows."""

    def __init__(self, bell: Bell) -> None:
        self.bell = bell
        self._sockets: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self._elsewhere: dict[str, dict[str, People]] = {}
        self._heard: dict[str, float] = {}
        self._changed: defaultdict[str, dict[str, str | None]] = defaultdict(dict)
        # How often each look of a name is present, by tag: names are asked for at every arrival.
        self._looks: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._watchers: dict[str, Watcher] = {}
        self._gathering: asyncio.TimerHandle | None = None
        bell.listen(SITE, self._hear)
        self._task = bell.loop.create_task(self._snapshots(), name="presence")

    def join(self, room: str, author: Author) -> None:
        """Count one more open page or socket of the author."""
        people = self._sockets[room]
        people[author.tag, author.name] += 1
        if people[author.tag, author.name] == 1:
            self._count_looks({author.tag: author.name}, 1)
            self._change(room, author.tag, author.name)

    def leave(self, room: str, author: Author) -> None:
        """Count one less; with the last one the author is gone."""
        people = self._sockets[room]
        people[author.tag, author.name] -= 1
        if people[author.tag, author.name] <= 0:
            del people[author.tag, author.name]
            self._count_looks({author.tag: author.name}, -1)
            self._change(room, author.tag, self._mine(room).get(author.tag))
        if not people:
            del self._sockets[room]

    def here(self, room: str) -> People:
        """Return the people of a room, by tag."""
        people: People = {}
        for rooms in self._elsewhere.values():
            people.update(rooms.get(room, {}))
        people.update(self._mine(room))
        return people

    def is_taken(self, name: str, by_other_than: str) -> bool:
        """Tell whether somebody present, of another tag, has a name that looks like this one."""
        looks = (self._looks[shape] for shape in skeletons(name) if shape in self._looks)
        return any(tags.keys() - {by_other_than} for tags in looks)

    def watch(self, room: str, watcher: Watcher) -> None:
        """Call the watcher, in this event loop, when the room's people changed."""
        self._watchers[room] = watcher

    def unwatch(self, room: str) -> None:
        """Stop calling the room's watcher."""
        self._watchers.pop(room, None)

    async def close(self) -> None:
        """Stop the task (a test must, before its event loop goes)."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _mine(self, room: str) -> People:
        return dict(self._sockets[room].keys()) if room in self._sockets else {}

    def _change(self, room: str, tag: str, name: str | None) -> None:
        self._changed[room][tag] = name
        if self._gathering is None:
            self._gathering = self.bell.loop.call_later(GATHER_SECONDS, self._tell_changes)

    def _tell_changes(self) -> None:
        self._gathering = None
        changed, self._changed = self._changed, defaultdict(dict)
        self._tell(changed, whole=False)
        self._notify(changed)

    def _tell(self, rooms: Mapping[str, Mapping[str, str | None]], whole: bool) -> None:
        news = {"type": "presence", "group": SITE, "process": self.bell.process}
        self.bell.tell({**news, "rooms": rooms, "whole": whole})

    def _hear(self, news: News) -> None:
        process = news["process"]
        if process == self.bell.process:
            return
        if process not in self._heard:
            self._snapshot()  # a new process knows nothing of us yet
        self._heard[process] = self.bell.loop.time()
        before = self._elsewhere.get(process, {})
        rooms = {} if news["whole"] else dict(before)
        for room, told in news["rooms"].items():
            people = {**rooms.get(room, {}), **told}
            rooms[room] = {tag: name for tag, name in people.items() if name is not None}
        self._replace(process, rooms)
        self._notify(r for r in before.keys() | rooms.keys() if before.get(r) != rooms.get(r))

    async def _snapshots(self) -> None:
        while True:
            if self._heard:
                self._snapshot()
            else:
                # Whoever hears us for the first time answers with all, and is answered so.
                self._tell({}, whole=False)
            await asyncio.sleep(SNAPSHOT_SECONDS)
            self._expire()

    def _snapshot(self) -> None:
        people = [(room, *person) for room in self._sockets for person in self._mine(room).items()]
        for start in range(0, max(len(people), 1), CHUNK):
            rooms: defaultdict[str, People] = defaultdict(dict)
            for room, tag, name in people[start : start + CHUNK]:
                rooms[room][tag] = name
            self._tell(rooms, whole=start == 0)

    def _expire(self) -> None:
        horizon = self.bell.loop.time() - EXPIRE_SECONDS
        for process in [p for p, heard in self._heard.items() if heard < horizon]:
            del self._heard[process]
            gone = self._elsewhere.get(process, {})
            self._replace(process, {})
            del self._elsewhere[process]
            self._notify(gone)

    def _replace(self, process: str, rooms: dict[str, People]) -> None:
        before = self._elsewhere.get(process, {})
        for room in before.keys() | rooms.keys():
            if before.get(room) != rooms.get(room):
                self._count_looks(before.get(room, {}), -1)
                self._count_looks(rooms.get(room, {}), 1)
        self._elsewhere[process] = rooms

    def _count_looks(self, people: People, step: int) -> None:
        for tag, name in people.items():
            for shape in skeletons(name):
                tags = self._looks[shape]
                tags[tag] += step
                if not tags[tag]:
                    del tags[tag]
                if not tags:
                    del self._looks[shape]

    def _notify(self, rooms: Iterable[str]) -> None:
        for room in rooms:
            if room in self._watchers:
                self._watchers[room]()
