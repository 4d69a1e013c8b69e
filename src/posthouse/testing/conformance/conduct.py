"""What every store must do with the assistant's conduct: rules, handoffs, gates.

Each check gets fresh, empty ``Books``. See ``checks.py`` for how to run these.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.model.errors import Refused
from posthouse.store.access import Access
from posthouse.store.conduct import GATES_KEPT, Conduct, Handoff, Rule, Scope
from posthouse.store.upkeep import Retention, Upkeep
from posthouse.testing.conformance.checks import holds, raises, same

NOW = 1_750_000_000.0
DAY_S = 86400.0
HERE = Scope(handler="assistant", bot="b", chat=7, person="ann")


@dataclass(frozen=True)
class Books:
    """What the checks look at."""

    conduct: Conduct
    access: Access
    upkeep: Upkeep


async def _set(
    conduct: Conduct, rule: Rule, *, bot: str = "", chat: int = 0, who: str = ""
) -> None:
    scope = Scope(handler="assistant", bot=bot, chat=chat, person=who)
    await conduct.set_rule(scope, rule, "operator:ann", NOW)


def _handoff(person: str = "ann", since_at: float = NOW, turn: int = 1) -> Handoff:
    return Handoff(handler="assistant", chat=7, person=person, since_at=since_at, turn=turn)


# --- rules -----------------------------------------------------------------------------------


async def rules_lie_over_one_another(books: Books) -> None:
    conduct = books.conduct
    same(await conduct.rule(HERE), Rule(), "nothing was set")
    await _set(conduct, Rule(tone="dry", bases=(), tokens_per_day=1), who="ann", chat=7, bot="b")
    await _set(conduct, Rule(bases=("help",), model="big", language="en"), bot="b")
    await _set(conduct, Rule(model="", hours="Mon-Fri 09:00-18:00"), chat=7)
    await _set(conduct, Rule(tone="warm", questions_per_day=3))
    expected = Rule(
        bases=(),
        model="",
        tone="dry",
        language="en",
        hours="Mon-Fri 09:00-18:00",
        questions_per_day=3,
        tokens_per_day=1,
    )
    same(await conduct.rule(HERE), expected, "what holds for somebody")
    levels = [(where.person, where.chat, where.bot) for where, _ in await conduct.levels(HERE)]
    same(levels, [("ann", 7, "b"), ("", 7, ""), ("", 0, "b"), ("", 0, "")], "the nearest first")
    elsewhere = Scope(handler="assistant", bot="b", chat=8, person="ann")
    found = await conduct.rule(elsewhere)
    same((found.model, found.tone, found.hours), ("big", "warm", None), "in another chat")
    same(await conduct.rule(Scope(handler="other", bot="b")), Rule(), "of another handler")


async def rules_are_listed_as_they_were_set(books: Books) -> None:
    conduct = books.conduct
    await _set(conduct, Rule(tone="warm"), chat=7)
    await _set(conduct, Rule(model=""), bot="b")
    chat, bot = Scope(handler="assistant", chat=7), Scope(handler="assistant", bot="b")
    expected = ((chat, Rule(tone="warm")), (bot, Rule(model="")))
    same(await conduct.rules("assistant"), expected, "all of them")
    await _set(conduct, Rule(tone="dry"), chat=7)
    same((await conduct.rules("assistant"))[0][1], Rule(tone="dry"), "one that was set anew")
    await _set(conduct, Rule(), chat=7)
    same([scope for scope, _ in await conduct.rules("assistant")], [bot], "without an empty one")


async def rules_are_audited(books: Books) -> None:
    await _set(books.conduct, Rule(tone="warm"), chat=7)
    (line,) = await books.access.audit_lines()
    same((line.author, line.action), ("operator:ann", "rule"), "who did what")
    same(line.subject, "handler:assistant", "to what")
    holds('"tone":"warm"' in line.details and '"chat":7' in line.details, "its details")


# --- handoffs --------------------------------------------------------------------------------


async def a_human_takes_over_once(books: Books) -> None:
    conduct = books.conduct
    first = _handoff()
    same(await conduct.handoff("assistant", 7, "ann"), None, "before")
    holds(await conduct.hand_off(first), "nobody had yet")
    holds(not await conduct.hand_off(_handoff(since_at=NOW + 5, turn=2)), "somebody has")
    same(await conduct.handoff("assistant", 7, "ann"), first, "the first counts")
    same(await conduct.handoff("assistant", 8, "ann"), None, "in another chat")
    same(await conduct.handoff("assistant", 7, "bob"), None, "for somebody else")


async def handoffs_are_listed_oldest_first(books: Books) -> None:
    conduct = books.conduct
    late, early = _handoff("ann", NOW + 1), _handoff("bob", NOW)
    await conduct.hand_off(late)
    await conduct.hand_off(early)
    same(await conduct.handoffs(), (early, late), "all that are open")
    await conduct.take_back("assistant", 7, "bob", "operator:ann", NOW + 2)
    same(await conduct.handoffs(), (late,), "those that are left")


async def after_a_handoff_everything_is_fresh(books: Books) -> None:
    conduct = books.conduct
    where = ("assistant", 7, "ann")
    same(await conduct.fresh_since(*where), 0.0, "before any")
    await conduct.hand_off(_handoff())
    same(await conduct.fresh_since(*where), 0.0, "during the first")
    holds(await conduct.take_back(*where, "operator:bob", NOW + 9), "a human had taken over")
    holds(not await conduct.take_back(*where, "operator:bob", NOW + 10), "not any more")
    same(await conduct.handoff(*where), None, "the handoff")
    same(await conduct.fresh_since(*where), NOW + 9, "what was said before is no context")
    again = _handoff(since_at=NOW + 20, turn=5)
    holds(await conduct.hand_off(again), "a second one")
    same(await conduct.handoff(*where), again, "the second one")
    same(await conduct.fresh_since(*where), NOW + 9, "since the first one's end")
    (line,) = await books.access.audit_lines()
    same((line.author, line.action), ("operator:bob", "hand_back"), "the audit")
    same(line.subject, "person:ann", "to whom")


async def handoffs_are_forgotten_when_they_are_over_and_old(books: Books) -> None:
    conduct = books.conduct
    for person in ("ann", "bob", "eve"):
        await conduct.hand_off(_handoff(person))
    await conduct.take_back("assistant", 7, "ann", "cli", NOW)
    await conduct.take_back("assistant", 7, "bob", "cli", NOW + 20 * DAY_S)
    await books.upkeep.prune(Retention(messages_s=30 * DAY_S), NOW + 31 * DAY_S)
    same(await conduct.fresh_since("assistant", 7, "ann"), 0.0, "one that ended long ago")
    same(await conduct.fresh_since("assistant", 7, "bob"), NOW + 20 * DAY_S, "a younger one")
    same(len(await conduct.handoffs()), 1, "one that goes on")


# --- gates -----------------------------------------------------------------------------------


async def a_gate_is_used_when_somebody_says_so(books: Books) -> None:
    conduct = books.conduct
    model = bytes(range(256))
    first = await conduct.add_gate("help", model, '{"auc":0.9}', "operator:ann", NOW)
    second = await conduct.add_gate("help", b"two", "{}", "operator:ann", NOW + 1)
    same(await conduct.gate("help"), None, "before")
    await conduct.use_gate("help", first, "operator:bob", NOW + 2)
    used = await conduct.gate("help")
    assert used is not None, "broken: it is used"
    same((used.id, used.model, used.figures), (first, model, '{"auc":0.9}'), "it")
    same((used.author, used.at, used.is_used), ("operator:ann", NOW, True), "whose it is")
    await conduct.use_gate("help", second, "operator:bob", NOW + 3)
    same(
        [(each.id, each.is_used) for each in await conduct.gates("help")],
        [(second, True), (first, False)],
        "all, newest first",
    )
    same(await conduct.gates("faq"), (), "of another base")
    await conduct.use_gate("help", 0, "operator:bob", NOW + 4)
    same(await conduct.gate("help"), None, "after going back to the shipped one")
    lines = await books.access.audit_lines()
    same({(line.action, line.subject) for line in lines}, {("gate", "base:help")}, "the audit")
    same(len(lines), 3, "how often it speaks of gates")


async def another_bases_gate_is_not_used(books: Books) -> None:
    conduct = books.conduct
    used = await conduct.add_gate("help", b"one", "{}", "operator:ann", NOW)
    other = await conduct.add_gate("faq", b"two", "{}", "operator:ann", NOW)
    await conduct.use_gate("help", used, "operator:ann", NOW)
    await raises(Refused, conduct.use_gate("help", other, "operator:ann", NOW), "another base's")
    await raises(Refused, conduct.use_gate("help", other + 1, "operator:ann", NOW), "none at all")
    gate = await conduct.gate("help")
    same(gate and gate.id, used, "the one in use")


async def so_many_gates_are_kept_and_the_one_in_use(books: Books) -> None:
    conduct = books.conduct
    used = await conduct.add_gate("help", b"used", "{}", "operator:ann", NOW)
    await conduct.use_gate("help", used, "operator:ann", NOW)
    for number in range(GATES_KEPT + 5):
        await conduct.add_gate("help", bytes([number]), "{}", "operator:ann", NOW)
    kept = await conduct.gates("help")
    same(len(kept), GATES_KEPT + 1, "how many")
    same((kept[0].model, kept[-1].id), (bytes([GATES_KEPT + 4]), used), "the newest, the used one")
