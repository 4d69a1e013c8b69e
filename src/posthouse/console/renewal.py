"""设置 · 重新读取: have the settings and the scenes read again, and see what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from starlette.responses import Response

from posthouse.console.asking import Ask, Entry
from posthouse.console.house import Renewed, Surroundings
from posthouse.console.pages import Pages
from posthouse.console.problems import Declined
from posthouse.model.errors import OperatorMistake
from posthouse.model.permission import OperatorRole
from posthouse.settings.reload import Change, Effect

ADMIN = OperatorRole.ADMIN
NAMED_MAX = 50  # keys and scenes in the audit
REFUSAL_CHARS_MAX = 1000


class Renewal:
    """A look at what a reload would change, and the reload itself."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/settings/reload", self._look, ADMIN),
            Entry("POST", "/settings/reload", self._renew, ADMIN),
        )

    async def _look(self, ask: Ask) -> Response:
        if self._around.renewing is None:
            return self._show(ask)
        try:
            pending = await self._around.renewing.look()
        except OperatorMistake as mistake:
            return self._show(ask, refusal=mistake.sentence(ask.language))
        return self._show(ask, pending=pending)

    async def _renew(self, ask: Ask) -> Response:
        if self._around.renewing is None:
            raise Declined("changed_meanwhile")
        try:
            renewed = await self._around.renewing.renew()
        except OperatorMistake as mistake:
            await self._audit(ask, {"refused": str(mistake)[:REFUSAL_CHARS_MAX]})
            return self._show(ask, refusal=mistake.sentence(ask.language), is_done=True)
        await self._audit(ask, _in_short(renewed))
        return self._show(ask, renewed=renewed, is_done=True)

    async def _audit(self, ask: Ask, details: dict[str, object]) -> None:
        text = json.dumps(details, ensure_ascii=False)
        now = self._around.clock()
        await self._around.books.access.audit(ask.visitor.author, "reload", "house", text, now)

    def _show(
        self,
        ask: Ask,
        *,
        pending: Sequence[Change] = (),
        renewed: Renewed | None = None,
        refusal: str = "",
        is_done: bool = False,
    ) -> Response:
        return self._pages.show(
            ask,
            "settings_reload.html",
            tab="reload",
            can_renew=self._around.renewing is not None,
            pending=pending,
            renewed=renewed,
            refusal=refusal,
            is_done=is_done,
        )


def _in_short(renewed: Renewed) -> dict[str, object]:
    """Name what was changed, without values: the audit holds no secrets."""
    keys = {
        effect: [each.key for each in renewed.changes if each.effect is effect][:NAMED_MAX]
        for effect in Effect
    }
    broken = [scene or "*" for each in renewed.scenes for scene in each.problems]
    named = {
        "changed": keys[Effect.NOW],
        "after_restart": keys[Effect.RESTART],
        "scenes_broken": broken[:NAMED_MAX],
    }
    return {name: value for name, value in named.items() if value}
