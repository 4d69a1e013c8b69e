"""Operators inside chats: they grant, block and revoke, and are asked about strangers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncGenerator, Callable

import msgspec
import structlog

from posthouse.gateway import phrases
from posthouse.gateway.assistant_orders import AssistantOrders
from posthouse.gateway.grant_words import describe, read_grant, read_subject, words_of
from posthouse.gateway.inbox import Inbox
from posthouse.gateway.router import CONTROL_TRAITS, OPERATORS
from posthouse.gateway.surroundings import Surroundings
from posthouse.gateway.words import ControlWord, Order
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Ask, Note, Send
from posthouse.model.address import Chat, ChatKind, Entrance, Person, Place
from posthouse.model.errors import PosthouseError
from posthouse.model.event import Internal, MessageReceived, other_key
from posthouse.model.message import Content
from posthouse.model.permission import ANY, DOOR, Effect, Field, Grant, Subject, SubjectKind
from posthouse.model.secret import hashed
from posthouse.model.turn import Turn
from posthouse.store.access import Access
from posthouse.store.chats import Chats
from posthouse.store.grants import ChatOperator, Grants, NewGrant, Stranger

ORDERS = frozenset(
    {Order.GRANT, Order.BLOCK, Order.REVOKE, Order.GRANTS, Order.CLAIM, Order.ASSISTANT}
)
CLAIM = "claim"  # the purpose of the first operator's code
LINES_MAX = 20  # in one answer
QUESTIONS_MAX = 20  # about strangers, in so long a time; more are only listed
QUESTIONS_WITHIN_S = 3600.0
QUESTION_EXPIRES_S = 7 * 86400.0
SPAN_S = 30 * 86400.0  # the button between always and never
NAME_CHARS_MAX = 60

STRANGER = "stranger"  # kinds of internal events
ALLOWED = "allowed"

log = structlog.get_logger("posthouse.operators")


class Operators:
    """Takes the orders of operators, and asks them."""

    traits = CONTROL_TRAITS

    def __init__(
        self,
        around: Surroundings,
        chats: Chats,
        grants: Grants,
        access: Access,
        inbox: Callable[[], Inbox],
        assistants: AssistantOrders,
    ) -> None:
        self._assistants = assistants
        self._bots = around.bots
        self._stored = around.until_stored
        self._clock = around.clock
        self._chats = chats
        self._grants = grants
        self._access = access
        self._inbox = inbox
        self._asked_at: deque[float] = deque(maxlen=QUESTIONS_MAX)

    async def knows(self, turn: Turn) -> bool:
        """Whether the person of a turn is an operator of its bot."""
        bot, person = turn.chat.bot, turn.person.id
        return await self._stored(lambda: self._grants.is_operator(bot, person))

    # --- orders ---------------------------------------------------------------------------

    async def obey(self, word: ControlWord, turn: Turn, context: TurnContext) -> Action:
        """Carry out one of ``ORDERS``."""
        if word.order is Order.CLAIM:
            return await self._claim(word.argument.strip(), turn, context)
        if not await self.knows(turn):
            return _say("not_operator", context)
        if turn.chat.kind is ChatKind.PRIVATE:
            bot, person, chat = turn.chat.bot, turn.person.id, turn.chat.id
            await self._stored(lambda: self._grants.reach_operator(bot, person, chat))
        match word.order:
            case Order.REVOKE:
                return await self._revoke(word.argument, turn, context)
            case Order.GRANTS:
                return await self._list(turn, context)
            case Order.ASSISTANT:
                return await self._assistants.obey(turn, author_of(turn), context)
            case _:
                effect = Effect.BLOCK if word.order is Order.BLOCK else Effect.ALLOW
                return await self._grant(effect, turn, context)

    async def _claim(self, code: str, turn: Turn, context: TurnContext) -> Action:
        now, chat = context.now(), turn.chat
        if not await self._stored(lambda: self._access.use_code(CLAIM, hashed(code), now)):
            return _say("claim_refused", context)
        operator = ChatOperator(
            bot=chat.bot,
            person=turn.person.id,
            name=turn.person.name,
            chat=chat.id if chat.kind is ChatKind.PRIVATE else None,
        )
        await self._stored(lambda: self._grants.make_operator(operator, CLAIM, now))
        return _say("claimed", context, bot=chat.bot)

    async def _grant(self, effect: Effect, turn: Turn, context: TurnContext) -> Action:
        event, now = turn.events[-1].event, context.now()
        parts = event.parts if isinstance(event, MessageReceived) else ()
        read = read_grant(words_of(parts), turn.chat.id, turn.chat.bot, turn.person, now)
        if read is None:
            return _say("grant_usage", context)
        new = NewGrant(
            effect=effect,
            subject=read.subject,
            field=read.field,
            from_at=read.from_at,
            until_at=read.until_at,
            note=read.name[:NAME_CHARS_MAX],
        )
        made = await self._stored(lambda: self._grants.grant(new, author_of(turn), now))
        return _plain(line_of(made, context.language, now))

    async def _revoke(self, argument: str, turn: Turn, context: TurnContext) -> Action:
        written = argument.strip().removeprefix("#")
        if not (written.isascii() and written.isdigit() and len(written) <= 18):  # noqa: PLR2004
            return _say("revoke_usage", context)
        number, now, bot = int(written), context.now(), turn.chat.bot
        is_struck = await self._stored(
            lambda: self._grants.revoke(number, author_of(turn), now, bot=bot)
        )
        return _say("revoked" if is_struck else "revoke_unknown", context, number=number)

    async def _list(self, turn: Turn, context: TurnContext) -> Action:
        event = turn.events[-1].event
        words = words_of(event.parts) if isinstance(event, MessageReceived) else ()
        subject = read_subject(words[0], turn.chat.id, turn.person) if words else None
        if words and subject is None:
            return _say("grant_usage", context)
        field = Field(bot=turn.chat.bot)
        lines = await self._stored(lambda: self._grants.list(subject, field, LINES_MAX + 1))
        if not lines:
            return _say("grants_none", context)
        now, language = context.now(), context.language
        shown = [line_of(line, language, now) for line in lines[:LINES_MAX]]
        if len(lines) > LINES_MAX:
            shown.append(phrases.say("grants_more", language))
        return _plain("\n".join(shown))

    # --- strangers --------------------------------------------------------------------------

    async def ask_about(self, stranger: Stranger) -> None:
        """Ask the operators of a bot, each in their private chat, what is to be done.

        Who has no private chat is not asked, and nobody is while the store is full; the console
        lists the stranger all the same.
        """
        now = self._clock()
        if len(self._asked_at) == QUESTIONS_MAX and now - self._asked_at[0] < QUESTIONS_WITHIN_S:
            return
        self._asked_at.append(now)
        try:
            for operator in await self._grants.operators(stranger.bot):
                if operator.person != stranger.person:  # who can grant need not be asked
                    await self._ask_one(operator, stranger, now)
        except PosthouseError as problem:
            log.warning("operator_not_asked", problem=str(problem))

    async def _ask_one(self, operator: ChatOperator, stranger: Stranger, now: float) -> None:
        chat = None if operator.chat is None else await self._chats.get(operator.chat)
        if chat is not None:
            who = Person(operator.person, operator.name)
            await self._tell_myself(STRANGER, chat, who, stranger, now)

    async def _tell_myself(
        self, kind: str, chat: Chat, person: Person, stranger: Stranger, now: float
    ) -> None:
        payload = msgspec.json.encode(stranger).decode()
        event = Internal(
            key=other_key(f"{kind}:{person.id}:{hashed(payload).hex()}"),
            place=Place(chat.bot, chat.platform_id, chat.kind, chat.title),
            sender=person,
            kind=kind,
            at=now,
            payload=payload,
            session=f"{chat.id}:{OPERATORS}",
            handler=OPERATORS,
        )
        await self._inbox().accept(self._bots[chat.bot], [event], Entrance.INTERNAL)

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Ask an operator, take the answer, or tell somebody that they may."""
        event = turn.events[-1].event
        if turn.answer is not None:
            stranger = msgspec.json.decode(turn.answer.state, type=Stranger)
            yield await self._decide(stranger, turn.answer.choice, turn, context)
        elif isinstance(event, Internal) and event.kind == STRANGER:
            stranger = msgspec.json.decode(event.payload, type=Stranger)
            yield await self._ask(stranger, event.payload, context)
        elif isinstance(event, Internal) and event.kind == ALLOWED:
            words = phrases.say("you_are_allowed", context.language, name=turn.person.name)
            yield Send(Content(words, format="plain", mentions=(turn.person,)))
        else:
            yield Note("nothing_to_do", type(event).__name__)

    async def _ask(self, stranger: Stranger, state: str, context: TurnContext) -> Action:
        chat = await self._stored(lambda: self._chats.get(stranger.chat))
        language = context.language
        words = phrases.say(
            "stranger",
            language,
            name=stranger.name[:NAME_CHARS_MAX] or "?",
            person=stranger.person,
            handler=_wanted(stranger),
            chat=(chat.title[:NAME_CHARS_MAX] if chat and chat.title else f"chat:{stranger.chat}"),
        )
        return Ask(
            Content(words, format="plain"),
            tuple(
                phrases.say(f"stranger_{choice}", language)
                for choice in ("allow", "allow_30d", "block")
            ),
            expires_s=QUESTION_EXPIRES_S,
            state=state,
        )

    async def _decide(
        self, stranger: Stranger, choice: int | None, turn: Turn, context: TurnContext
    ) -> Action:
        if not await self.knows(turn):  # no longer
            return _say("not_operator", context)
        now = context.now()
        allows = choice in {0, 1}
        scene = stranger.scene or (DOOR if allows else ANY)
        new = NewGrant(
            effect=Effect.ALLOW if allows else Effect.BLOCK,
            subject=Subject(SubjectKind.PERSON, stranger.person),
            field=Field(bot=stranger.bot, handler=stranger.handler, scene=scene),
            until_at=now + SPAN_S if choice == 1 else None,
            note=stranger.name[:NAME_CHARS_MAX],
        )
        await self._stored(lambda: self._grants.grant(new, author_of(turn), now))
        chat = await self._stored(lambda: self._chats.get(stranger.chat))
        if allows and chat is not None:
            who = Person(stranger.person, stranger.name)
            await self._stored(lambda: self._tell_myself(ALLOWED, chat, who, stranger, now))
        phrase = "stranger_allowed" if allows else "stranger_blocked"
        return _say(
            phrase, context, name=stranger.name or stranger.person, handler=_wanted(stranger)
        )


