"""A record in the words of the probe's ledger, so that one pair of eyes judges every platform."""

from __future__ import annotations

from http import HTTPStatus

from posthouse.simulators.feishu import events, record
from posthouse.simulators.feishu.faults import Verb
from posthouse.simulators.feishu.record import Record
from posthouse.simulators.probe import faults, ledger
from posthouse.simulators.probe.ledger import Ledger
from posthouse.simulators.probe.wire import EventType

_VERBS = {
    Verb.SEND: faults.Verb.SEND,
    Verb.EDIT: faults.Verb.EDIT,
    Verb.CARD: faults.Verb.EDIT,
    Verb.RECALL: faults.Verb.RECALL,
    Verb.LOOK_UP: faults.Verb.LOOK_UP,
}
_TYPES: dict[str, EventType] = {
    events.MESSAGE_RECEIVED: "message",
    events.MESSAGE_RECALLED: "recalled",
    events.CARD_PRESSED: "pressed",
    events.BOT_ADDED: "joined",
}


def as_ledger(found: Record) -> Ledger:
    """Write a record as a ledger, for ``probe.verdict.judge`` and those who build on it.

    Feishu's bots are of the class ``keyed``: the same uuid is shown once.

    Args:
        found: read after the bot program has come to rest.
    """
    return Ledger(
        messages=ledger.with_copies([_message(entry) for entry in found.messages if entry.is_own]),
        events=tuple(_event(entry) for entry in found.events),
        calls=tuple(_call(entry) for entry in found.calls if entry.verb in _VERBS),
        forgotten=found.forgotten,
    )


def _message(entry: record.MessageEntry) -> ledger.MessageEntry:
    return ledger.MessageEntry(
        bot=entry.bot,
        chat=entry.chat,
        message_id=entry.message_id,
        key=entry.key,
        text=entry.text,
        at=entry.at,
        quote=entry.quote,
        thread=entry.thread,
        edits=[each.at for each in entry.history if each.what in ("edited", "updated")],
        is_recalled=entry.is_recalled,
    )


def _event(entry: record.EventEntry) -> ledger.EventEntry:
    return ledger.EventEntry(
        bot=entry.bot,
        chat=entry.chat,
        sender=entry.sender,
        type=_TYPES.get(entry.type, "unknown-thing"),
        message_id=entry.message_id,
        text=entry.text,
        said_at=entry.said_at,
        pushes=entry.pushes,
        acknowledged_at=entry.acknowledged_at,
        is_abandoned=entry.is_abandoned,
    )


def _call(entry: record.CallEntry) -> ledger.CallEntry:
    is_refused = entry.status == HTTPStatus.OK and bool(entry.code)  # no, though HTTP says yes
    return ledger.CallEntry(
        bot=entry.bot,
        chat=entry.chat,
        verb=_VERBS[entry.verb],
        key=entry.key,
        message_id=entry.message_id,
        began_at=entry.began_at,
        ended_at=entry.ended_at,
        status=HTTPStatus.BAD_REQUEST if is_refused else entry.status,
        is_clear=entry.is_clear,
    )
