"""Teaching the gate of a base: by files, thumbs, answers taken back, operators' verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from functools import partial

import msgspec
import structlog
from msgspec import Struct

from posthouse.knowledge.evaluation import cases_of
from posthouse.knowledge.gate.gate import Gate, dump, shipped
from posthouse.knowledge.gate.measures import Quality, quality
from posthouse.knowledge.gate.training import (
    BLOCKS,
    FITS,
    WANTED_PRECISION,
    Case,
    check,
    decided,
    learn,
    nested,
    newest,
)
from posthouse.knowledge.labels import Labelled
from posthouse.knowledge.own_process import in_own_process
from posthouse.knowledge.passage import Found
from posthouse.model.errors import OperatorMistake, PosthouseError
from posthouse.settings.language import Said
from posthouse.store.asked import Asked, Label, LabelOrigin
from posthouse.store.conduct import Conduct
from posthouse.store.documents import Documents

TRAINED_WITHIN_S = 1800.0

log = structlog.get_logger("posthouse.knowledge")


class Figures(Struct, frozen=True, kw_only=True):
    """How well a gate does beside the one that knows no examples; kept with it."""

    precision: float  # what was wanted of it
    before: Quality  # the shipped gate
    after: Quality  # each block judged by a gate that never saw it


class Lesson(Struct, frozen=True, kw_only=True):
    """A gate that was trained and kept."""

    base: str
    gate: int
    figures: Figures
    is_used: bool


class Stage(StrEnum):
    """What a training is busy with."""

    SEARCHING = "searching"  # for every message, as a bot would
    TRAINING = "training"


class Progress(Struct, frozen=True, kw_only=True):
    """How far a training is."""

    stage: Stage
    done: int
    total: int

    @property
    def percent(self) -> int:
        """How much of the stage is done, in whole percent."""
        return 100 * self.done // (self.total or 1)


class Looking(Struct, frozen=True, kw_only=True):
    """A training that goes on, or what became of the last one; nothing when it was stopped."""

    progress: Progress | None = None
    lesson: Lesson | None = None
    problem: Said | None = None


class KeptGate(Struct, frozen=True, kw_only=True):
    """A gate as people look at it; without figures where they cannot be read."""

    id: int
    author: str
    at: float
    is_used: bool
    figures: Figures | None = None


class Teaching:
    """Trains gates.

    Args:
        documents: knows which bases there are.
        asked: knows which messages wanted an answer.
        conduct: keeps gates, and which one is in use.
        find: searches bases for a message, the way it is done for an answer.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        documents: Documents,
        asked: Asked,
        conduct: Conduct,
        find: Callable[[tuple[str, ...], str], Awaitable[Found]],
        clock: Callable[[], float],
    ) -> None:
        self._documents = documents
        self._asked = asked
        self._conduct = conduct
        self._find = find
        self._clock = clock
        self._trainings: dict[str, asyncio.Task[None]] = {}  # by base
        self._progress: dict[str, Progress] = {}
        self._outcomes: dict[str, Looking] = {}

    async def tell(self, base: str, labels: Sequence[Labelled]) -> None:
        """Remember labels that an operator has written down.

        Raises:
            OperatorMistake: there is no such base.
        """
        await self._require(base)
        now = self._clock()
        given = tuple(
            Label(text=one.text, is_wanted=one.is_wanted, origin=LabelOrigin.FILE, at=now)
            for one in labels
        )
        await self._asked.add_labels(base, given)

    async def begin(
        self, base: str, author: str, precision: float = WANTED_PRECISION, *, is_used: bool = False
    ) -> None:
        """Train a gate beside everything else; ``looking`` tells how far it is.

        Raises:
            OperatorMistake: there is no such base, or one is being trained for it.
        """
        await self._require(base)
        if base in self._trainings:
            raise OperatorMistake(
                f"A gate of {base} is being trained already: wait for it, or stop it.",
                zh=f"{base} 已在训练中：请等它完成，或先停止。",
            )
        self._outcomes.pop(base, None)
        self._progress[base] = _BEGINNING
        training = asyncio.create_task(self._train_noted(base, author, precision, is_used=is_used))
        self._trainings[base] = training
        training.add_done_callback(lambda _: self._trainings.pop(base, None))

    def looking(self, base: str) -> Looking:
        """Tell how far the training of a base is."""
        if base in self._trainings:
            return Looking(progress=self._progress[base])
        return self._outcomes.get(base, Looking())

    async def stop(self, base: str) -> None:
        """Give a training up; nothing of it is kept."""
        if (training := self._trainings.get(base)) is not None:
            training.cancel()
            await asyncio.wait({training})

    async def close(self) -> None:
        """Give all trainings up."""
        for base in list(self._trainings):
            await self.stop(base)

    async def _train_noted(
        self, base: str, author: str, precision: float, *, is_used: bool
    ) -> None:
        try:
            lesson = await self.train(base, author, precision, is_used=is_used)
        except PosthouseError as problem:
            words = Said(problem.sentence("zh"), problem.sentence("en"))
            self._outcomes[base] = Looking(problem=words)
        except Exception:
            log.exception("training_failed", base=base)
            self._outcomes[base] = Looking(problem=_BROKEN)
        else:
            self._outcomes[base] = Looking(lesson=lesson)

    async def train(
        self, base: str, author: str, precision: float = WANTED_PRECISION, *, is_used: bool = False
    ) -> Lesson:
        """Train a gate with all that is known, and keep it; it decides from now on if wanted.

        Raises:
            OperatorMistake: there is no such base, or hardly anything to learn from.
        """
        cases = await self._cases(base)
        check(cases)
        gate, figures = await in_own_process(
            partial(_taught, cases, precision),
            self._counting(base, Stage.TRAINING, (BLOCKS + 1) * FITS),
            TRAINED_WITHIN_S,
        )
        number = await self._conduct.add_gate(
            base, dump(gate), msgspec.json.encode(figures).decode(), author, self._clock()
        )
        if is_used:
            await self._conduct.use_gate(base, number, author, self._clock())
        return Lesson(base=base, gate=number, figures=figures, is_used=is_used)

    async def _cases(self, base: str) -> list[Case]:
        """Search for every message that somebody has said something about."""
        await self._require(base)
        labels = await self._asked.labels(base)
        told = newest((label.text, label.is_wanted) for label in labels)

        async def find(text: str) -> Found:
            return await self._find((base,), text)

        return await cases_of(
            [Labelled(text, is_wanted) for text, is_wanted in told],
            find,
            self._counting(base, Stage.SEARCHING, len(told)),
        )

    def _counting(self, base: str, stage: Stage, total: int) -> Callable[[int], None]:
        """Begin a stage; the value is to be called with each number of steps that are done."""
        self._progress[base] = Progress(stage=stage, done=0, total=total)

        def advance(steps: int) -> None:
            done = self._progress[base].done + steps
            self._progress[base] = Progress(stage=stage, done=done, total=total)

        return advance

    async def gates(self, base: str) -> tuple[KeptGate, ...]:
        """Return the gates of a base, newest first.

        Raises:
            OperatorMistake: there is no such base.
        """
        await self._require(base)
        return tuple(
            KeptGate(
                id=gate.id,
                author=gate.author,
                at=gate.at,
                is_used=gate.is_used,
                figures=_figures(gate.figures),
            )
            for gate in await self._conduct.gates(base)
        )

    async def use(self, base: str, gate: int, author: str) -> None:
        """Decide with that gate from now on; 0 for the shipped one.

        Raises:
            OperatorMistake: there is no such base, or no such gate of it.
        """
        numbers = {kept.id for kept in await self.gates(base)}
        if gate and gate not in numbers:
            there_is = ", ".join(map(str, sorted(numbers))) or "-"
            raise OperatorMistake(
                f"{base} has no gate {gate}; there is: {there_is}, and 0 for the shipped one.",
                zh=f"{base} 没有编号 {gate} 的判断；现有：{there_is}，0 表示自带的。",
            )
        await self._conduct.use_gate(base, gate, author, self._clock())

    async def _require(self, base: str) -> None:
        if await self._documents.base(base) is None:
            there_is = ", ".join(one.name for one in await self._documents.bases()) or "-"
            raise OperatorMistake(
                f"There is no knowledge base {base}; there is: {there_is}.",
                zh=f"没有知识库 {base}；现有：{there_is}。",
            )


_BEGINNING = Progress(stage=Stage.SEARCHING, done=0, total=0)
_BROKEN = Said("训练出错了，详情见日志。", "The training broke; the log has the details.")


def _taught(
    cases: Sequence[Case], precision: float, progress: Callable[[int], None]
) -> tuple[Gate, Figures]:
    figures = Figures(
        precision=precision,
        before=quality(list(decided(shipped(), cases))),
        after=quality(nested(cases, precision, progress)),
    )
    return learn(cases, precision, progress), figures


def _figures(text: str) -> Figures | None:
    try:
        return msgspec.json.decode(text, type=Figures)
    except msgspec.DecodeError:
        return None
