"""Trying a handler that answers questions: the very same stages, and no chat hears of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, runtime_checkable

from msgspec import Struct


class Trial(Struct, frozen=True, kw_only=True):
    """A question, and as whom it is asked where; the rules of that place hold."""

    question: str
    author: str = ""  # who pays: "token:crm", "operator:ann"
    bot: str = ""
    chat: int = 0  # the house's number; 0: in no chat
    person: str = ""  # a platform id
    person_name: str = ""
    bases: tuple[str, ...] = ()  # none: those that answer there
    bases_beyond: tuple[str, ...] = ()  # that may be named though they do not answer there
    is_addressed: bool = True  # else as if it had been overheard
    at: float = 0.0  # when; permissions hang on it
    language: str = ""  # of the house's own sentences; "" for that of the settings


class Stage(Struct, frozen=True, tag="stage"):
    """A decision on the way to the answer, as it is noted beside a turn."""

    name: str
    value: str


class Growing(Struct, frozen=True, tag="growing"):
    """The answer as far as it is written; what follows may replace it."""

    text: str


class Source(Struct, frozen=True, omit_defaults=True):
    """Where an answer, or a part of it, stands."""

    number: int  # as it is cited
    base: str
    title: str
    text: str
    key: str  # ``Passage.key``
    score: float
    headings: tuple[str, ...] = ()
    page: int = 0
    line: int = 0
    address: str = ""
    is_cited: bool = False


class Concluded(Struct, frozen=True, kw_only=True, tag="concluded"):
    """How it ended; ``answer`` is empty where nothing would be said."""

    reason: str  # a code of ``model.reasons``, with details behind a space
    answer: str = ""
    held: str = ""  # what waits for an operator's review in place of being said
    offer: str = ""  # what the person is asked in place of an answer: "human" or "tool"
    state: str = ""  # of that question
    score: float | None = None  # of the gate
    threshold: float | None = None
    bases: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()  # what was found, best first


Tried = Stage | Growing | Concluded


@runtime_checkable
class Tries(Protocol):
    """A handler that can be asked without a chat; the last thing it yields is ``Concluded``."""

    def attempt(self, trial: Trial) -> AsyncGenerator[Tried]:
        """Answer as it would there and then; only what models cost is written down.

        Raises:
            NotThere: there is no such knowledge base.
            Refused: a knowledge base does not answer there.
            UsedUp: it would take a model, and trials have used up theirs of today.
        """
        ...