def _wanted(stranger: Stranger) -> str:
    return stranger.scene or stranger.handler


def line_of(grant: Grant, language: str, now: float) -> str:
    """Write a line of the book of permissions for people."""
    effect = phrases.say(f"grant_{grant.effect}", language)
    words = [f"#{grant.id}", effect, str(grant.subject), describe(grant.field)]
    if grant.from_at is not None and grant.from_at > now:
        words.append(phrases.say("grant_from", language, at=_moment(grant.from_at)))
    if grant.until_at is not None:
        words.append(phrases.say("grant_until", language, at=_end(grant.until_at)))
        if grant.until_at <= now:
            words.append(f"({phrases.say('grant_over', language)})")
    if grant.note:
        words.append(f"· {grant.note}")
    return " ".join(words)


def _moment(at: float) -> str:
    """Show a moment; at midnight the day is enough."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at)).removesuffix(" 00:00")


def _end(at: float) -> str:
    """Show an end; at midnight that is the day before, to its last moment."""
    is_midnight = _moment(at) == time.strftime("%Y-%m-%d", time.localtime(at))
    return _moment(at - 86_400 / 2)[: len("2026-12-01")] if is_midnight else _moment(at)


def author_of(turn: Turn) -> str:
    """Name who gave an order in a chat, as the audit does."""
    return f"person:{turn.chat.bot}:{turn.person.id}"


def _plain(text: str) -> Send:
    return Send(Content(text, format="plain"))


def _say(phrase: str, context: TurnContext, **values: object) -> Send:
    return _plain(phrases.say(phrase, context.language, **values))
