"""The one door behind every entrance: decide, write into the book, and only then return."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from posthouse.channels.channel import Receipts, Toasting
from posthouse.gateway import phrases
from posthouse.gateway.answerers import Answerers, Moment
from posthouse.gateway.bots import Bot
from posthouse.gateway.housekeeping import Gauge
from posthouse.gateway.reply_slot import ReplySlots
from posthouse.gateway.router import (
    Refusal,
    Routing,
    route,
    route_reaction,
    route_stop,
    split_token,
)
from posthouse.gateway.stop_button import turn_to_stop
from posthouse.gateway.surroundings import Surroundings
from posthouse.model.address import Chat, Entrance, session_key
from posthouse.model.disposition import Disposition, Question
from posthouse.model.errors import StorageFull
from posthouse.model.event import (
    ButtonPressed,
    Event,
    MessageEdited,
    MessageReceived,
    ReactionChanged,
)
from posthouse.model.message import Quote
from posthouse.model.turn import EventState
from posthouse.store.chats import Chats
from posthouse.store.journal import Arrival, Receipt, Taker
from posthouse.store.questions import Questions
from posthouse.store.reader import Roads
from posthouse.wakeup.wakeup import CANCELS, SENDS, TURNS

EVENTS_MAX = 1000  # in one call
ANSWERED_IN_RESPONSE = (MessageReceived, ButtonPressed)  # an edit changes what was said before
SEND_ONLY = Disposition(state=EventState.IGNORED, reason="send_only")


class Inbox:
    """Writes events of all bots into the book."""

    def __init__(
        self,
        around: Surroundings,
        chats: Chats,
        questions: Questions,
        roads: Roads,
        routing: Callable[[], Routing],
        answerers: Answerers,
    ) -> None:
        self._journal = around.journal
        self._wakeup = around.wakeup
        self._slots = around.slots
        self._clock = around.clock
        self._tally = around.tally
        self._chats = chats
        self._questions = questions
        self._roads = roads
        self._routing = routing
        self._answerers = answerers
        self.room = Gauge()
        self.taker: Taker | None = None  # is given what it may begin at once

    def door(self, bot: Bot) -> BotDoor:
        """Return the door that a bot's channel is given."""
        return BotDoor(self, bot, self._slots)

    async def accept(
        self, bot: Bot, events: Sequence[Event], entrance: Entrance, *, has_slot: bool = False
    ) -> tuple[Receipt, ...]:
        """Route events and write them into the book.

        Raises:
            StorageFull: above the quota; the entrance must not acknowledge.
            ValueError: more than ``EVENTS_MAX`` events in one call.
        """
        if self.room.is_full:
            raise StorageFull
        if len(events) > EVENTS_MAX:
            raise ValueError(f"at most {EVENTS_MAX} events at once; accept them in slices")
        now = self._clock()
        routing = self._routing()
        arrivals = [
            await self._arrival(bot, event, entrance, routing, now, has_slot) for event in events
        ]
        toasting = bot.channel if has_slot and isinstance(bot.channel, Toasting) else None
        quiet = arrivals if toasting is None else list(map(_quiet, arrivals))
        # A slot is opened when the event has its number: a turn must not be quicker than that.
        taker = None if has_slot else self.taker
        receipts = await self._journal.accept(tuple(quiet), now, taker)
        for receipt in receipts:
            self._tally["events_total", receipt.state if receipt.is_new else "repeat"] += 1
        if any(receipt.turn is not None and not receipt.is_taken for receipt in receipts):
            self._wakeup.nudge(TURNS)
        if any(map(_has_notice, quiet, receipts)):
            self._wakeup.nudge(SENDS)
        for turn in filter(None, map(_edited_turn, arrivals, receipts)):
            self._wakeup.nudge(CANCELS, str(turn).encode())
        if toasting is None:
            return receipts
        return tuple(_toasted(toasting, *each) for each in zip(arrivals, receipts, strict=True))

    async def _arrival(
        self,
        bot: Bot,
        event: Event,
        entrance: Entrance,
        routing: Routing,
        now: float,
        has_slot: bool,  # noqa: FBT001 - private, named at the only call
    ) -> Arrival:
        chat = await self._chats.resolve(event.place, now)
        if not chat.language:
            chat = replace(chat, language=bot.language)
        event = await self._recognised(event, chat)
        if bot.is_send_only:
            disposition = SEND_ONLY
        elif isinstance(event, ReactionChanged):
            spoken = await self._roads.whose(chat.id, event.message_id)
            disposition = route_reaction(event, chat, routing, spoken)
        elif isinstance(event, ButtonPressed) and (turn := turn_to_stop(event.token)) is not None:
            language = phrases.language_of(chat, routing.language)
            refusal = await self._answerers.refusal_to_stop(turn, event, chat, language)
            disposition = route_stop(event, chat, routing, refusal)
        else:
            question = await self._question(event, chat, now)
            refusal = await self._refusal(question, event, chat, routing.language, now)
            disposition = route(event, chat, routing, question, now, refusal)
        return Arrival(
            event=event,
            disposition=disposition,
            chat=chat.id,
            entrance=entrance,
            has_slot=has_slot,
        )

    async def _recognised(self, event: Event, chat: Chat) -> Event:
        """A reply to the bot addresses it: a platform names the message, the book whose it is."""
        if not isinstance(event, MessageReceived | MessageEdited) or event.is_addressed:
            return event
        quote = next((part for part in event.parts if isinstance(part, Quote)), None)
        if quote is None or not await self._roads.is_ours(chat.id, quote.message_id):
            return event
        ours = replace(quote, is_mine=True)
        parts = tuple(ours if part is quote else part for part in event.parts)
        return replace(event, parts=parts, is_addressed=True)

    async def _refusal(
        self, question: Question | None, event: Event, chat: Chat, language: str, now: float
    ) -> Refusal | None:
        """Ask whether this person may answer, where everything else lets them."""
        if (
            question is None
            or not isinstance(event, ButtonPressed | MessageReceived)
            or question.is_answered
            or question.who not in ("", event.sender.id)
        ):
            return None
        moment = Moment(phrases.language_of(chat, language), now)
        return await self._answerers.refusal(question, event, chat, moment)

    async def _question(self, event: Event, chat: Chat, now: float) -> Question | None:
        if isinstance(event, ButtonPressed):
            return await self._questions.find(split_token(event.token)[0])
        if isinstance(event, MessageReceived):
            session = session_key(chat.id, chat.session_kind, event.sender.id, event.thread)
            return await self._questions.open_in(session, now)
        return None


