"""The ways a delivery or an amend is carried out: each takes a claim and returns an outcome."""

from __future__ import annotations

import asyncio

import structlog

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.channels.degrade import split
from posthouse.gateway.bots import Bot
from posthouse.gateway.reply_slot import ReplySlots
from posthouse.model.address import Chat
from posthouse.model.delivery import DRAFT_CLOSED, Kind, NotSent, Outcome, Sent, Step, Unknown
from posthouse.store.journal import AmendKind, ClaimedAmend, ClaimedDelivery

CALL_S_MAX = 60.0  # a platform that takes longer has an unclear outcome
POSTPONED_S = 1.0

log = structlog.get_logger("posthouse.performers")


async def call(bot: Bot, part: Part, chat: Chat) -> Outcome:
    """Make one call; a channel that raises or hangs has an unclear outcome."""
    try:
        async with asyncio.timeout(CALL_S_MAX):
            return await bot.channel.perform(part, chat)
    except TimeoutError:
        return Unknown("timed_out")
    except Exception:  # the line that no exception may cross
        log.exception("channel_raised", bot=bot.name, verb=part.verb)
        return Unknown("platform_error")


def encode(bot: Bot, claimed: ClaimedDelivery) -> bytes:
    """Encode a sentence of the house; empty when the channel cannot, which ``deliver`` refuses."""
    content = split(claimed.content, bot.capabilities)[0]
    try:
        return bot.channel.encode(content, Letter(chat=claimed.chat))
    except Exception:  # the line that no exception may cross
        log.exception("channel_raised", bot=bot.name, verb="encode")
        return b""


def postponed(claimed: ClaimedDelivery) -> Outcome:
    """Say what is true when nothing was done: not sent, and found out nothing."""
    if claimed.next.step is Step.LOOK_UP:
        return Unknown(claimed.delivery.reason)
    return NotSent("postponed", retry_after_s=POSTPONED_S)


async def deliver(bot: Bot, claimed: ClaimedDelivery) -> Outcome:
    """Send a message, settle a growing one, or look for one that may be there."""
    delivery = claimed.delivery
    if not delivery.body:
        return NotSent("cannot_encode", is_final=True)
    if claimed.next.step is Step.LOOK_UP:
        part = Part(verb=Verb.LOOK_UP, key=delivery.key, first_sent_at=delivery.first_sent_at)
        return await call(bot, part, claimed.chat)
    if delivery.kind is Kind.SETTLE:
        return await _settle(bot, claimed)
    is_draft = delivery.kind is Kind.DRAFT
    part = Part(verb=Verb.SEND, body=delivery.body, key=delivery.key, is_draft=is_draft)
    return await call(bot, part, claimed.chat)


async def _settle(bot: Bot, claimed: ClaimedDelivery) -> Outcome:
    """Give a growing message its final words; one that is closed is followed by a new message."""
    ids = claimed.target_ids
    if not ids:
        return NotSent(DRAFT_CLOSED)
    part = Part(verb=Verb.EDIT, body=claimed.delivery.body, message_ids=ids)
    outcome = await call(bot, part, claimed.chat)
    if isinstance(outcome, NotSent) and outcome.is_final:
        return NotSent(DRAFT_CLOSED)
    return Sent(ids) if isinstance(outcome, Sent) else outcome


async def amend(bot: Bot, claimed: ClaimedAmend) -> Outcome:
    """Edit or recall a message that was sent."""
    verb = Verb.EDIT if claimed.kind is AmendKind.EDIT else Verb.RECALL
    part = Part(verb=verb, body=claimed.body, message_ids=claimed.delivery.platform_ids)
    return await call(bot, part, claimed.chat)


async def fill_slot(slots: ReplySlots, event: int, body: bytes) -> Outcome:
    """Let the platform's own request carry the answer."""
    return await slots.perform(event, body)
