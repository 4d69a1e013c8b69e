"""Teaching the gate of a base: by files, thumbs, answers taken back, operators' verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from posthouse.knowledge.evaluation import cases_of
from posthouse.knowledge.gate.gate import Gate, dump, shipped
from posthouse.knowledge.gate.measures import Quality, quality
from posthouse.knowledge.gate.training import (
    WANTED_PRECISION,
    Case,
    check,
    decided,
    learn,
    nested,
    newest,
)
from posthouse.knowledge.labels import Labelled
from posthouse.knowledge.passage import Found
from posthouse.model.errors import OperatorMistake
from posthouse.store.asked import Asked, Label, LabelOrigin
from posthouse.store.conduct import Conduct
from posthouse.store.documents import Documents

TRAINED_WITHIN_S = 1800.0  # a process that was killed answers nothing


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

    async def train(
        self, base: str, author: str, precision: float = WANTED_PRECISION, *, is_used: bool = False
    ) -> Lesson:
        """Train a gate with all that is known, and keep it; it decides from now on if wanted.

        Raises:
            OperatorMistake: there is no such base, or hardly anything to learn from.
        """
        await self._require(base)
        labels = await self._asked.labels(base)
        told = newest((label.text, label.is_wanted) for label in labels)

        async def find(text: str) -> Found:
            return await self._find((base,), text)

        cases = await cases_of([Labelled(text, is_wanted) for text, is_wanted in told], find)
        check(cases)
        gate, figures = await _apart(cases, precision)
        number = await self._conduct.add_gate(
            base, dump(gate), msgspec.json.encode(figures).decode(), author, self._clock()
        )
        if is_used:
            await self._conduct.use_gate(base, number, author, self._clock())
        return Lesson(base=base, gate=number, figures=figures, is_used=is_used)

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


async def _apart(cases: Sequence[Case], precision: float) -> tuple[Gate, Figures]:
    """Train in a process of its own: in a thread, a minute of sums would hold up every answer."""
    from multiprocessing import get_context

    loop = asyncio.get_running_loop()
    taught: asyncio.Future[tuple[Gate, Figures]] = loop.create_future()

    def settle(settle_it: Callable[[Any], None], outcome: object) -> None:
        loop.call_soon_threadsafe(_settle, taught, settle_it, outcome)

    with get_context("spawn").Pool(1) as process:  # who leaves ends it
        process.apply_async(
            _taught,
            (cases, precision),
            callback=partial(settle, taught.set_result),
            error_callback=partial(settle, taught.set_exception),
        )
        async with asyncio.timeout(TRAINED_WITHIN_S):
            return await taught


def _settle(
    future: asyncio.Future[tuple[Gate, Figures]], settle: Callable[[Any], None], outcome: object
) -> None:
    if not future.done():
        settle(outcome)


def _taught(cases: Sequence[Case], precision: float) -> tuple[Gate, Figures]:
    figures = Figures(
        precision=precision,
        before=quality(list(decided(shipped(), cases))),
        after=quality(nested(cases, precision)),
    )
    return learn(cases, precision), figures


def _figures(text: str) -> Figures | None:
    try:
        return msgspec.json.decode(text, type=Figures)
    except msgspec.DecodeError:
        return None
