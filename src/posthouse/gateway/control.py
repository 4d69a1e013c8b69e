"""The house's own answers: recall, stop, new, pause, resume, mode, welcome, away.

They run in the chat's control lane, before anything else of that chat, and need no handler.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable

import msgspec
from msgspec.structs import replace

from posthouse.gateway import phrases
from posthouse.gateway.bots import Bots
from posthouse.gateway.inbox import Inbox
from posthouse.gateway.operators import ORDERS, Operators, author_of
from posthouse.gateway.router import CONTROL_TRAITS
from posthouse.gateway.stop_button import turn_to_stop
from posthouse.gateway.surroundings import Surroundings
from posthouse.gateway.words import ControlWord, Order, control_word, span_s
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Acknowledge, Action, Ask, Note, Send, Who
from posthouse.model.address import ChatKind, ChatMode, Entrance, Role
from posthouse.model.event import (
    ButtonPressed,
    MembersChanged,
    MessageRecalled,
    MessageReceived,
    message_key,
)
from posthouse.model.message import Content, plain_text
from posthouse.model.reasons import explain
from posthouse.model.turn import Turn
from posthouse.settings.settings import WordsSettings
from posthouse.store.access import Access
from posthouse.store.chats import Chats
from posthouse.store.journal import Recall, RecallScope
from posthouse.wakeup.wakeup import CANCELS, SENDS, TURNS

AWAY_EVENTS_MAX = 50  # how many late messages one press answers
AWAY_EXPIRES_S = 24 * 3600.0
AGAIN = "again:"  # before the key of a late message that is answered after all

RUNNERS = frozenset({Role.OWNER, Role.ADMIN})


class Control:
    """Orders that people give, and messages that they take back."""

    traits = CONTROL_TRAITS

    def __init__(
        self,
        around: Surroundings,
        chats: Chats,
        access: Access,
        words: WordsSettings,
        operators: Operators,
    ) -> None:
        self._journal = around.journal
        self._wakeup = around.wakeup
        self._bots = around.bots
        self._stored = around.until_stored
        self._chats = chats
        self._access = access
        self._words = words
        self._operators = operators

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Carry out what the turn's event asks for."""
        event = turn.events[-1].event
        match event:
            case MessageRecalled():
                await self._take_back(turn, event, context.now())
                yield Note("recalled", event.message_id)
            case MembersChanged():
                mode = _mode_in_words(turn.chat.mode_at(context.now()), context)
                yield _say("welcome", context, bot=self._bots[turn.chat.bot].title, mode=mode)
            case ButtonPressed(token=token) if (number := turn_to_stop(token)) is not None:
                yield await self._stop_turn(turn.chat.id, number, context)
            case MessageReceived():
                text = plain_text(event.parts)
                word = control_word(text, self._words, is_addressed=event.is_addressed)
                if word is not None:
                    async for action in self._obey(word, turn, context):
                        yield action
            case _:
                yield Note("nothing_to_do", type(event).__name__)

    async def _take_back(self, turn: Turn, event: MessageRecalled, now: float) -> None:
        can = self._bots[turn.chat.bot].capabilities
        key = message_key(event.place.platform_id, event.message_id)
        chat = turn.chat.id
        running = await self._stored(lambda: self._journal.recall_message(chat, key, can, now))
        self._cancel(running)

    async def _obey(
        self, word: ControlWord, turn: Turn, context: TurnContext
    ) -> AsyncGenerator[Action]:
        match word.order:
            case Order.RECALL:
                await self._recall(turn, context.now())
            case Order.STOP:
                yield await self._stop(turn, context)
            case Order.NEW:
                now, event = context.now(), turn.events[-1].id
                self._cancel(
                    await self._stored(
                        lambda: self._journal.forget_before(turn.session, event, now)
                    )
                )
                yield _say("new", context)
            case Order.PAUSE | Order.RESUME | Order.MODE:
                if await self._may_run(turn):
                    yield await self._change_mode(word, turn, context)
                else:
                    yield _say("not_allowed", context)
            case order if order in ORDERS:
                yield await self._operators.obey(word, turn, context)

    async def _may_run(self, turn: Turn) -> bool:
        """Whether somebody may steer the bot for everybody in the chat."""
        if turn.chat.kind is ChatKind.PRIVATE or turn.person.role in RUNNERS:
            return True
        return await self._operators.knows(turn)

    async def _recall(self, turn: Turn, now: float) -> None:
        """Take back; a report turn follows when every outcome is known."""
        may_everything = await self._may_run(turn)
        scope = RecallScope(
            chat=turn.chat.id,
            person=None if may_everything else turn.person.id,
            since_at=now - self._words.recall_within_s,
            turn=turn.id,
        )
        can = self._bots[turn.chat.bot].capabilities
        running = await self._stored(lambda: self._journal.running_turns(turn.chat.id))
        await self._stored(lambda: self._journal.recall(scope, can, now))
        wanted = [number for number in running if await self._is_wanted(number)]
        self._cancel(tuple(wanted))

    async def _is_wanted(self, turn: int) -> bool:
        return bool(await self._stored(lambda: self._journal.wanted(turn)))

    async def _stop(self, turn: Turn, context: TurnContext) -> Action:
        chat, now = turn.chat.id, context.now()
        running = await self._stored(
            lambda: self._journal.stop_session(chat, turn.session, now, before=turn.id)
        )
        self._cancel(running)
        return _say("stopped" if running else "nothing_to_stop", context)

    async def _stop_turn(self, chat: int, number: int, context: TurnContext) -> Action:
        """Stop one answer; its own words say so, so the press is answered only where it was."""
        now = context.now()
        is_stopped = await self._stored(lambda: self._journal.stop_turn(chat, number, now))
        if is_stopped:
            self._cancel((number,))
        said = "stopped" if is_stopped else "stop_late"
        return Acknowledge(phrases.say(said, context.language))

    async def _change_mode(self, word: ControlWord, turn: Turn, context: TurnContext) -> Action:
        chat, now = turn.chat, context.now()
        if word.order is Order.RESUME:
            return await self._resume(turn, context)
        if word.order is Order.PAUSE:
            wait_s = span_s(word.argument) if word.argument else None
            if word.argument and wait_s is None:
                return _say("span_unknown", context)
            until_at = None if wait_s is None else now + wait_s
            await self._set_mode(turn, ChatMode.PAUSED, now, until_at)
            if until_at is None:
                return _say("pause", context)
            return _say("pause_until", context, until=clock_time(until_at))
        mode = word.argument.lower()
        if mode not in tuple(ChatMode):
            return _say("mode_unknown", context) if mode else _say_mode(chat.mode_at(now), context)
        await self._set_mode(turn, ChatMode(mode), now)
        return _say_mode(ChatMode(mode), context)

    async def _resume(self, turn: Turn, context: TurnContext) -> Action:
        """Go on as before the pause; where there is none, say how it is."""
        chat = turn.chat
        if chat.mode is not ChatMode.PAUSED:
            return _say_mode(chat.mode, context)
        await self._set_mode(turn, chat.mode_before, context.now())
        return _say("resume", context)

    async def _set_mode(
        self, turn: Turn, mode: ChatMode, now: float, until_at: float | None = None
    ) -> None:
        """Change what the bot does in the chat of a turn, and note who wanted it."""
        chat = turn.chat
        await self._stored(lambda: self._chats.set_mode(chat.id, mode, now, until_at))
        action, subject = _action(chat.mode, mode), f"chat:{chat.id}"
        details = json.dumps({"mode": mode, "until_at": until_at})
        await self._stored(
            lambda: self._access.audit(author_of(turn), action, subject, details, now)
        )

    def _cancel(self, running: tuple[int, ...]) -> None:
        """Tell whoever runs these turns; they have been marked in the book already."""
        for number in running:
            self._wakeup.nudge(CANCELS, str(number).encode())
        self._wakeup.nudge(SENDS)
        self._wakeup.nudge(TURNS)


