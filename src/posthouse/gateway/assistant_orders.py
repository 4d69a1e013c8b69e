"""``/assistant``: how the assistant behaves in a chat, and what it has handed to humans."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from posthouse.gateway import phrases
from posthouse.gateway.grant_words import read_subject, words_of
from posthouse.gateway.notices import reviewed
from posthouse.gateway.surroundings import Surroundings
from posthouse.handlers.assistant.rules import FIELDS, changed
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Send
from posthouse.model.address import ChatMode
from posthouse.model.message import Content, Mention
from posthouse.model.permission import ANY, SubjectKind
from posthouse.model.turn import Turn
from posthouse.store.asked import Asked
from posthouse.store.chats import Chats
from posthouse.store.conduct import Conduct, Handoff, Rule, Scope
from posthouse.wakeup.wakeup import SENDS

RESUME: Final = frozenset({"resume", "back", "恢复", "接回"})
SEND: Final = frozenset({"send", "发送", "发出"})
HANDOFFS: Final = frozenset({"handoffs", "humans", "人工", "转人工"})
LINES_MAX: Final = 20
DIGITS_MAX: Final = 18


class _Order(Struct, frozen=True):
    """What stands behind ``/assistant``."""

    verb: str
    rest: str
    people: dict[str, str]  # who is named, a mention or ``person:ou_1``: platform id → name


def _read(turn: Turn) -> _Order:
    people: dict[str, str] = {}
    words: list[str] = []
    for word in words_of(turn.parts):
        subject = read_subject(word)
        if subject is not None and subject.kind is SubjectKind.PERSON and subject.name != ANY:
            people[subject.name] = (isinstance(word, Mention) and word.name) or subject.name
        elif isinstance(word, str):
            words.append(word)
    return _Order(words[0].lower() if words else "", " ".join(words[1:]), people)


class AssistantOrders:
    """Carries out what operators want of an assistant.

    Args:
        around: the house.
        chats: knows whose bot's they are.
        conduct: keeps rules and handoffs.
        asked: keeps answers that wait for a review.
        assistants: the names of the handlers of that kind, the first for chats without their own.
    """

    def __init__(
        self,
        around: Surroundings,
        chats: Chats,
        conduct: Conduct,
        asked: Asked,
        assistants: Callable[[], tuple[str, ...]],
    ) -> None:
        self._around = around
        self._stored = around.until_stored
        self._chats = chats
        self._conduct = conduct
        self._asked = asked
        self._assistants = assistants

    async def obey(self, turn: Turn, author: str, context: TurnContext) -> Action:
        """Carry out an order of an operator.

        Args:
            turn: the order.
            author: who gives it, for the audit.
            context: of the order.
        """
        names = self._assistants()
        if not names:
            return _say("assistant_none", context)
        order = _read(turn)
        if order.verb in RESUME:
            return await self._resume(order, turn, author, context)
        if order.verb in SEND:
            return await self._send(order.rest, turn, author, context)
        if order.verb in HANDOFFS:
            return await self._list(turn, context)
        handler = turn.chat.handler if turn.chat.handler in names else names[0]
        return await self._rule(handler, order, turn, author, context)

    # --- rules --------------------------------------------------------------------------------

    async def _rule(
        self, handler: str, order: _Order, turn: Turn, author: str, context: TurnContext
    ) -> Action:
        """Show or change what holds in this chat, for everybody or for one person."""
        if len(order.people) > 1:
            return _say("assistant_usage", context)
        person = next(iter(order.people), "")
        scope = Scope(handler=handler, bot=turn.chat.bot, chat=turn.chat.id, person=person)
        if order.verb in FIELDS:
            return await self._set(scope, order, author, context)
        return await self._show(scope, order, context)

    async def _set(self, scope: Scope, order: _Order, author: str, context: TurnContext) -> Action:
        rule = changed(await self._own(scope), FIELDS[order.verb], order.rest)
        if rule is None:
            return _say("assistant_usage", context)
        now = context.now()
        await self._stored(lambda: self._conduct.set_rule(scope, rule, author, now))
        return await self._show(scope, order, context)

    async def _own(self, scope: Scope) -> Rule:
        """Return what was set for just this chat, or this person in it."""
        rules = await self._stored(lambda: self._conduct.rules(scope.handler))
        return next((rule for each, rule in rules if each == scope), Rule())

    async def _show(self, scope: Scope, order: _Order, context: TurnContext) -> Action:
        rule = await self._stored(lambda: self._conduct.rule(scope))
        set_here = {name: value for name, value in asdict(rule).items() if value is not None}
        lines = [f"- {name}: {_written(value)}" for name, value in set_here.items()]
        head = phrases.say(
            "assistant_rule_of" if scope.person else "assistant_rule",
            context.language,
            handler=scope.handler,
            person=order.people.get(scope.person, ""),
        )
        usage = phrases.say("assistant_usage", context.language)
        return _plain("\n".join([head, *(lines or ["- —"]), usage]))

    # --- humans -------------------------------------------------------------------------------

    async def _resume(self, order: _Order, turn: Turn, author: str, context: TurnContext) -> Action:
        """Let the assistant answer again: somebody who is named, or everybody of a chat."""
        chat, people = _chat_of(order.rest, turn), order.people
        count, now = 0, context.now()
        for each in await self._handoffs(turn):
            if each.chat != chat or (people and each.person not in people):
                continue
            count += await self._take_back(each, author, now)
        return _say("assistant_resumed" if count else "assistant_not_away", context, count=count)

    async def _take_back(self, handoff: Handoff, author: str, now: float) -> bool:
        handler, chat, person = handoff.handler, handoff.chat, handoff.person
        return await self._stored(
            lambda: self._conduct.take_back(handler, chat, person, author, now)
        )

    async def _list(self, turn: Turn, context: TurnContext) -> Action:
        found = await self._handoffs(turn)
        if not found:
            return _say("assistant_not_away", context)
        lines = [f"- chat:{each.chat} {each.person}" for each in found[:LINES_MAX]]
        return _plain("\n".join(lines))

    async def _handoffs(self, turn: Turn) -> tuple[Handoff, ...]:
        """Return those of this bot."""
        found = await self._stored(self._conduct.handoffs)
        return tuple([each for each in found if await self._is_of(turn.chat.bot, each)])

    async def _is_of(self, bot: str, handoff: Handoff) -> bool:
        chat = await self._stored(lambda: self._chats.get(handoff.chat))
        return chat is not None and chat.bot == bot

    # --- reviews ------------------------------------------------------------------------------

    async def _send(self, number: str, turn: Turn, author: str, context: TurnContext) -> Action:
        """Let an answer out that waited for somebody to look at it."""
        wanted = _number(number.removeprefix("#"))
        asked = None if wanted is None else await self._asked.of_turn(wanted)
        if asked is None or asked.bot != turn.chat.bot or asked.reason != "held_for_review":
            return _say("assistant_no_review", context)
        chat = await self._stored(lambda: self._chats.get(asked.chat))
        bot = self._around.bots.get(asked.bot)
        now, journal = context.now(), self._around.journal
        if chat is None or bot is None or chat.mode_at(now) is ChatMode.SHADOW:
            return _say("assistant_no_review", context)
        for each in reviewed(asked.turn, asked.answer, chat, bot, self._around.new_key):
            await self._stored(partial(journal.put_notice, chat.id, each, now, asked.person))
        self._around.wakeup.nudge(SENDS)
        sent = replace(asked, reason="answered")
        await self._stored(lambda: self._asked.record(sent))
        await self._stored(lambda: self._asked.resolve(asked.turn, author, now))
        return _say("assistant_sent", context)


def _chat_of(words: str, turn: Turn) -> int:
    """Read ``chat:12``; else the chat of the order."""
    found = next((word for word in words.split() if word.startswith("chat:")), "")
    number = _number(found.removeprefix("chat:"))
    return turn.chat.id if number is None else number


def _number(digits: str) -> int | None:
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX
    return int(digits) if is_number else None


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value) or "—"


def _plain(text: str) -> Send:
    return Send(Content(text, format="plain"))


def _say(phrase: str, context: TurnContext, **values: object) -> Send:
    return _plain(phrases.say(phrase, context.language, **values))
