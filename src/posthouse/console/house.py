"""What the console knows of the house: the store's protocols, the bots, and how it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from msgspec import Struct

from posthouse.gateway.bots import Bots
from posthouse.handlers.trying import Tries
from posthouse.knowledge.room import ReadingRoom
from posthouse.settings.language import Said
from posthouse.settings.reload import Change, ScenesRead
from posthouse.settings.settings import RouteRule
from posthouse.store.access import Access
from posthouse.store.asked import Asked
from posthouse.store.chats import Chats
from posthouse.store.conduct import Conduct
from posthouse.store.documents import Documents
from posthouse.store.grants import Grants
from posthouse.store.holding import Holding
from posthouse.store.journal import Journal
from posthouse.store.reader import Reader
from posthouse.store.upkeep import Upkeep
from posthouse.wakeup.wakeup import Wakeup


class Pulse(Protocol):
    """How this process does; nothing here waits."""

    @property
    def is_stopping(self) -> bool:
        """Whether it is closing."""
        ...

    @property
    def has_lease(self) -> bool:
        """Whether it may work, and could write a moment ago."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether nothing is accepted because the disk or the quota is."""
        ...


class Finding(Struct, frozen=True):
    """One thing that was looked at: ``ok``, ``warn`` or ``fail``, and what to do."""

    mark: str
    said: Said
    remedy: Said = Said("", "")


class Renewed(Struct, frozen=True):
    """What came of a reload."""

    changes: tuple[Change, ...]
    scenes: tuple[ScenesRead, ...]


class Renewing(Protocol):
    """Reads settings and scenes again while the house runs."""

    async def look(self) -> tuple[Change, ...]:
        """Return which settings are different by now; changes nothing.

        Raises:
            OperatorMistake: a setting is wrong.
        """
        ...

    async def renew(self) -> Renewed:
        """Work with what is written there now.

        Raises:
            OperatorMistake: a setting is wrong; nothing has changed.
        """
        ...


async def _no_findings() -> Sequence[Finding]:
    return ()


@dataclass(frozen=True)
class Books:
    """The protocols of the store that the console reads and changes."""

    journal: Journal
    reader: Reader
    chats: Chats
    holding: Holding
    upkeep: Upkeep
    grants: Grants
    access: Access
    documents: Documents
    asked: Asked
    conduct: Conduct


class Arrangement(Struct, frozen=True, kw_only=True):
    """What the settings say that the pages show; a reload changes it."""

    channels: Mapping[str, str]  # of each bot, by its name
    rules: tuple[RouteRule, ...]  # those in force
    handlers: tuple[str, ...]
    has_own_rules: bool = False  # whether there is any [[routes]]


@dataclass(frozen=True)
class Surroundings:
    """Everything the pages stand on; built once.

    ``arranged`` tells the settings as they are now, ``look_around`` runs the checks of
    ``posthouse doctor`` that a running house can make.
    """

    books: Books
    bots: Bots
    arranged: Callable[[], Arrangement]
    pulse: Pulse
    wakeup: Wakeup
    room: ReadingRoom
    clock: Callable[[], float]
    new_key: Callable[[], str]
    language: str
    zone: tzinfo
    public_url: str = ""
    look_around: Callable[[], Awaitable[Sequence[Finding]]] = _no_findings
    tries: Callable[[], Mapping[str, Tries]] = dict  # handlers that answer questions, by name
    renewing: Renewing | None = None  # a house that was built by hand has nothing to read
