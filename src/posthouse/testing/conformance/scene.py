"""A small stage for the checks of a store: one bot, a room, people who talk, a gateway at work.

Every method is one or two calls of the protocols, with the arguments that do not matter filled in;
time stands still unless a check moves ``scene.now``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import count

from posthouse.model.action import Policy
from posthouse.model.address import Chat, Entrance, Person, Place
from posthouse.model.capabilities import Capabilities, DraftKind
from posthouse.model.delivery import Delivery, Happening, Kind, Sent, State, Step
from posthouse.model.disposition import Claimant, Disposition, NewDelivery, Notice
from posthouse.model.event import (
    Event,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    edit_key,
    message_key,
    recall_key,
)
from posthouse.model.message import Content, Text
from posthouse.model.turn import EventState, LaneKind, OnEdit
from posthouse.store.chats import Chats
from posthouse.store.holding import Holding
from posthouse.store.journal import (
    Arrival,
    Budget,
    ClaimedAmend,
    ClaimedDelivery,
    ClaimedTurn,
    Finished,
    Gateway,
    Journal,
    Recall,
    RecallScope,
    Receipt,
    Result,
)
from posthouse.store.pushes import Pushes
from posthouse.store.questions import Questions
from posthouse.store.reader import Reader, Road
from posthouse.store.upkeep import Upkeep
from posthouse.testing.conformance.checks import Check, holds, same

BOT = "b"
BEGAN_AT = 1_750_000_000.0
LEASE_S = 30.0

NONE = Capabilities(can_recall=True)
KEYED = Capabilities(can_recall=True, resend_key_window_s=3600.0)
LOOK_UP = Capabilities(can_recall=True, can_look_up=True)
OVERWRITE = Capabilities(can_recall=True, can_overwrite=True)
GROWING = Capabilities(can_recall=True, can_edit=True, draft=DraftKind.MESSAGE)
NO_RECALL = Capabilities()


@dataclass(frozen=True, kw_only=True)
class Store:
    """Everything a store offers, as the suites look at it."""

    journal: Journal
    chats: Chats
    questions: Questions
    holding: Holding
    upkeep: Upkeep
    reader: Reader
    pushes: Pushes
    has_concurrent_writers: bool = False


Factory = Callable[[], AbstractAsyncContextManager[Store]]


async def run(check: Check[Scene], store: Factory) -> None:
    """Run one check on a fresh store; afterwards the store must find itself in order."""
    async with store() as opened:
        await check(await Scene.open(opened))
        same(await opened.upkeep.check(), (), "what the store finds wrong with itself afterwards")


class Scene:
    """See the module."""

    def __init__(self, store: Store, gateway: Gateway, chat: Chat) -> None:
        self.store = store
        self.journal = store.journal
        self.gateway = gateway
        self.chat = chat
        self.now = BEGAN_AT
        self._numbers = count(1)

    @classmethod
    async def open(cls, store: Store) -> Scene:
        gateway = await store.journal.enter("g1", BEGAN_AT, LEASE_S)
        chat = await store.chats.resolve(Place(BOT, "room"), BEGAN_AT)
        return cls(store, gateway, chat)

    async def room(self, platform_id: str, bot: str = BOT) -> Chat:
        return await self.store.chats.resolve(Place(bot, platform_id), self.now)

    async def crash(self) -> None:
        """Die and come back under the same name; claims taken before belong to the dead."""
        self.gateway = await self.journal.enter("g1", self.now, LEASE_S)

    async def wait(self, seconds: float) -> None:
        """Let time pass, and stay alive meanwhile."""
        stays = await self.journal.renew(self.gateway, self.now, seconds + LEASE_S)
        holds(stays, "a living gateway may renew")
        self.now += seconds

    # --- what comes in -------------------------------------------------------------------

    def message(
        self, text: str, *, message_id: str = "", who: str = "ann", chat: Chat | None = None
    ) -> MessageReceived:
        chat = chat or self.chat
        message_id = message_id or f"some{next(self._numbers)}"
        return MessageReceived(
            key=message_key(chat.platform_id, message_id),
            place=Place(chat.bot, chat.platform_id),
            sender=Person(who),
            message_id=message_id,
            parts=(Text(text),),
            at=self.now,
        )

    def edit(
        self, text: str, *, message_id: str, who: str = "ann", stamp: str = "1"
    ) -> MessageEdited:
        return MessageEdited(
            key=edit_key(self.chat.platform_id, message_id, stamp),
            place=Place(BOT, self.chat.platform_id),
            sender=Person(who),
            message_id=message_id,
            parts=(Text(text),),
            at=self.now,
        )

    def withdrawal(self, *, message_id: str, who: str = "ann") -> MessageRecalled:
        return MessageRecalled(
            key=recall_key(self.chat.platform_id, message_id),
            place=Place(BOT, self.chat.platform_id),
            sender=Person(who),
            message_id=message_id,
            at=self.now,
        )

    def key(self, message_id: str) -> str:
        return message_key(self.chat.platform_id, message_id)

    def arrival(
        self,
        event: Event,
        disposition: Disposition,
        *,
        chat: Chat | None = None,
        has_slot: bool = False,
    ) -> Arrival:
        return Arrival(
            event=event,
            disposition=disposition,
            chat=(chat or self.chat).id,
            entrance=Entrance.WEBHOOK,
            has_slot=has_slot,
        )

    async def accept(
        self,
        event: Event,
        disposition: Disposition | None = None,
        *,
        chat: Chat | None = None,
        has_slot: bool = False,
    ) -> Receipt:
        """Accept one event; without a disposition it is routed like a member's message."""
        routed = disposition or route(self.session(event.sender.id, chat))
        arrival = self.arrival(event, routed, chat=chat, has_slot=has_slot)
        (receipt,) = await self.journal.accept((arrival,), self.now)
        return receipt

    async def say(
        self,
        text: str,
        *,
        who: str = "ann",
        chat: Chat | None = None,
        message_id: str = "",
        burst_s: float = 0.0,
        on_edit: OnEdit = OnEdit.IGNORE,
    ) -> Receipt:
        """Somebody says something that is routed to the handler ``demo``."""
        disposition = route(self.session(who, chat), burst_s=burst_s, on_edit=on_edit)
        return await self.accept(
            self.message(text, message_id=message_id, who=who, chat=chat), disposition, chat=chat
        )

    async def order(self, text: str, *, who: str = "ann", chat: Chat | None = None) -> Receipt:
        """Somebody says a word that runs in the control lane."""
        disposition = route(self.session(who, chat), lane_kind=LaneKind.CONTROL, handler="control")
        return await self.accept(self.message(text, who=who, chat=chat), disposition, chat=chat)

    def session(self, who: str = "ann", chat: Chat | None = None) -> str:
        return f"{(chat or self.chat).id}:m:{who}"

    # --- turns ---------------------------------------------------------------------------

    async def claim(self, limit: int = 100) -> tuple[ClaimedTurn, ...]:
        return await self.journal.claim_turns(self.gateway, self.now, limit)

    async def claim_one(self) -> ClaimedTurn:
        claimed = await self.claim()
        same(len(claimed), 1, f"turns handed out ({texts(claimed)})")
        return claimed[0]

    async def finish(
        self,
        claimed: ClaimedTurn,
        *outputs: NewDelivery,
        result: Result | None = None,
        is_first_sent: bool = False,
        can: Capabilities = NONE,
    ) -> Finished:
        return await self.journal.finish(
            claimed.claim,
            claimed.turn.id,
            result or Result(deliveries=outputs),
            can,
            self.now,
            is_first_sent=is_first_sent,
        )

    async def answer(
        self,
        question: str,
        *answers: str,
        who: str = "ann",
        chat: Chat | None = None,
        message_id: str = "",
        on_edit: OnEdit = OnEdit.IGNORE,
    ) -> ClaimedTurn:
        """Somebody asks and the turn is finished; its answers wait to be sent."""
        await self.say(question, who=who, chat=chat, message_id=message_id, on_edit=on_edit)
        claimed = await self.claim_one()
        await self.finish(claimed, *self.outputs(claimed, *answers))
        return claimed

    def outputs(self, claimed: ClaimedTurn, *answers: str) -> tuple[NewDelivery, ...]:
        return tuple(
            output(f"turn:{claimed.turn.id}", text, ordinal=ordinal)
            for ordinal, text in enumerate(answers)
        )

    async def road(self, receipt: Receipt) -> Road:
        road = await self.store.reader.road(receipt.event)
        holds(road, f"event {receipt.event} is in the book")
        assert road is not None
        return road

    # --- what goes out -------------------------------------------------------------------

    async def sends(
        self, can: Capabilities = NONE, *, bot: str = BOT, limit: int = 100
    ) -> tuple[ClaimedDelivery, ...]:
        budgets = (Budget(bot, limit, can),)
        return await self.journal.claim_sends(self.gateway, self.now, budgets)

    async def send_one(self, can: Capabilities = NONE) -> ClaimedDelivery:
        claimed = await self.sends(can)
        same(len(claimed), 1, "deliveries handed out")
        return claimed[0]

    async def amends(self, can: Capabilities = NONE) -> tuple[ClaimedAmend, ...]:
        return await self.journal.claim_amends(self.gateway, self.now, (Budget(BOT, 100, can),))

    async def amend_one(self, can: Capabilities = NONE) -> ClaimedAmend:
        claimed = await self.amends(can)
        same(len(claimed), 1, "amends handed out")
        return claimed[0]

    async def settle(
        self,
        claimed: ClaimedDelivery,
        happening: Happening,
        can: Capabilities = NONE,
        *,
        pace_s: float = 0.0,
    ) -> Delivery:
        delivery, _ = await self.journal.settle(
            claimed.claim, claimed.delivery.id, happening, can, self.now, self.now + pace_s
        )
        return delivery

    async def settle_amend(
        self, claimed: ClaimedAmend, happening: Happening, can: Capabilities = NONE
    ) -> Delivery:
        return await self.journal.settle_amend(claimed.claim, claimed.id, happening, can, self.now)

    async def deliver(self, can: Capabilities = NONE) -> Delivery:
        """Send the one delivery that is ready; the platform calls it ``p<number>``."""
        claimed = await self.encoded(await self.send_one(can), can)
        return await self.settle(claimed, Sent((f"p{claimed.delivery.id}",)), can)

    async def encoded(self, claimed: ClaimedDelivery, can: Capabilities = NONE) -> ClaimedDelivery:
        """Encode what has no bytes yet (a notice); it is ``sending`` afterwards."""
        if claimed.next.step is not Step.NOTHING:
            return claimed
        body = claimed.content.text.encode()
        ready = await self.journal.sending(claimed.claim, claimed.delivery.id, body, can, self.now)
        assert ready is not None, "broken: nobody took it back"
        return ready

    async def told(
        self, question: str, answer: str, *, who: str = "ann", message_id: str = ""
    ) -> Delivery:
        """Somebody has asked and the answer has been sent."""
        await self.answer(question, answer, who=who, message_id=message_id)
        return await self.deliver()

    async def delivery(self, turn: int, ordinal: int = 0) -> Delivery:
        """Look a turn's delivery up again."""
        found = [d for d in await self.journal.answers(turn) if d.ordinal == ordinal]
        same(len(found), 1, f"deliveries of turn {turn} with ordinal {ordinal}")
        return found[0]

    async def state(self, delivery: Delivery) -> State:
        """Look up how far the delivery of a turn is now."""
        turn = int(delivery.origin.removeprefix("turn:"))
        return (await self.delivery(turn, delivery.ordinal)).state

    # --- control -------------------------------------------------------------------------

    async def recall(
        self,
        *,
        who: str | None = "ann",
        since_at: float = 0.0,
        turn: int = 10_000,
        can: Capabilities = NONE,
    ) -> Recall:
        scope = RecallScope(chat=self.chat.id, person=who, since_at=since_at, turn=turn)
        return await self.journal.recall(scope, can, self.now)