def _action(before: ChatMode, after: ChatMode) -> str:
    """Name a change of mode as the audit does."""
    if after is ChatMode.PAUSED:
        return "pause"
    return "resume" if before is ChatMode.PAUSED else "mode"


class RecallReport:
    """Says how a recall ended, once every outcome is known."""

    traits = CONTROL_TRAITS

    def __init__(self, around: Surroundings) -> None:
        self._journal = around.journal
        self._stored = around.until_stored

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Report counts, and refusals in words."""
        number = int(turn.session)
        recall = await self._stored(lambda: self._journal.recall_state(number))
        if recall is not None:
            yield Send(Content(report(recall, context.language)))


def report(recall: Recall, language: str) -> str:
    """Put a finished recall into one sentence."""
    clauses = [
        phrases.say(f"recall_{what}", language, count=count)
        for what, count in (
            ("withdrawn", recall.withdrawn),
            ("dropped", recall.dropped),
            ("cancelled", recall.cancelled),
        )
        if count
    ]
    if recall.kept:
        reasons = "; ".join(explain(reason, language) for reason in recall.kept_reasons)
        clauses.append(phrases.say("recall_kept", language, count=recall.kept, reasons=reasons))
    if recall.doubtful:
        clauses.append(phrases.say("recall_doubtful", language, count=recall.doubtful))
    return phrases.join(clauses, language) if clauses else phrases.say("recall_nothing", language)


class Away:
    """One line about messages that came too late, and a button that answers them after all."""

    traits = CONTROL_TRAITS

    def __init__(self, inbox: Callable[[], Inbox], bots: Bots) -> None:
        self._inbox = inbox
        self._bots = bots

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Say the line, or, when its button was pressed, let the messages in again."""
        if turn.answer is not None:
            await self._let_in(turn, context.now())
            yield _say("away_answered", context)
            return
        late = turn.messages
        times = [message.at for message in late]
        line = phrases.say(
            "away",
            context.language,
            since=clock_time(min(times)),
            until=clock_time(context.now()),
            count=len(late),
        )
        yield Ask(
            Content(line),
            (phrases.say("away_button", context.language),),
            who=Who.ANYONE,
            expires_s=AWAY_EXPIRES_S,
            state=msgspec.json.encode(late[-AWAY_EVENTS_MAX:]).decode(),
        )

    async def _let_in(self, turn: Turn, now: float) -> None:
        """Accept the messages once more, as new ones; a second press finds their keys taken."""
        assert turn.answer is not None
        late = msgspec.json.decode(turn.answer.state, type=list[MessageReceived])
        events = [
            replace(message, key=AGAIN + message.key, at=now, is_addressed=True) for message in late
        ]
        bot = self._bots[turn.chat.bot]
        await self._inbox().accept(bot, events, Entrance.INTERNAL)


def clock_time(at: float) -> str:
    """Show a time of day, in the house's time zone (the process runs in it)."""
    return time.strftime("%H:%M", time.localtime(at))


def _mode_in_words(mode: ChatMode, context: TurnContext) -> str:
    return phrases.say(f"mode_{mode}", context.language)


def _say_mode(mode: ChatMode, context: TurnContext) -> Send:
    """Name a mode as people call it, and how it is typed."""
    return _say("mode", context, mode=_mode_in_words(mode, context), code=mode)


def _say(phrase: str, context: TurnContext, **values: object) -> Send:
    return Send(Content(phrases.say(phrase, context.language, **values)))
