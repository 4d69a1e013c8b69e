"""From what a handler yielded to what is stored: pure, apart from fresh keys."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from posthouse.channels.channel import Letter
from posthouse.channels.degrade import split
from posthouse.gateway.bots import Bot
from posthouse.gateway.router import token_of
from posthouse.model.action import Ask, Policy, React, Send, Who
from posthouse.model.delivery import OPEN_STATES, Delivery, Kind, State
from posthouse.model.disposition import NewDelivery, NewQuestion
from posthouse.model.event import ButtonPressed, MessageEdited, MessageReceived, ReplyContext
from posthouse.model.message import Choice, Content
from posthouse.model.turn import Turn

DRAFT_ORDINAL = -1  # the growing message comes before everything the turn says
NewKey = Callable[[], str]


def letter_for(turn: Turn, *, is_quoting: bool = False, kind: Kind = Kind.SEND) -> Letter:
    """Say where an answer goes: the chat, thread and reply context of the turn's last event."""
    thread, context = "", None
    for stored in reversed(turn.events):
        if isinstance(stored.event, MessageReceived | MessageEdited):
            thread, context = stored.event.thread, stored.event.reply_context
            break
        if isinstance(stored.event, ButtonPressed):
            thread = stored.event.thread
            break
    return _letter(turn, thread, context, is_quoting=is_quoting, kind=kind)


def _letter(
    turn: Turn, thread: str, context: ReplyContext | None, *, is_quoting: bool, kind: Kind
) -> Letter:
    return Letter(
        chat=turn.chat,
        quote_message_id=turn.last_message_id if is_quoting else "",
        thread=thread,
        reply_context=context,
        kind=kind,
    )


def _who(who: str, turn: Turn) -> str:
    """Return the platform id that may answer; empty for anyone."""
    if who == Who.ANYONE:
        return ""
    return turn.person.id if who == Who.ASKER else who


class Outputs:
    """Collects what one turn says, as deliveries ready to be stored."""

    def __init__(self, turn: Turn, bot: Bot, new_key: NewKey) -> None:
        self._turn = turn
        self._bot = bot
        self._new_key = new_key
        self._ordinal = 0
        self.origin = f"turn:{turn.id}"
        self.deliveries: list[NewDelivery] = []
        self.questions: list[NewQuestion] = []
        self.notes: list[tuple[str, str]] = []
        self.withdraw: list[int] = []

    def go_on_after(self, before: tuple[Delivery, ...]) -> int | None:
        """Continue behind what was put before a crash; returns the draft that is still open."""
        mine = [delivery for delivery in before if delivery.origin == self.origin]
        self._ordinal = 1 + max((delivery.ordinal for delivery in mine), default=DRAFT_ORDINAL)
        settled = {delivery.target for delivery in mine}
        shown = OPEN_STATES | {State.SENT}
        return next(
            (
                delivery.id
                for delivery in mine
                if delivery.kind is Kind.DRAFT
                and delivery.id not in settled
                and delivery.state in shown
                and not delivery.withdraw_wanted
            ),
            None,
        )

    def send(self, action: Send) -> tuple[NewDelivery, ...]:
        """Turn a ``Send`` into the platform messages it needs, and remember them."""
        letter = letter_for(self._turn, is_quoting=action.is_quoting)
        parts = split(action.content, self._bot.capabilities)
        made = tuple(
            self._delivery(content, letter, self._ordinal, part, policy=action.policy)
            for part, content in enumerate(parts)
        )
        self._ordinal += 1
        self.deliveries += made
        return made

    def ask(self, action: Ask, now: float) -> tuple[NewDelivery, ...]:
        """Turn an ``Ask`` into a question that stays open, and the message that shows it."""
        question = self._new_key()[:22]
        choices = tuple(
            Choice(label, token_of(question, number)) for number, label in enumerate(action.choices)
        )
        self.questions.append(
            NewQuestion(
                id=question,
                session=self._turn.session,
                handler=self._turn.handler,
                who=_who(action.who, self._turn),
                labels=action.choices,
                expires_at=now + action.expires_s,
                state=action.state,
                takes_text=action.takes_text,
            )
        )
        asked = replace(action.question, choices=choices)
        return self.send(Send(asked, is_quoting=action.is_quoting))

    def react(self, action: React) -> None:
        """Put an emoji under what is answered; only a note where the platform has none."""
        letter = letter_for(self._turn, is_quoting=True, kind=Kind.REACT)
        if not (self._bot.capabilities.can_react and letter.quote_message_id):
            self.notes.append(("reaction", action.emoji))
            return
        emoji = Content(action.emoji, "plain")
        self.deliveries.append(self._delivery(emoji, letter, self._ordinal, 0, kind=Kind.REACT))
        self._ordinal += 1

    @property
    def has_words(self) -> bool:
        """Whether something is said, not only an emoji put below what others said."""
        return any(made.kind is not Kind.REACT for made in self.deliveries)

    def draft(self, content: Content, *, is_quoting: bool = False) -> NewDelivery:
        """Make the delivery that opens a growing message."""
        letter = letter_for(self._turn, is_quoting=is_quoting, kind=Kind.DRAFT)
        return self._delivery(content, letter, DRAFT_ORDINAL, 0, kind=Kind.DRAFT)

    def settle(self, content: Content, draft: int) -> NewDelivery:
        """Make the delivery that gives the growing message its final words."""
        letter = letter_for(self._turn, kind=Kind.SETTLE)
        first = split(content, self._bot.capabilities)[0]
        return self._delivery(first, letter, self._ordinal, 0, kind=Kind.SETTLE, target=draft)

    def settle_first(self, draft: int) -> None:
        """Let the first thing said become the growing message ``draft``."""
        for place, said in enumerate(self.deliveries):
            if said.kind is not Kind.REACT:
                self.deliveries[place] = replace(said, kind=Kind.SETTLE, target=draft)
                return

    def slot_body(self) -> bytes | None:
        """Return the first delivery, encoded for the inside of an HTTP response."""
        if not self.deliveries or self.deliveries[0].kind is Kind.REACT:
            return None
        return self._bot.channel.encode_slot(self.deliveries[0].content, letter_for(self._turn))

    def _delivery(  # noqa: PLR0913 - the fields of what it makes
        self,
        content: Content,
        letter: Letter,
        ordinal: int,
        part: int,
        *,
        kind: Kind = Kind.SEND,
        policy: Policy = Policy.AT_LEAST_ONCE,
        target: int | None = None,
    ) -> NewDelivery:
        return NewDelivery(
            origin=self.origin,
            ordinal=ordinal,
            part=part,
            content=content,
            key=self._new_key(),
            body=self._bot.channel.encode(content, letter),
            kind=kind,
            policy=policy,
            target=target,
        )
