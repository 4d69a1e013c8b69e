"""``/assistant``: how the assistant behaves in a chat, and what it has handed to humans."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec.structs import asdict, replace

from posthouse.gateway import phrases
from posthouse.gateway.beside import reviewed
from posthouse.gateway.surroundings import Surroundings
from posthouse.handlers.assistant.rules import FIELDS, changed
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Send
from posthouse.model.address import ChatMode
from posthouse.model.message import Content, Mention
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

    async def obey(self, argument: str, turn: Turn, author: str, context: TurnContext) -> Action:
        """Carry out an order of an operator.

        Args:
            argument: what stands behind ``/assistant``.
            turn: the order.
            author: who gives it, for the audit.
            context: of the order.
        """
        names = self._assistants()
        if not names:
            return _say("assistant_none", context)
        handler = turn.chat.handler if turn.chat.handler in names else names[0]
        verb, _, rest = argument.strip().partition(" ")
        verb = verb.lower()
        if verb in FIELDS:
            return await self._set(handler, FIELDS[verb], rest, turn, author, context)
        if verb in RESUME:
            return await self._resume(rest, turn, author, context)
        if verb in SEND:
            return await self._send(rest, turn, author, context)
        if verb in HANDOFFS:
            return await self._list(turn, context)
        return await self._show(handler, turn, context)

    # --- rules --------------------------------------------------------------------------------

    async def _set(
        self,
        handler: str,
        field: str,
        value: str,
        turn: Turn,
        author: str,
        context: TurnContext,
    ) -> Action:
        scope = Scope(handler=handler, bot=turn.chat.bot, chat=turn.chat.id)
        rule = changed(await self._own(scope), field, value)
        if rule is None:
            return _say("assistant_usage", context)
        now = context.now()
        await self._stored(lambda: self._conduct.set_rule(scope, rule, author, now))
        return await self._show(handler, turn, context)

    async def _own(self, scope: Scope) -> Rule:
        """Return what was set for just this chat."""
        rules = await self._stored(lambda: self._conduct.rules(scope.handler))
        return next((rule for each, rule in rules if each == scope), Rule())

    async def _show(self, handler: str, turn: Turn, context: TurnContext) -> Action:
        scope = Scope(handler=handler, bot=turn.chat.bot, chat=turn.chat.id)
        rule = await self._stored(lambda: self._conduct.rule(scope))
        set_here = {name: value for name, value in asdict(rule).items() if value is not None}
        lines = [f"- {name}: {_written(value)}" for name, value in set_here.items()]
        head = phrases.say("assistant_rule", context.language, handler=handler)
        usage = phrases.say("assistant_usage", context.language)
        return _plain("\n".join([head, *(lines or ["- —"]), usage]))

    # --- humans -------------------------------------------------------------------------------

    async def _resume(self, whom: str, turn: Turn, author: str, context: TurnContext) -> Action:
        """Let the assistant answer again: somebody who is mentioned, or everybody of a chat."""
        chat = _chat_of(whom, turn)
        people = _mentioned(turn)
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
        digits = number.strip().removeprefix("#")
        is_number = digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX
        asked = await self._asked.of_turn(int(digits)) if is_number else None
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
    digits = found.removeprefix("chat:")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX
    return int(digits) if is_number else turn.chat.id


def _mentioned(turn: Turn) -> frozenset[str]:
    mentions = (part for part in turn.parts if isinstance(part, Mention) and not part.is_me)
    return frozenset(mention.person_id for mention in mentions)


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value) or "—"


def _plain(text: str) -> Send:
    return Send(Content(text, format="plain"))


def _say(phrase: str, context: TurnContext, **values: object) -> Send:
    return _plain(phrases.say(phrase, context.language, **values))
