"""What operators' tools can ask of a house: the same tasks whether it runs or stands still.

A running house answers them under ``/api/v1/admin/<task>`` to who knows the token of its lock
file; on a house that stands still, the command line takes the lock and performs them itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from posthouse.api.pushing import Pushing
from posthouse.knowledge.room import ReadingRoom
from posthouse.model.address import Chat
from posthouse.model.errors import OperatorMistake
from posthouse.settings.reload import Change, ScenesRead
from posthouse.store.access import Access
from posthouse.store.chats import Chats
from posthouse.store.grants import Grants
from posthouse.store.holding import Decision, HeldDelivery, Holding, House
from posthouse.store.journal import Journal
from posthouse.store.reader import DeliveryRow, Reader, Road, TurnRow
from posthouse.store.upkeep import Upkeep
from posthouse.wakeup.wakeup import SENDS, TURNS, Wakeup

ROWS_MAX = 1000
NUMBER_DIGITS_MAX = 18

A = TypeVar("A", bound=Struct)
R = TypeVar("R")


class Nothing(Struct, frozen=True):
    """A task that needs no arguments."""


class Held(Struct, frozen=True, kw_only=True):
    """Whether the house is held, and what waits."""

    house: House
    deliveries: tuple[HeldDelivery, ...]


class Decide(Struct, frozen=True, kw_only=True):
    """What is to be done with held deliveries; None means all of them."""

    decision: Decision
    deliveries: tuple[int, ...] | None = None


class BackUp(Struct, frozen=True):
    """Where the copy goes: an absolute path that does not exist yet."""

    target: str


class Why(Struct, frozen=True):
    """What is asked about, in the asker's words.

    An event's number, a platform's message id, or a chat by its number (``chat:3``), its title or
    the platform's id.
    """

    what: str
    limit: int = 10


class Found(Struct, frozen=True, kw_only=True):
    """Roads, newest first, with the chats they belong to."""

    roads: tuple[Road, ...]
    chats: Mapping[int, Chat]


class Revive(Struct, frozen=True):
    """A buried turn that is to be tried again."""

    turn: int


class Trouble(Struct, frozen=True, kw_only=True):
    """What needs somebody's attention."""

    deliveries: tuple[DeliveryRow, ...]
    turns: tuple[TurnRow, ...]


@dataclass(frozen=True)
class Books:
    """The protocols of the store that the desk works on."""

    journal: Journal
    reader: Reader
    chats: Chats
    holding: Holding
    upkeep: Upkeep
    grants: Grants
    access: Access


class Running(Protocol):
    """What only a house that runs can do."""

    @property
    def pushing(self) -> Pushing:
        """Where pushes begin."""
        ...

    async def reload(self, *, is_rehearsal: bool) -> tuple[Change, ...]:
        """Read the settings again and work with them; a rehearsal only says what would change."""
        ...

    async def reload_scenes(self) -> tuple[ScenesRead, ...]:
        """Read the scenes of every handler that has some again."""
        ...


