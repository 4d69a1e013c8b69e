"""Who deals with an event: one pure function from event and settings to a disposition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from posthouse.gateway import phrases
from posthouse.gateway.words import control_word, split_prefix
from posthouse.handlers.handler import Traits
from posthouse.model.address import Chat, ChatMode, session_key
from posthouse.model.disposition import Claimant, Disposition, Notice, Question
from posthouse.model.event import (
    ButtonPressed,
    Event,
    Internal,
    MembersChanged,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    ReactionChanged,
    Undecodable,
)
from posthouse.model.message import plain_text
from posthouse.model.turn import EventState, LaneKind, OnEdit
from posthouse.settings.settings import RouteRule, WordsSettings
from posthouse.store.reader import Spoken

CONTROL = "control"  # the built-in answers of the house, in the chat's control lane
AWAY = "away"  # one line about messages that came too late
RECALL_REPORT = "recall_report"  # how a recall ended
OPERATORS = "operators"  # asks operators about strangers
CONTROL_HANDLERS = frozenset({CONTROL, AWAY, RECALL_REPORT, OPERATORS})
CONTROL_TRAITS = Traits(
    on_edit=OnEdit.IGNORE,
    max_run_s=86_400.0,  # an order waits for a full store to have room again
    answer_within_s=float("inf"),
    attempts_max=20,
    crashes_max=1_000,  # orders are our own code: what kills the process there is something else
    session_queue_max=10_000,
)

AWAY_BURST_S = 3.0
CHOICE_DIGITS = 2  # a button's token: the question's id, then which button


class Routing(Struct, frozen=True, kw_only=True):
    """Everything ``route`` decides by, apart from the event."""

    rules: tuple[RouteRule, ...]
    words: WordsSettings
    traits: Mapping[str, Traits]
    language: str  # the house's
    snapshot_at: float | None = None  # after a restore: older events are stored only


class Refusal(Struct, frozen=True):
    """Why somebody may not answer a question."""

    reason: str  # a code of ``model.reasons``
    sentence: str


def default_rules(words: WordsSettings, handlers: Mapping[str, Traits]) -> tuple[RouteRule, ...]:
    """Return the rules of a house without ``[[routes]]``.

    What begins with a prefix, or with a mark of theirs, goes to the commands, the rest to the
    first other handler; where there is no other, to the commands as well.
    """
    rules: list[RouteRule] = []
    if "commands" in handlers:
        begins = (*words.prefixes, *handlers["commands"].marks)
        rules += [RouteRule(prefix=prefix, handler="commands") for prefix in begins]
    others = [name for name in handlers if name != "commands"] or list(handlers)
    return (*rules, *(RouteRule(handler=name) for name in others[:1]))


def split_token(token: str) -> tuple[str, int | None]:
    """Split a button's token into question id and choice."""
    question, choice = token[:-CHOICE_DIGITS], token[-CHOICE_DIGITS:]
    return (question, int(choice)) if question and choice.isdecimal() else (token, None)


def token_of(question: str, choice: int) -> str:
    """Make the token of a button: the opposite of ``split_token``."""
    return f"{question}{choice:0{CHOICE_DIGITS}d}"


def route(  # noqa: PLR0911 - one line for each kind of event
    event: Event,
    chat: Chat,
    routing: Routing,
    question: Question | None,
    now: float,
    refusal: Refusal | None = None,
) -> Disposition:
    """Decide what becomes of an event.

    Args:
        event: what came in.
        chat: where, with the mode in force.
        routing: the rules.
        question: the question that the event may answer: the one a press names, or the open one
            of the session.
        now: the house's clock.
        refusal: why this person may not answer it; it stays open then.
    """
    if _is_from_before(routing.snapshot_at, event):
        return Disposition(state=EventState.LATE, reason="restored")
    match event:
        case MessageReceived() | MessageEdited():
            return _route_message(event, chat, routing, question, now, refusal)
        case MessageRecalled():
            return _control(event, chat)
        case ButtonPressed():
            return _route_press(event, chat, routing, question, now, refusal)
        case MembersChanged(is_about_me=True, joined=joined) if joined:
            return _control(event, chat)
        case Internal(handler=handler, session=session):
            if not handler:
                return _ignored("no_route")
            return _handled(event, chat, routing, handler, session)
        case Undecodable():
            return Disposition(state=EventState.UNDECODABLE, reason="undecodable")
        case _:
            return _ignored("no_route")


def _is_from_before(snapshot_at: float | None, event: Event) -> bool:
    """Whether a restored house may have answered this already and forgotten it."""
    answerable = MessageReceived | MessageEdited | ButtonPressed | MembersChanged
    return snapshot_at is not None and event.at <= snapshot_at and isinstance(event, answerable)


