"""What answers: an async generator over a turn. It yields actions; it never sends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol, runtime_checkable

from msgspec import Struct

from posthouse.model.action import Action
from posthouse.model.errors import PosthouseError
from posthouse.model.message import Content, Media
from posthouse.model.turn import OnCrash, OnEdit, Turn


class Traits(Struct, frozen=True, kw_only=True):
    """How a handler wants its turns run."""

    on_crash: OnCrash = OnCrash.RERUN
    on_edit: OnEdit = OnEdit.RERUN
    max_run_s: float = 120.0
    answer_within_s: float = 900.0  # older messages are not answered
    burst_s: float = 0.0  # wait this long for more of the same person
    session_queue_max: int = 50
    attempts_max: int = 3  # then the turn is buried
    crashes_max: int = 10  # it was running so often when the process went away: it may be the cause
    begins_itself: bool = False  # until it calls ``context.begin``, a crash re-runs it
    takes_pushes: bool = True  # a push may ask in its name: it does not trust a question's state
    hears_reactions: bool = False  # of who was answered, below its own messages
    answers_to: tuple[str, ...] = ()  # names that, behind a prefix, address it by themselves
    marks: tuple[str, ...] = ()  # how messages begin that are for it where no rule says otherwise


class CannotAnswer(Exception):
    """Ends a turn with one sentence for the person and a reason for the book.

    Args:
        reason: a code of ``model.reasons``.
        sentence: what the person reads; ``{reference}`` in it becomes the number of the log line.
        details: for the log; empty where there is nothing to look into.
    """

    def __init__(self, reason: str, sentence: str, details: str = "") -> None:
        super().__init__(sentence)
        self.reason, self.sentence, self.details = reason, sentence, details


class EndOfTurn(Exception):
    """Ends a turn for another reason than ``answered``; what it has yielded counts.

    Where nothing was said, who had addressed the bot hears one sentence of the house all the
    same, unless the silence was announced: somebody has taken over, say.

    Args:
        reason: a code of ``model.reasons``, with details behind a space where they help.
        is_announced: the people concerned have been told that nobody would answer.
    """

    def __init__(self, reason: str, *, is_announced: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.is_announced = reason, is_announced


class Interrupted(PosthouseError):
    """A crash cut this side effect; check by hand whether it happened, then start it anew."""


class Moment(Protocol):
    """When something happens, and in which language it is spoken of."""

    @property
    def language(self) -> str:
        """``zh`` or ``en``: what the house speaks in this chat."""
        ...

    def now(self) -> float:
        """Seconds since the epoch, by the house's clock."""
        ...


class TurnContext(Moment, Protocol):
    """What a handler may ask of the house while it works on a turn."""

    @property
    def buttons_max(self) -> int:
        """How many buttons a message can show here; 0 where choices become lines of text."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait by the house's clock."""
        ...

    async def begin(self) -> None:
        """Say that from here on a crash may not run the turn again (``Traits.begins_itself``)."""
        ...

    async def once(self, name: str, effect: Callable[[], Awaitable[str]]) -> str:
        """Run a side effect at most once, however often the turn is re-run.

        Raises:
            Interrupted: a crash cut it; nobody can tell whether it happened.
        """
        ...

    async def history(
        self, characters_max: int = 8000, since_at: float = 0.0
    ) -> tuple[tuple[str, str], ...]:
        """The conversation before this turn, oldest first: ("person" | "bot", text)."""
        ...

    async def read(self, media: Media, bytes_max: int) -> bytes:
        """Fetch a file that came in.

        Raises:
            Refused: it is larger than ``bytes_max``, or not to be had any more.
        """
        ...


class Handler(Protocol):
    """One thing that answers."""

    @property
    def traits(self) -> Traits:
        """How its turns are run."""
        ...

    def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Answer a turn.

        Raises:
            CannotAnswer: the person gets its sentence, the book its reason.
            EndOfTurn: what was yielded counts, the book gets its reason.
            TryLater: the turn is run again after a pause, at most ``traits.attempts_max`` times.
            Exception: anything else; the person gets a sentence with a reference, the log the
                traceback.
        """
        ...


class Choosy(Protocol):
    """A handler that wants some of its turns run differently (looked for by name)."""

    def traits_for(self, turn: Turn) -> Traits:
        """How this turn is run."""
        ...


class Guarded(Protocol):
    """A handler that takes no answers to its questions from some (looked for by name)."""

    async def demand_answer(self, turn: Turn, moment: Moment) -> None:
        """Look at an answer before it is taken; ``turn`` is the one that it would lead to.

        Raises:
            CannotAnswer: this person may not give it; the question stays open for others.
        """
        ...


@runtime_checkable
class Resident(Protocol):
    """A handler that has something running beside its turns."""

    async def open(self) -> None:
        """Start it, before the first turn."""
        ...

    async def close(self) -> None:
        """End it, after the last turn."""
        ...


# The turn in whose name, its how-many-th push, the chat's number, what is said there.
Push = Callable[[Turn, int, int, Content], Awaitable[None]]


@runtime_checkable
class Messenger(Protocol):
    """A handler that says things in other chats than the one that asks."""

    def push_by(self, push: Push) -> None:
        """Take the way to do so, before ``open``."""
        ...


@runtime_checkable
class Successor(Protocol):
    """A handler that begins with what the one before it, by other settings, had."""

    def follow(self, old: Handler) -> None:
        """Take it over, before ``open``."""
        ...


async def demand_answer(handler: Handler, turn: Turn, moment: Moment) -> None:
    """Ask a handler whether an answer may be taken.

    Raises:
        CannotAnswer: this person may not give it.
    """
    demand: Callable[[Turn, Moment], Awaitable[None]] | None
    demand = getattr(handler, "demand_answer", None)
    if demand is not None:
        await demand(turn, moment)


def traits_of(handler: Handler, turn: Turn) -> Traits:
    """How a handler wants a turn run."""
    choose: Callable[[Turn], Traits] | None = getattr(handler, "traits_for", None)
    return handler.traits if choose is None else choose(turn)