class Desk:
    """Performs the tasks.

    Args:
        books: the store.
        wakeup: told when something may go on.
        bots: the names of the house's bots.
        clock: seconds since the epoch.
        running: what only a house that runs can do; None: it stands still.
        room: where the house's knowledge is kept and searched.
    """

    def __init__(
        self,
        books: Books,
        wakeup: Wakeup,
        bots: Collection[str],
        clock: Callable[[], float],
        running: Running | None = None,
        room: ReadingRoom | None = None,
    ) -> None:
        self._journal = books.journal
        self._reader = books.reader
        self._holding = books.holding
        self._upkeep = books.upkeep
        self.grants = books.grants  # for ``permission_tasks`` and ``push_tasks``, like the rest
        self.chats = books.chats
        self.running = running
        self.room = room
        self.access = books.access
        self._wakeup = wakeup
        self._bots = bots
        self._clock = clock

    def now(self) -> float:
        """Tell the time."""
        return self._clock()

    async def counts(self, _nothing: Nothing) -> dict[str, int]:
        """Count what is in the book."""
        return await self._upkeep.counts()

    async def check(self, _nothing: Nothing) -> tuple[str, ...]:
        """Return what is wrong with the database."""
        return await self._upkeep.check()

    async def backup(self, wanted: BackUp) -> int:
        """Write a copy and return its size in bytes.

        Raises:
            OperatorMistake: the target exists or cannot be written.
        """
        target = Path(wanted.target)
        try:
            await self._upkeep.backup(target)
        except FileExistsError:
            raise OperatorMistake(
                f"{target} exists; nothing was written. Choose another name.",
                zh=f"{target} 已存在，没有写入。请换一个文件名。",
            ) from None
        except OSError as error:
            raise OperatorMistake(
                f"Cannot write {target}: {error.strerror}.",
                zh=f"写不了 {target}：{error.strerror}。",
            ) from None
        return target.stat().st_size  # noqa: ASYNC240 - one look, after minutes of copying

    async def held(self, _nothing: Nothing) -> Held:
        """Return what waits for a decision."""
        house = await self._holding.house()
        return Held(house=house, deliveries=await self._holding.held(ROWS_MAX))

    async def decide(self, wanted: Decide) -> int:
        """Decide about held deliveries and return how many that concerned."""
        count = await self._holding.decide(wanted.decision, wanted.deliveries, self._clock())
        self._wakeup.nudge(SENDS)
        self._wakeup.nudge(TURNS)
        return count

    async def revive(self, wanted: Revive) -> bool:
        """Let a buried turn be tried again; False when there is none of that number."""
        is_revived = await self._journal.revive(wanted.turn, self._clock())
        self._wakeup.nudge(TURNS)
        return is_revived

    async def trouble(self, _nothing: Nothing) -> Trouble:
        """Return failed and doubtful deliveries, and buried turns."""
        deliveries = await self._reader.troubled()
        return Trouble(
            deliveries=tuple(map(_without_bytes, deliveries)), turns=await self._reader.buried()
        )

    async def why(self, wanted: Why) -> Found:
        """Return the roads of messages."""
        roads = await self._roads(wanted)
        numbers = {road.event.chat for road in roads}
        chats = [await self.chats.get(number) for number in sorted(numbers)]
        return Found(
            roads=tuple(
                replace(road, deliveries=tuple(map(_without_bytes, road.deliveries)))
                for road in roads
            ),
            chats={chat.id: chat for chat in chats if chat is not None},
        )

    async def _roads(self, wanted: Why) -> tuple[Road, ...]:
        limit = max(1, min(wanted.limit, ROWS_MAX))
        events = await self._events(wanted.what)
        if events:
            roads = [await self._reader.road(event) for event in events[:limit]]
            return tuple(road for road in roads if road is not None)
        chat = await self._chat(wanted.what)
        return () if chat is None else await self._reader.recent(chat, limit)

    async def _events(self, what: str) -> list[int]:
        found = [await self._reader.find_message(bot, what) for bot in self._bots]
        events = [event for some in found for event in some]
        if is_number(what) and await self._reader.road(int(what)) is not None:
            events.insert(0, int(what))
        return events

    async def _chat(self, what: str) -> int | None:
        number = what.removeprefix("chat:")
        if number != what and is_number(number):
            return int(number)
        chats = await self.chats.list(ROWS_MAX)
        return next((chat.id for chat in chats if what in {chat.title, chat.platform_id}), None)


def is_number(text: str) -> bool:
    """Whether a text is a number that a row can have."""
    return text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX


def _without_bytes(row: DeliveryRow) -> DeliveryRow:
    """Leave out the encoded body: people read the text beside it."""
    return replace(row, delivery=replace(row.delivery, body=b""))


@dataclass(frozen=True)
class Task(Generic[A, R]):
    """One thing that can be asked: its name, what it is given, what it returns."""

    name: str
    arguments: type[A]
    perform: Callable[[Desk, A], Awaitable[R]]
    result: object  # the type of R as msgspec reads it


COUNTS = Task("counts", Nothing, Desk.counts, dict[str, int])
CHECK = Task("check", Nothing, Desk.check, tuple[str, ...])
BACKUP = Task("backup", BackUp, Desk.backup, int)
HELD = Task("held", Nothing, Desk.held, Held)
DECIDE = Task("decide", Decide, Desk.decide, int)
REVIVE = Task("revive", Revive, Desk.revive, bool)
TROUBLE = Task("trouble", Nothing, Desk.trouble, Trouble)
WHY = Task("why", Why, Desk.why, Found)

TASKS: Mapping[str, Task[Struct, object]] = {
    task.name: task  # type: ignore[misc]  # each task checks its own arguments
    for task in (COUNTS, CHECK, BACKUP, HELD, DECIDE, REVIVE, TROUBLE, WHY)
}
