"""What the assistant was asked, what it said and why, what people thought of it, and what it cost.

Every row hangs on a turn, so a turn that is run again writes the same row again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class Verdict(StrEnum):
    """What somebody thinks of an answer, or of a silence."""

    NONE = ""
    GOOD = "good"  # 👍; of a silence: it was right
    BAD = "bad"  # 👎; of a silence: an answer was wanted


class LabelOrigin(StrEnum):
    """How the house knows whether a message wanted an answer."""

    FILE = "file"  # given by an operator
    THUMB = "thumb"  # 👍 or 👎 under an answer
    RECALL = "recall"  # the answer was taken back
    REVIEW = "review"  # an operator's verdict over a silence or a shadow answer


class Question(Struct, frozen=True, kw_only=True):
    """One question as the assistant took it."""

    turn: int
    handler: str
    bot: str
    chat: int
    session: str
    person: str
    at: float
    text: str
    base: str  # the bases that were searched, by comma
    score: float | None = None  # of the gate, 0 to 1
    reason: str = ""  # how it ended: answered, unsure, not_in_knowledge, …
    answer: str = ""  # empty when it gave none, whatever it said instead
    passages: tuple[str, ...] = ()  # keys of what the answer rests on
    is_addressed: bool = True
    verdict: Verdict = Verdict.NONE
    resolved_at: float | None = None


class Label(Struct, frozen=True, kw_only=True):
    """Whether a message wanted an answer of this base."""

    text: str
    is_wanted: bool
    origin: LabelOrigin
    at: float
    is_addressed: bool = False


class Call(Struct, frozen=True, kw_only=True):
    """What one call to a model cost, and for whom it was made."""

    model: str
    bot: str
    chat: int
    person: str
    at: float
    prompt_tokens: int
    answer_tokens: int
    cost_micro: int = 0  # millionths of the currency that the prices are in


class Spending(Call, frozen=True, kw_only=True):
    """A call of a turn."""

    turn: int
    call: int  # which of the turn, counted from 0


class TrialSpending(Call, frozen=True, kw_only=True):
    """A call whose answer nobody was sent: somebody tried out what would be said there."""

    handler: str
    author: str  # who tried: "token:crm", "operator:ann"


class Spent(Struct, frozen=True, kw_only=True):
    """What was spent in a span of time."""

    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    cost_micro: int = 0


class SpendingOn(StrEnum):
    """By what spending is told apart."""

    BOT = "bot"
    CHAT = "chat"
    PERSON = "person"
    MODEL = "model"


class Share(Struct, frozen=True, kw_only=True):
    """What was spent on one of them; the fields that tell others apart are empty."""

    author: str = ""  # of trials
    bot: str = ""  # also that of a chat or a person
    chat: int = 0
    person: str = ""
    model: str = ""
    turn: int = 0  # the newest one that was paid for
    spent: Spent


class Asked(Protocol):
    """The assistant's own book."""

    async def record(self, question: Question) -> None:
        """Enter a question, or replace what was entered for the same turn, save its verdict."""
        ...

    async def count(self, since: float, bot: str, person: str, but_turn: int = 0) -> int:
        """Count the questions of somebody that were answered since then, save that of a turn."""
        ...

    async def of_turn(self, turn: int) -> Question | None:
        """Return what was asked in a turn."""
        ...

    async def judge(self, turn: int, verdict: Verdict, author: str, now: float) -> None:
        """Write down what somebody thinks of the answer of a turn."""
        ...

    async def open_questions(
        self, base: str = "", before: int = 0, limit: int = 50
    ) -> tuple[Question, ...]:
        """Return what wants an operator, newest first.

        That is addressed questions without an answer, disliked answers, and answers that wait for
        a review. Those that somebody has resolved are left out. ``before``: turns with smaller
        numbers only.
        """
        ...

    async def recent(
        self, base: str = "", before: int = 0, limit: int = 50
    ) -> tuple[Question, ...]:
        """Return everything that was asked, newest first."""
        ...

    async def resolve(self, turn: int, author: str, now: float) -> None:
        """Take a question out of the queue: somebody has answered it, or nobody needs to."""
        ...

    async def told(self, passage: str, limit: int = 1000) -> tuple[Question, ...]:
        """Return the questions whose answers rest on a passage, newest first."""
        ...

    async def add_labels(self, base: str, labels: tuple[Label, ...]) -> None:
        """Remember which messages want answers; the same text and origin counts once."""
        ...

    async def labels(self, base: str, limit: int = 20_000) -> tuple[Label, ...]:
        """Return all that is known of which messages want answers, oldest first.

        Those given, and those that follow from verdicts and from answers that were taken back.
        """
        ...

    async def spend(self, spending: Spending) -> None:
        """Write down one call; the same call of the same turn counts once."""
        ...

    async def spent(
        self, since: float, bot: str = "", chat: int = 0, person: str = "", model: str = ""
    ) -> Spent:
        """Add up what was spent since then, by a bot, in a chat, for a person; all when empty."""
        ...

    async def shares(self, of: SpendingOn, since: float, limit: int = 50) -> tuple[Share, ...]:
        """Return what was spent since then on each bot, chat, person or model, dearest first."""
        ...

    async def spend_on_trial(self, spending: TrialSpending) -> None:
        """Write down one call of a trial; it counts in none of the sums above."""
        ...

    async def spent_on_trials(self, since: float, handler: str = "") -> Spent:
        """Add up what trials of a handler have cost since then; of all when empty."""
        ...

    async def trial_shares(self, since: float, limit: int = 50) -> tuple[Share, ...]:
        """Return what trials have cost since then, by who tried as whom where, dearest first."""
        ...