def _quiet(arrival: Arrival) -> Arrival:
    """Put no message into the chat about a press: its response says what there is to say."""
    decided = arrival.disposition
    if not isinstance(arrival.event, ButtonPressed):
        return arrival
    claimant = decided.claimant and replace(decided.claimant, refused=None)
    return replace(arrival, disposition=replace(decided, notice=None, claimant=claimant))


def _toasted(channel: Toasting, arrival: Arrival, receipt: Receipt) -> Receipt:
    """Let the response to a press in vain say why."""
    if not isinstance(arrival.event, ButtonPressed):
        return receipt
    notice, claimant = arrival.disposition.notice, arrival.disposition.claimant
    if claimant is not None and receipt.state is EventState.IGNORED:
        notice = claimant.refused
    return (
        receipt if notice is None else replace(receipt, slot_body=channel.encode_toast(notice.text))
    )


def _has_notice(arrival: Arrival, receipt: Receipt) -> bool:
    """Whether somebody is told at once: by the router, or because the book decided otherwise."""
    decided = arrival.disposition
    return decided.notice is not None or receipt.state is not decided.state


def _edited_turn(arrival: Arrival, receipt: Receipt) -> int | None:
    """Return the turn whose words have changed: if it is being run, it must start again."""
    is_edit = isinstance(arrival.event, MessageEdited) and receipt.state is EventState.ROUTED
    return receipt.turn if is_edit and receipt.is_new else None


def _is_awaited(event: Event, receipt: Receipt) -> bool:
    """Whether an answer may still come that the response to this event could carry."""
    is_answered_there = isinstance(event, ANSWERED_IN_RESPONSE)
    return receipt.state is EventState.ROUTED and is_answered_there and not receipt.is_over


class BotDoor:
    """The inbox, seen by one bot's channel."""

    def __init__(self, inbox: Inbox, bot: Bot, slots: ReplySlots) -> None:
        self._inbox = inbox
        self._bot = bot
        self._slots = slots
        self._answering: dict[str, list[int]] = {}  # event key → numbers, while they are written

    async def accept(self, events: Sequence[Event], entrance: Entrance) -> Receipts:
        """Write events into the book."""
        receipts = await self._inbox.accept(self._bot, events, entrance)
        return Receipts(
            events=tuple(receipt.event for receipt in receipts),
            new=tuple(receipt.is_new for receipt in receipts),
        )

    async def answer(
        self, events: Sequence[Event], entrance: Entrance, wait_s: float
    ) -> bytes | None:
        """Accept, and wait for what the response should carry."""
        receipts = await self._inbox.accept(self._bot, events, entrance, has_slot=True)
        for event, receipt in zip(reversed(events), reversed(receipts), strict=True):
            if receipt.slot_body is not None:
                if self._slots.repeat(receipt.event):
                    self._is_answering(events, receipt.event)
                return receipt.slot_body
            if _is_awaited(event, receipt):
                body = await self._slots.wait(receipt.event, wait_s)
                if body is not None:
                    self._is_answering(events, receipt.event)
                return body
        return None

    def _is_answering(self, events: Sequence[Event], number: int) -> None:
        self._answering.setdefault(events[-1].key, []).append(number)

    async def answered(self, events: Sequence[Event], *, is_written: bool) -> None:
        """Learn whether the response was written."""
        key = events[-1].key
        numbers = self._answering.get(key)
        if numbers is None:
            return
        self._slots.written(numbers.pop(), is_written=is_written)
        if not numbers:
            del self._answering[key]
