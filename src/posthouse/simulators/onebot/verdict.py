"""A record in the words of the probe's ledger, so that one pair of eyes judges every platform."""

from __future__ import annotations

from collections.abc import Callable, Collection

from posthouse.simulators.onebot import record as onebot
from posthouse.simulators.onebot.faults import Verb
from posthouse.simulators.onebot.record import Record
from posthouse.simulators.probe import faults, ledger
from posthouse.simulators.probe.ledger import Ledger
from posthouse.simulators.probe.wire import EventType

KeyOf = Callable[[str, str, str], str]  # from account, chat and text

_VERBS = {
    Verb.SEND: faults.Verb.SEND,
    Verb.RECALL: faults.Verb.RECALL,
    Verb.LOOK_UP: faults.Verb.LOOK_UP,
}

_TYPES: dict[str, EventType] = {"message": "message", "recalled": "recalled", "joined": "joined"}
_STATUSES = {"ok": 200, "async": 202, "failed": 422}


def no_key(_bot: str, _chat: str, _text: str) -> str:
    """OneBot carries no keys."""
    return ""


def as_ledger(
    record: Record, *, taken: Collection[int] | None = None, key_of: KeyOf = no_key
) -> Ledger:
    """Write a record as a ledger, for ``probe.verdict.judge`` and those who build on it.

    Args:
        record: read after the bot server has come to rest.
        taken: message ids that the bot server says it has; they count as acknowledged, which
            OneBot itself does not know. None: every event that was pushed.
        key_of: which delivery a text belongs to, where the bot server's book can tell.
    """
    return Ledger(
        messages=ledger.with_copies(
            [_message(entry, key_of) for entry in record.messages if entry.is_own]
        ),
        events=tuple(_event(entry, taken) for entry in record.events),
        calls=tuple(_call(entry, key_of) for entry in record.calls if entry.verb in _VERBS),
        forgotten=record.forgotten,
    )


def _message(entry: onebot.MessageEntry, key_of: KeyOf) -> ledger.MessageEntry:
    return ledger.MessageEntry(
        bot=entry.bot,
        chat=entry.chat,
        message_id=str(entry.message_id),
        key=key_of(entry.bot, entry.chat, entry.text),
        text=entry.text,
        at=entry.at,
        quote=_text_of(entry.quote),
        is_recalled=entry.is_recalled,
    )


def _event(entry: onebot.EventEntry, taken: Collection[int] | None) -> ledger.EventEntry:
    is_taken = entry.pushed_at is not None
    if taken is not None and entry.type == "message":
        is_taken = entry.message_id in taken
    return ledger.EventEntry(
        bot=entry.bot,
        chat=entry.chat,
        sender=str(entry.sender),
        type=_TYPES.get(entry.type, "unknown-thing"),
        message_id=_text_of(entry.message_id),
        text=entry.text,
        said_at=entry.happened_at,
        pushes=entry.pushes,
        acknowledged_at=(entry.pushed_at or entry.happened_at) if is_taken else None,
        is_abandoned=entry.is_missed,
    )


def _call(entry: onebot.CallEntry, key_of: KeyOf) -> ledger.CallEntry:
    return ledger.CallEntry(
        bot=entry.bot,
        chat=entry.chat,
        verb=_VERBS[entry.verb],
        key=key_of(entry.bot, entry.chat, entry.text) if entry.text else "",
        message_id=_text_of(entry.message_id) or "",
        began_at=entry.began_at,
        ended_at=entry.ended_at,
        status=_STATUSES.get(entry.status),
        is_clear=entry.is_clear,
    )


def _text_of(number: int | None) -> str | None:
    return None if number is None else str(number)