def route(  # noqa: PLR0913 - each is one thing that the router decides
    session: str,
    *,
    handler: str = "demo",
    lane_kind: LaneKind = LaneKind.TURN,
    burst_s: float = 0.0,
    queue_max: int = 2000,
    on_edit: OnEdit = OnEdit.IGNORE,
    overload: Notice | None = None,
    claimant: Claimant | None = None,
) -> Disposition:
    """What the router decides about an event that somebody should answer."""
    return Disposition(
        state=EventState.ROUTED,
        session=session,
        handler=handler,
        lane_kind=lane_kind,
        burst_s=burst_s,
        queue_max=queue_max,
        on_edit=on_edit,
        overload=overload,
        claimant=claimant,
    )


def output(  # noqa: PLR0913 - each is one field of a delivery
    origin: str,
    text: str,
    *,
    ordinal: int = 0,
    body: bytes | None = None,
    kind: Kind = Kind.SEND,
    policy: Policy = Policy.AT_LEAST_ONCE,
    target: int | None = None,
) -> NewDelivery:
    """A delivery to be put; unless said otherwise it is encoded already."""
    return NewDelivery(
        origin=origin,
        ordinal=ordinal,
        part=0,
        content=Content(text=text),
        key=f"key of {origin}/{ordinal}",
        body=text.encode() if body is None else body,
        kind=kind,
        policy=policy,
        target=target,
    )


def texts(claimed: tuple[ClaimedTurn, ...]) -> list[str]:
    """What the handed out turns are about, in order."""
    return [each.turn.text for each in claimed]


def bodies(claimed: tuple[ClaimedDelivery, ...]) -> list[str]:
    """What the handed out deliveries say, in order."""
    return [each.content.text for each in claimed]
