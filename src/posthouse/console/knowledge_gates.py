"""知识 · 何时开口: training the gate of a base, with its figures before and after, and using it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry, number_of
from posthouse.console.door import declined_by
from posthouse.console.house import Surroundings
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.console.teaching import Figures, Teaching
from posthouse.knowledge.gate.training import newest
from posthouse.knowledge.labels import FILE_BYTES_MAX, Labelled, labelled, messages
from posthouse.model.errors import OperatorMistake
from posthouse.model.permission import OperatorRole
from posthouse.store.asked import Label, LabelOrigin
from posthouse.store.conduct import Gate

OPERATOR, ADMIN = OperatorRole.OPERATOR, OperatorRole.ADMIN
KINDS = ("good", "bad", "labelled")

_figures = msgspec.json.Decoder(Figures)


class Trained(Struct, frozen=True):
    """A gate of the list; without figures when they are of another time."""

    gate: Gate
    figures: Figures | None


class Gates:
    """What was learnt about which messages want answers."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages
        books = around.books
        self._teaching = Teaching(around.room, books.asked, books.conduct, around.clock)

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/knowledge/gates", self._show),
            Entry("POST", "/knowledge/gates/labels", self._take_labels, ADMIN, takes_files=True),
            Entry("POST", "/knowledge/gates/train", self._train, ADMIN),
            Entry("POST", "/knowledge/gates/use", self._use, ADMIN),
        )

    async def _show(self, ask: Ask) -> Response:
        bases = [each.name for each in await self._books.documents.bases()]
        wanted = ask.query("base")
        base = wanted if wanted in bases else next(iter(bases), "")
        labels = await self._books.asked.labels(base) if base else ()
        gates = await self._books.conduct.gates(base) if base else ()
        lesson = self._teaching.lesson(base)
        is_failed = lesson is not None and lesson.problem is not None
        return self._pages.show(
            ask,
            "knowledge_gates.html",
            tab="gates",
            bases=bases,
            base=base,
            counts=counted(labels),
            origins=list(LabelOrigin),
            gates=[Trained(gate, _read(gate.figures)) for gate in gates],
            used=next((gate.id for gate in gates if gate.is_used), 0),
            lesson=None if is_failed else lesson,
            problem=lesson.problem.sentence(ask.language) if lesson and lesson.problem else "",
            can_change=ask.visitor.may(ADMIN),
        )

    async def _train(self, ask: Ask) -> Response:
        base = await self._base(ask.form.get("base", ""))
        self._teaching.begin(base, ask.visitor.author)
        return go(f"../gates?base={base}")

    async def _use(self, ask: Ask) -> Response:
        base = await self._base(ask.form.get("base", ""))
        gate = number_of(ask.form.get("gate", ""))
        if gate is None:
            raise Declined("not_understood")
        await self._books.conduct.use_gate(base, gate, ask.visitor.author, self._around.clock())
        return go(f"../gates?base={base}&done=saved")

    async def _base(self, name: str) -> str:
        if await self._books.documents.base(name) is None:
            raise Declined("not_found")
        return name

    # --- files --------------------------------------------------------------------------

    async def _take_labels(self, ask: Ask) -> Response:
        try:
            async with ask.request.form(max_files=1, max_fields=5) as form:
                base = await self._base(str(form.get("base", "")))
                file, kind = form.get("file"), str(form.get("kind", ""))
                if not isinstance(file, UploadFile) or kind not in KINDS:
                    raise Declined("not_understood")
                if (file.size or 0) > FILE_BYTES_MAX:
                    raise Declined("too_large")
                found = _labels(await file.read(), file.filename or "", kind)
        except HTTPException:
            raise Declined("not_understood") from None
        now = self._around.clock()
        labels = tuple(
            Label(text=each.text, is_wanted=each.is_wanted, origin=LabelOrigin.FILE, at=now)
            for each in found
        )
        await self._books.asked.add_labels(base, labels)
        details = msgspec.json.encode({"count": len(labels)}).decode()
        await self._books.access.audit(ask.visitor.author, "labels", f"base:{base}", details, now)
        return go(f"../gates?base={base}&done=saved")


def counted(labels: Sequence[Label]) -> dict[tuple[str, bool], int]:
    """Count labels by where they come from and what they say; of one text the last word counts."""
    origins = {label.text: str(label.origin) for label in labels}
    last = newest((label.text, label.is_wanted) for label in labels)
    return Counter((origins[text], is_wanted) for text, is_wanted in last)


def _labels(data: bytes, name: str, kind: str) -> tuple[Labelled, ...]:
    try:
        if kind == "labelled":
            return labelled(data, name)
        return messages(data, name, is_wanted=kind == "good")
    except OperatorMistake as problem:
        raise declined_by(problem, "not_understood") from None


def _read(figures: str) -> Figures | None:
    try:
        return _figures.decode(figures)
    except msgspec.MsgspecError:
        return None
