"""What becomes of one call of the house, whichever road it came by: fault, effect, answer."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from posthouse.simulators.probe.bots import Bot, BotClass
from posthouse.simulators.probe.faults import Fault, FaultPlan, Verb
from posthouse.simulators.probe.ledger import CallEntry
from posthouse.simulators.probe.refusals import Refusal, RefusalBody
from posthouse.simulators.probe.state import Found, ProbePlatform
from posthouse.simulators.probe.wire import EditBody, MessageBody

UNCLEAR_STATUS_MIN = 500


class Manner(StrEnum):
    """How much of the answer reaches the house."""

    WHOLE = "whole"
    HALF = "half"
    CUT = "cut"


class MessageIdBody(Struct, frozen=True):
    """The answer to everything that concerns one message."""

    message_id: str


class FoundBody(Struct, frozen=True):
    """The answer to a search."""

    messages: tuple[Found, ...]


Body = MessageIdBody | FoundBody | RefusalBody | None


class Call(Struct, frozen=True, kw_only=True):
    """One thing that the house wants, ready to be done."""

    verb: Verb
    act: Callable[[], Body]  # None: nothing to tell, status 204
    chat: str = ""
    key: str = ""
    message_id: str = ""


class Reply(Struct, frozen=True, kw_only=True):
    """What to answer, how, and when."""

    status: int
    body: Body
    manner: Manner
    entry: CallEntry
    delay_s: float = 0.0
    retry_after_s: float | None = None


class _Course(Struct, frozen=True):
    """What a fault does to a call."""

    is_handled: bool = True
    refusal: Refusal | None = None
    manner: Manner = Manner.WHOLE


_COURSES = {
    None: _Course(),
    Fault.DELAY: _Course(),
    Fault.RESET_BEFORE: _Course(is_handled=False, manner=Manner.CUT),
    Fault.RESET_AFTER: _Course(manner=Manner.CUT),
    Fault.HALF_RESPONSE: _Course(manner=Manner.HALF),
    Fault.TOO_MANY: _Course(is_handled=False, refusal=Refusal(429, "too_many")),
    Fault.REFUSED: _Course(is_handled=False, refusal=Refusal(422, "refused")),
    Fault.ERROR_BEFORE: _Course(is_handled=False, refusal=Refusal(500, "broken")),
    Fault.ERROR_AFTER: _Course(refusal=Refusal(500, "broken")),
}


class Desk:
    """Takes calls: handles each at once or never, and says how to answer it."""

    def __init__(self, platform: ProbePlatform, faults: FaultPlan) -> None:
        self._platform = platform
        self.faults = faults

    def take(self, bot: Bot, call: Call, *, is_by_connection: bool) -> Reply:
        """Handle a call as far as its fault allows, and write it down."""
        fault = self.faults.draw(bot, call.verb)
        course = _COURSES[fault]
        entry = self._enter(bot, call, fault)
        status, body = 0, None
        if course.is_handled:
            status, body = _handle(bot, call, is_by_connection=is_by_connection)
            entry.message_id = getattr(body, "message_id", entry.message_id)
        if course.refusal is not None:
            status, body = course.refusal.status, course.refusal.body
        entry.status = status or None
        return Reply(
            status=status,
            body=body,
            manner=course.manner,
            entry=entry,
            delay_s=self.faults.delay_s if fault is Fault.DELAY else 0.0,
            retry_after_s=self.faults.retry_after_s if fault is Fault.TOO_MANY else None,
        )

    def close(self, reply: Reply, *, is_written: bool) -> None:
        """Note how a call ended."""
        is_whole = is_written and reply.manner is Manner.WHOLE
        reply.entry.ended_at = self._platform.now
        reply.entry.is_clear = is_whole and reply.status < UNCLEAR_STATUS_MIN

    def _enter(self, bot: Bot, call: Call, fault: Fault | None) -> CallEntry:
        entry = CallEntry(
            bot=bot.bot,
            chat=call.chat or self._platform.chat_of(bot, call.message_id),
            verb=call.verb,
            key=call.key,
            message_id=call.message_id,
            began_at=self._platform.now,
            fault=fault,
        )
        self._platform.note_call(entry)
        return entry


def _handle(bot: Bot, call: Call, *, is_by_connection: bool) -> tuple[int, Body]:
    if is_by_connection is not (bot.bot_class is BotClass.CONNECTION):
        return 409, RefusalBody("wrong_road", "sends of this class take the other road")
    try:
        body = call.act()
    except Refusal as refusal:
        return refusal.status, refusal.body
    return (204 if body is None else 200), body


# --- the calls there are --------------------------------------------------------------------


def send(platform: ProbePlatform, bot: Bot, body: MessageBody) -> Call:
    """Say something."""
    return Call(
        verb=Verb.SEND,
        act=lambda: MessageIdBody(platform.send(bot, body)),
        chat=body.chat,
        key=body.key or "",
        message_id=body.message_id or "",
    )


def edit(platform: ProbePlatform, bot: Bot, message_id: str, body: EditBody) -> Call:
    """Give a message new words."""
    return Call(
        verb=Verb.EDIT,
        act=lambda: MessageIdBody(platform.edit(bot, message_id, body)),
        message_id=message_id,
    )


def recall(platform: ProbePlatform, bot: Bot, message_id: str) -> Call:
    """Take a message back."""
    return Call(
        verb=Verb.RECALL,
        act=lambda: MessageIdBody(platform.recall(bot, message_id)),
        message_id=message_id,
    )


def look_up(platform: ProbePlatform, bot: Bot, chat: str, since: float, key: str | None) -> Call:
    """Search a chat."""
    return Call(
        verb=Verb.LOOK_UP,
        act=lambda: FoundBody(platform.search(bot, chat, since, key)),
        chat=chat,
        key=key or "",
    )


def typing(chat: str) -> Call:
    """Show that somebody is at work; nobody looks."""
    return Call(verb=Verb.TYPING, act=lambda: None, chat=chat)
