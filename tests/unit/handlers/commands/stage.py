"""Scenes in a folder, workers that run them, and people who say things."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from textwrap import dedent
from typing import Any

from msgspec.structs import replace

from posthouse.handlers.commands.files import Files
from posthouse.handlers.commands.folders import Folders
from posthouse.handlers.commands.handler import Commands
from posthouse.handlers.commands.pool import Pool
from posthouse.handlers.commands.process import Limits
from posthouse.handlers.commands.scenes import Scenes
from posthouse.handlers.handler import CannotAnswer, Push
from posthouse.handlers.permissions import Permissions
from posthouse.model.action import Action, Ask, Send
from posthouse.model.address import Chat, ChatKind, Person, Role
from posthouse.model.permission import Ruling, Wish
from posthouse.model.turn import Answer, StoredEvent, Turn
from posthouse.store.media import Shelf
from tests.house.people import BOT, NOON, ROOM, said
from tests.unit.handlers.asked import Asked

PREFIXES = ("/", "／")
MEMORY_BYTES_MAX = 512 * 1024**2

_numbers = count(1)


@dataclass
class Book:
    """Permissions as a test writes them: (person, scene, command), ``*`` for any."""

    granted: set[tuple[str, str, str]] = field(default_factory=set)
    reason: str = "not_granted"
    blocked: set[tuple[str, str, str]] = field(default_factory=set)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: list[Wish] = field(default_factory=list)

    async def rule(self, wish: Wish, now: float) -> Ruling:
        self.asked.append(wish)
        wanted = (wish.person, wish.scene, wish.command)
        if wanted in self.blocked:
            return Ruling(is_allowed=False, reason="blocked")
        is_allowed = any(
            all(mine in ("*", theirs) for mine, theirs in zip(line, wanted, strict=True))
            for line in self.granted
        )
        return Ruling(is_allowed=is_allowed, reason="granted" if is_allowed else self.reason)

    async def groups_of(self, bot: str, person: str) -> tuple[str, ...]:
        return self.groups.get(person, ())


def write(folder: Path, scenes: Mapping[str, str]) -> None:
    """Save scenes, each a name and its text."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in scenes.items():
        (folder / f"{name}.py").write_text(dedent(text), "utf-8")


def turn_of(text: str, *, who: str = "ann", **changes: Any) -> Turn:  # noqa: ANN401 - of ``Turn``
    """A turn in which somebody says ``text`` to the bot."""
    number = next(_numbers)
    made = Turn(
        id=number,
        chat=Chat(7, BOT, ROOM, ChatKind.GROUP, "Ops"),
        session=f"7:m:{who}",
        handler="commands",
        person=Person(who, who.title(), Role.MEMBER),
        events=(StoredEvent(number, said(text, who=who), NOON),),
    )
    return replace(made, **changes)


@dataclass
class Stage:
    """See the module; ``staged`` makes one."""

    folder: Path
    public: Path
    pool: Pool
    commands: Commands
    permissions: Permissions
    shelf: Shelf

    @property
    def book(self) -> Book:
        """The permissions, where they are a test's."""
        assert isinstance(self.permissions, Book)
        return self.permissions

    async def actions(self, turn: Turn, language: str = "en") -> list[Action]:
        """Everything that a turn yields."""
        return [each async for each in self.commands.handle(turn, Asked(language))]

    async def answer(self, text: str, *, who: str = "ann", language: str = "en") -> str:
        """What is said to a message, or why nothing could be; one message to a line."""
        try:
            found = await self.actions(turn_of(text, who=who), language)
        except CannotAnswer as end:
            return end.sentence
        return "\n".join(words(found))

    async def ask(self, text: str, *, who: str = "ann") -> Ask:
        """The question that a message leads to."""
        (asked,) = await self.actions(turn_of(text, who=who))
        assert isinstance(asked, Ask)
        return asked

    async def reply(
        self, asked: Ask, choice: int | None = None, text: str = "", *, who: str = "ann"
    ) -> str:
        """What is said to an answer."""
        answer = Answer("q", asked.state, choice, text)
        return "\n".join(words(await self.actions(turn_of(text, who=who, answer=answer))))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does, which has no other way to tell us."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - no event crosses from there
            await asyncio.sleep(0.01)


def is_there(pid: int) -> bool:
    """Whether a process still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def words(actions: list[Action]) -> list[str]:
    """The words of everything that is said; a file is shown by its name."""
    shown = []
    for action in actions:
        match action:
            case Send(content=content):
                shown.append(content.media.name if content.media else content.text)
            case Ask(question=question):
                shown.append(question.text)
            case _:
                pass
    return shown


def build(
    tmp_path: Path,
    *,
    public: Mapping[str, str] | None = None,
    private: Mapping[str, str] | None = None,
    book: Permissions | None = None,
    special: Mapping[str, str] | None = None,
    push: Push | None = None,
    give_up_s: float = 10.0,
    workers_max: int = 2,
    limits: Limits | None = None,
) -> Stage:
    """Write scenes, and make what runs them; nothing is loaded yet."""
    folder, public_folder = tmp_path / "services", tmp_path / "public"
    write(folder, private or {})
    write(public_folder, public or {})
    permissions, shelf = book or Book(), Shelf(tmp_path / "media")
    keys = (f"{number:032x}" for number in count(id(folder)))
    pool = Pool(
        Folders((folder,), (public_folder,)),
        tmp_path / "scratch",
        limits or Limits(memory_bytes_max=MEMORY_BYTES_MAX, output_bytes_max=10_000),
        workers_max,
        keys.__next__,
    )
    scenes = Scenes(
        pool,
        permissions,
        Files(shelf, 1_000_000, sent_from=(tmp_path,), kept_in=tmp_path / "data"),
        special=special or {},
        give_up_s=give_up_s,
        new_key=keys.__next__,
        push=push,
    )
    return Stage(folder, public_folder, pool, Commands(PREFIXES, scenes), permissions, shelf)


@asynccontextmanager
async def staged(tmp_path: Path, **choices: Any) -> AsyncIterator[Stage]:  # noqa: ANN401 - of ``build``
    """Load scenes, and end their workers afterwards."""
    stage = build(tmp_path, **choices)
    await stage.commands.open()
    try:
        yield stage
    finally:
        await stage.commands.close()