def _ignored(reason: str, notice: Notice | None = None) -> Disposition:
    return Disposition(state=EventState.IGNORED, reason=reason, notice=notice)


def _control(event: Event, chat: Chat) -> Disposition:
    session = session_key(chat.id, chat.session_kind, event.sender.id, getattr(event, "thread", ""))
    return Disposition(
        state=EventState.ROUTED, lane_kind=LaneKind.CONTROL, session=session, handler=CONTROL
    )


def _notice(phrase: str, event: Event, chat: Chat, routing: Routing) -> Notice:
    """Answer this one event with a sentence of the house."""
    sentence = phrases.say(phrase, phrases.language_of(chat, routing.language))
    return Notice(f"notice:{phrase}:{event.place.bot}:{event.key}", sentence)


def _handled(
    event: Event,
    chat: Chat,
    routing: Routing,
    handler: str,
    session: str,
    claimant: Claimant | None = None,
) -> Disposition:
    traits = routing.traits.get(handler, Traits())
    is_control = handler in CONTROL_HANDLERS
    return Disposition(
        state=EventState.ROUTED,
        lane_kind=LaneKind.CONTROL if is_control else LaneKind.TURN,
        session=session,
        handler=handler,
        burst_s=traits.burst_s,
        queue_max=traits.session_queue_max,
        on_edit=traits.on_edit,
        overload=_notice("overload", event, chat, routing),
        claimant=claimant,
    )


def _route_press(  # noqa: PLR0911 - a list of decisions, one line each
    event: ButtonPressed,
    chat: Chat,
    routing: Routing,
    question: Question | None,
    now: float,
    refusal: Refusal | None,
) -> Disposition:
    def ignored(reason: str) -> Disposition:
        return _ignored(reason, _notice(reason, event, chat, routing))

    _, choice = split_token(event.token)
    if question is None or question.chat != chat.id:
        return ignored("question_unknown")
    if question.who and question.who != event.sender.id:
        return ignored("question_foreign")
    if now >= question.expires_at:
        return ignored("question_late")
    if choice is None or choice >= len(question.labels):
        return ignored("question_unknown")
    if chat.mode_at(now) is ChatMode.PAUSED and question.handler not in CONTROL_HANDLERS:
        return _paused(chat, routing, is_addressed=True)
    if refusal is not None:
        return _refused_answer(event, refusal)
    claimant = Claimant(question.id, choice, _notice("question_taken", event, chat, routing))
    pressed = _handled(event, chat, routing, question.handler, question.session, claimant)
    return replace(pressed, burst_s=0.0)  # nothing else belongs to a press


def route_stop(
    event: ButtonPressed, chat: Chat, routing: Routing, refusal: Refusal | None
) -> Disposition:
    """Let the button below a growing answer stop it at once, as the word does.

    Args:
        event: the press.
        chat: where.
        routing: the rules.
        refusal: why it stops nothing, if so.
    """
    if _is_from_before(routing.snapshot_at, event):
        return Disposition(state=EventState.LATE, reason="restored")
    return _control(event, chat) if refusal is None else _refused_answer(event, refusal)


def route_reaction(
    event: ReactionChanged, chat: Chat, routing: Routing, spoken: Spoken | None
) -> Disposition:
    """Hand it to who said the message, if that handler wants to know what was thought of it.

    Args:
        event: what somebody put below a message, or took away.
        chat: where.
        routing: the rules.
        spoken: the turn that said the message; only whom it answered is heard.
    """
    if spoken is None or event.sender.id != spoken.person or event.sender.is_bot:
        return _ignored("no_route")
    if not routing.traits.get(spoken.handler, Traits()).hears_reactions:
        return _ignored("no_route")
    heard = _handled(event, chat, routing, spoken.handler, spoken.session)
    return replace(heard, burst_s=0.0)


