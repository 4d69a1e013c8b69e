"""知识 · 何时开口: training the gate of a base, with its figures before and after, and using it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry, number_of
from posthouse.console.door import declined_by
from posthouse.console.house import Surroundings
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.knowledge.gate.training import newest
from posthouse.knowledge.labels import FILE_BYTES_MAX, Labelled, labelled, messages
from posthouse.knowledge.teaching import Looking, Teaching
from posthouse.model.errors import OperatorMistake
from posthouse.model.permission import OperatorRole
from posthouse.store.asked import Label, LabelOrigin

OPERATOR, ADMIN = OperatorRole.OPERATOR, OperatorRole.ADMIN
KINDS = ("good", "bad", "labelled")


class Gates:
    """What was learnt about which messages want answers."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/knowledge/gates", self._show),
            Entry("POST", "/knowledge/gates/labels", self._take_labels, ADMIN, takes_files=True),
            Entry("POST", "/knowledge/gates/train", self._train, ADMIN),
            Entry("POST", "/knowledge/gates/stop", self._stop, ADMIN),
            Entry("POST", "/knowledge/gates/use", self._use, ADMIN),
        )

    async def _show(self, ask: Ask) -> Response:
        bases = [each.name for each in await self._books.documents.bases()]
        wanted = ask.query("base")
        base = wanted if wanted in bases else next(iter(bases), "")
        labels = await self._books.asked.labels(base) if base else ()
        gates = await self._teaching().gates(base) if base else ()
        look = self._teaching().looking(base) if base else Looking()
        return self._pages.show(
            ask,
            "knowledge_gates.html",
            tab="gates",
            bases=bases,
            base=base,
            counts=counted(labels),
            origins=list(LabelOrigin),
            gates=gates,
            used=next((gate.id for gate in gates if gate.is_used), 0),
            progress=look.progress,
            problem="" if look.problem is None else look.problem(ask.language),
            can_change=ask.visitor.may(ADMIN),
        )

    async def _train(self, ask: Ask) -> Response:
        """Train beside the pages, which say how far it is and what comes of it."""
        base = await self._base(ask.form.get("base", ""))
        try:
            await self._teaching().begin(base, ask.visitor.author)
        except OperatorMistake as problem:
            raise declined_by(problem, "changed_meanwhile") from None
        return go(f"../gates?base={base}")

    async def _stop(self, ask: Ask) -> Response:
        base = await self._base(ask.form.get("base", ""))
        await self._teaching().stop(base)
        return go(f"../gates?base={base}")

    async def _use(self, ask: Ask) -> Response:
        base = await self._base(ask.form.get("base", ""))
        gate = number_of(ask.form.get("gate", ""))
        if gate is None:
            raise Declined("not_understood")
        try:
            await self._teaching().use(base, gate, ask.visitor.author)
        except OperatorMistake as problem:
            raise declined_by(problem, "changed_meanwhile") from None
        return go(f"../gates?base={base}&done=saved")

    def _teaching(self) -> Teaching:
        if self._around.room.teaching is None:  # a room that was built by hand
            raise Declined("not_found")
        return self._around.room.teaching

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
        await self._teaching().tell(base, found)
        details = json.dumps({"count": len(found)})
        await self._books.access.audit(
            ask.visitor.author, "labels", f"base:{base}", details, self._around.clock()
        )
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
