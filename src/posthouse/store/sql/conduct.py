"""How the assistant behaves where: rules laid over one another, handoffs, trained gates."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from posthouse.model.errors import Refused
from posthouse.store.conduct import GATES_KEPT, Gate, Handoff, Rule, Scope
from posthouse.store.queries import load
from posthouse.store.sql import rows
from posthouse.store.sql.about import DESK
from posthouse.store.sql.access import write_audit
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.reading import Reading

SQL = load("sqlite/conduct.sql")
STEP = "conduct"  # in ``store/points.py``

RULES_MAX = 10_000
HANDOFFS_MAX = 1000  # that are looked at, not that are possible

_rules = msgspec.json.Decoder(Rule)


class SqlConduct:
    """``Conduct`` on a SQL database."""

    def __init__(self, committer: Committer, reading: Reading) -> None:
        self._commit = committer.commit
        self._reading = reading

    # --- rules --------------------------------------------------------------------------

    async def rule(self, scope: Scope) -> Rule:
        return _laid_over(await self.levels(scope))

    async def levels(self, scope: Scope) -> tuple[tuple[Scope, Rule], ...]:
        found = await self._reading.all(
            SQL["rules_for"],
            handler=scope.handler,
            bot=scope.bot,
            chat=scope.chat,
            person=scope.person,
        )
        levels = (_set(scope.handler, row) for row in found)
        return tuple(sorted(levels, key=lambda each: _nearness(each[0]), reverse=True))

    async def rules(self, handler: str) -> tuple[tuple[Scope, Rule], ...]:
        found = await self._reading.all(SQL["rules"], handler=handler, limit=RULES_MAX)
        return tuple(_set(handler, row) for row in found)

    async def set_rule(self, scope: Scope, rule: Rule, author: str, now: float) -> None:
        await self._commit(STEP, DESK, _set_rule, scope, rule, author, now)

    # --- handoffs -----------------------------------------------------------------------

    async def hand_off(self, handoff: Handoff) -> bool:
        return await self._commit(STEP, (handoff.chat,), _hand_off, handoff)

    async def handoff(self, handler: str, chat: int, person: str) -> Handoff | None:
        row = await self._reading.one(SQL["handoff"], handler=handler, chat=chat, person=person)
        return None if row is None else _handoff(row)

    async def handoffs(self) -> tuple[Handoff, ...]:
        return tuple(map(_handoff, await self._reading.all(SQL["handoffs"], limit=HANDOFFS_MAX)))

    async def take_back(
        self, handler: str, chat: int, person: str, author: str, now: float
    ) -> bool:
        return await self._commit(STEP, (chat,), _take_back, handler, chat, person, author, now)

    async def fresh_since(self, handler: str, chat: int, person: str) -> float:
        row = await self._reading.one(SQL["fresh_since"], handler=handler, chat=chat, person=person)
        return 0.0 if row is None else float(row[0])

    # --- gates --------------------------------------------------------------------------

    async def gate(self, base: str) -> Gate | None:
        row = await self._reading.one(SQL["gate"], base=base)
        return None if row is None else _gate(row)

    async def gates(self, base: str) -> tuple[Gate, ...]:
        found = await self._reading.all(SQL["gates"], base=base, limit=GATES_KEPT + 1)
        return tuple(map(_gate, found))

    async def add_gate(self, base: str, model: bytes, figures: str, author: str, now: float) -> int:
        return await self._commit(STEP, DESK, _add_gate, base, model, figures, author, now)

    async def use_gate(self, base: str, gate: int, author: str, now: float) -> None:
        await self._commit(STEP, DESK, _use_gate, base, gate, author, now)


def _laid_over(levels: Sequence[tuple[Scope, Rule]]) -> Rule:
    """Let the nearest rule stand over the others."""
    laid: dict[str, object] = {}
    for _, rule in reversed(levels):
        laid |= {
            name: value for name, value in msgspec.structs.asdict(rule).items() if value is not None
        }
    return msgspec.convert(laid, Rule)


def _nearness(scope: Scope) -> tuple[bool, bool, bool]:
    """Let a person's rule stand over a chat's, and that over a bot's."""
    return bool(scope.person), bool(scope.chat), bool(scope.bot)


def _set_rule(database: Database, scope: Scope, rule: Rule, author: str, now: float) -> None:
    text = rows.json(rule)
    where = msgspec.structs.asdict(scope)
    if rule == Rule():
        database.run(SQL["drop_rule"], **where)
    else:
        database.run(SQL["set_rule"], **where, rule=text)
    subject = f"handler:{scope.handler}"
    details = {"bot": scope.bot, "chat": scope.chat or None, "person": scope.person, "rule": rule}
    write_audit(database, author, "rule", subject, details, now)


def _hand_off(database: Database, handoff: Handoff) -> bool:
    return bool(
        database.count(
            SQL["hand_off"],
            handler=handoff.handler,
            chat=handoff.chat,
            person=handoff.person,
            since_at=handoff.since_at,
            turn=handoff.turn,
        )
    )


def _take_back(
    database: Database, handler: str, chat: int, person: str, author: str, now: float
) -> bool:
    if not database.count(SQL["take_back"], handler=handler, chat=chat, person=person, now=now):
        return False
    details = {"handler": handler, "chat": chat}
    write_audit(database, author, "hand_back", f"person:{person}", details, now)
    return True


def _add_gate(
    database: Database, base: str, model: bytes, figures: str, author: str, now: float
) -> int:
    number = database.insert(
        SQL["add_gate"], base=base, model=model, figures=figures, author=author, now=now
    )
    assert number is not None  # nothing can stand in its way
    database.run(SQL["forget_gates"], base=base, keep=GATES_KEPT)
    return number


def _use_gate(database: Database, base: str, gate: int, author: str, now: float) -> None:
    database.run(SQL["use_none"], base=base)
    if gate and not database.count(SQL["use_gate"], base=base, gate=gate):
        raise Refused(
            f'There is no gate {gate} of "{base}" any more; train one.',
            zh=f"“{base}”已没有门控 {gate}；请重新训练。",
        )
    write_audit(database, author, "gate", f"base:{base}", {"gate": gate or "shipped"}, now)


def _set(handler: str, row: Row) -> tuple[Scope, Rule]:
    bot, chat, person, rule = row
    return Scope(handler=handler, bot=bot, chat=chat, person=person), _rules.decode(rule)


def _handoff(row: Row) -> Handoff:
    handler, chat, person, since_at, turn = row
    return Handoff(handler=handler, chat=chat, person=person, since_at=since_at, turn=turn)


def _gate(row: Row) -> Gate:
    number, base, model, figures, author, at, is_used = row
    return Gate(
        id=number,
        base=base,
        model=bytes(model),
        figures=figures,
        author=author,
        at=at,
        is_used=bool(is_used),
    )