def _route_message(  # noqa: PLR0911 - a list of decisions, one line each
    event: MessageReceived | MessageEdited,
    chat: Chat,
    routing: Routing,
    question: Question | None,
    now: float,
    refusal: Refusal | None,
) -> Disposition:
    text = plain_text(event.parts)
    is_addressed = event.is_addressed or _is_command(text, routing)
    settled = _before_rules(event, chat, text, routing, now, is_addressed=is_addressed)
    if settled is not None:
        return settled
    session = session_key(chat.id, chat.session_kind, event.sender.id, event.thread)
    if question is not None and _answers(question, event, now) and not _has_prefix(text, routing):
        if refusal is not None:
            return _refused_answer(event, refusal)
        claimant = Claimant(question.id, None)
        return _handled(event, chat, routing, question.handler, question.session, claimant)
    rule = _first_match(event, chat, text, routing, is_addressed=is_addressed)
    if rule is None:
        return _ignored("no_route")
    is_heard = is_addressed or chat.mode_at(now) is ChatMode.LISTEN or rule.addressed is False
    if rule.ignore or not is_heard:
        return _ignored("rule_ignores" if rule.ignore else "not_addressed")
    if rule.refuse:
        return _refused_by_rule(event, rule)
    traits = routing.traits.get(rule.handler, Traits())
    if now - event.at > traits.answer_within_s:
        return _late(session, is_addressed=is_addressed)
    return _handled(event, chat, routing, rule.handler, session)


def _before_rules(
    event: MessageReceived | MessageEdited,
    chat: Chat,
    text: str,
    routing: Routing,
    now: float,
    *,
    is_addressed: bool,
) -> Disposition | None:
    """Decide what no rule is asked about: other bots, orders, a pause."""
    if event.sender.is_bot:
        return _ignored("from_bot")
    is_new = isinstance(event, MessageReceived)
    if is_new and control_word(text, routing.words, is_addressed=event.is_addressed):
        return _control(event, chat)
    if chat.mode_at(now) is ChatMode.PAUSED:
        return _paused(chat, routing, is_addressed=is_addressed)
    return None


def _refused_answer(event: Event, refusal: Refusal) -> Disposition:
    origin = f"notice:answer:{event.place.bot}:{event.key}"
    return _ignored(refusal.reason, Notice(origin, refusal.sentence))


def _refused_by_rule(event: MessageReceived | MessageEdited, rule: RouteRule) -> Disposition:
    origin = f"notice:rule:{event.place.bot}:{event.key}"
    notice = Notice(origin, rule.refuse)
    return Disposition(state=EventState.REFUSED, reason="rule_refuses", notice=notice)


def _late(session: str, *, is_addressed: bool) -> Disposition:
    """Store it; when the bot was addressed, one line in the chat covers all that came late."""
    return Disposition(
        state=EventState.LATE,
        reason="late",
        lane_kind=LaneKind.CONTROL,
        session=session,
        handler=AWAY if is_addressed else "",
        burst_s=AWAY_BURST_S,
    )


def _paused(chat: Chat, routing: Routing, *, is_addressed: bool) -> Disposition:
    notice = None
    if is_addressed:
        language = phrases.language_of(chat, routing.language)
        origin = f"notice:paused:{chat.id}:{chat.mode_since_at}"
        notice = Notice(origin, phrases.say("paused", language))
    return Disposition(state=EventState.REFUSED, reason="paused", notice=notice)


def _answers(question: Question | None, event: MessageReceived | MessageEdited, now: float) -> bool:
    return (
        question is not None
        and isinstance(event, MessageReceived)
        and question.takes_text
        and not question.is_answered
        and now < question.expires_at
        and question.who in ("", event.sender.id)
    )


def _has_prefix(text: str, routing: Routing) -> bool:
    return split_prefix(text, routing.words) is not None


def _is_command(text: str, routing: Routing) -> bool:
    """Whether the first word is a prefix and a name that a handler answers to."""
    command = split_prefix(text, routing.words)
    return command is not None and any(
        command[0] in traits.answers_to for traits in routing.traits.values()
    )


def _first_match(
    event: MessageReceived | MessageEdited,
    chat: Chat,
    text: str,
    routing: Routing,
    *,
    is_addressed: bool,
) -> RouteRule | None:
    """Return the rule of a message; a chat's own handler takes the place of an ordinary one."""
    own = RouteRule(handler=chat.handler) if chat.handler in routing.traits else None
    for rule in routing.rules:
        if (
            concerns(rule, chat)
            and rule.addressed in (None, is_addressed)
            and rule.person in ("", event.sender.id)
            and (not rule.prefix or text.lstrip().startswith(rule.prefix))
            and (not rule.pattern or _compiled(rule.pattern).search(text))
        ):
            return own if own and is_ordinary(rule) else rule
    return own


def concerns(rule: RouteRule, chat: Chat) -> bool:
    """Whether a rule is about a chat, whatever else it wants."""
    return (
        rule.bot in ("", chat.bot)
        and rule.chat in (None, chat.id)
        and rule.chat_kind in (None, chat.kind)
    )


def is_ordinary(rule: RouteRule) -> bool:
    """Whether a rule takes any message to the bot: from everybody, whatever it says."""
    return not (rule.prefix or rule.person or rule.pattern or rule.addressed is False)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
