"""The road of one message, what is in trouble, and trying again after a look."""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec import Struct
from starlette.responses import Response

from posthouse.console import states
from posthouse.console.asking import Ask, Entry, number_of
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name, event_text
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.console.states import Mood
from posthouse.console.timeline import CAN_RETRY, Bubble, heard_bubble, said_bubble
from posthouse.model.delivery import State
from posthouse.model.permission import OperatorRole
from posthouse.model.turn import TurnState
from posthouse.store.holding import Decision
from posthouse.store.reader import AmendRow, DeliveryRow, Heard, TurnRow
from posthouse.wakeup.wakeup import SENDS, TURNS

SHOWN = 100
HELD_SHOWN = 200
OPERATOR = OperatorRole.OPERATOR


class Trouble(Struct, frozen=True):
    """A line of the list: where, what, and how to try again."""

    chat: int
    name: str
    bubble: Bubble


class Sending(Struct, frozen=True):
    """A delivery on the road's page."""

    row: DeliveryRow
    mood: Mood
    amends: tuple[AmendRow, ...]
    can_retry: bool


class Messages:
    """Pages about single messages."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/roads/{event}", self._road),
            Entry("GET", "/trouble", self._trouble),
            Entry("GET", "/deliveries/{delivery}", self._ask_retry),
            Entry("POST", "/deliveries/{delivery}/retry", self._retry, OPERATOR),
            Entry("GET", "/turns/{turn}", self._ask_revive),
            Entry("POST", "/turns/{turn}/revive", self._revive, OPERATOR),
            Entry("GET", "/held", self._held),
            Entry("POST", "/held", self._decide, OPERATOR),
        )

    # --- the road -----------------------------------------------------------------------

    async def _road(self, ask: Ask) -> Response:
        road = await self._books.reader.road(ask.number("event"))
        if road is None:
            raise Declined("not_found")
        event, turn, language = road.event, road.turn, ask.language
        amends = await self._books.reader.amends(tuple(row.delivery.id for row in road.deliveries))
        sendings = [
            Sending(
                row,
                states.of_delivery(row.delivery, language),
                tuple(amend for amend in amends if amend.delivery == row.delivery.id),
                row.delivery.state in CAN_RETRY,
            )
            for row in road.deliveries
        ]
        found = None if turn is None else await self._books.reader.turn(turn.id)
        return self._pages.show(
            ask,
            "road.html",
            section="chats",
            event=event,
            text=event_text(event, language),
            mood=states.of_event(event, turn, language),
            turn=turn,
            turn_mood=None if turn is None else states.of_turn(turn, language),
            together=[] if found is None else [e for e in found[1] if e.id != event.id],
            sendings=sendings,
            name=await self._chat_name(event.chat, language),
            can_act=ask.visitor.may(OPERATOR),
        )

    # --- trouble ------------------------------------------------------------------------

    async def _trouble(self, ask: Ask) -> Response:
        language = ask.language
        troubled = await self._books.reader.troubled(SHOWN)
        buried = await self._books.reader.buried(SHOWN)
        return self._pages.show(
            ask,
            "trouble.html",
            section="today",
            troubled=[await self._troubled(row, language) for row in troubled],
            buried=[await self._buried(turn, language) for turn in buried],
            can_act=ask.visitor.may(OPERATOR),
        )

    async def _troubled(self, row: DeliveryRow, language: str) -> Trouble:
        name = await self._chat_name(row.delivery.chat, language)
        bubble = said_bubble(row, row.delivery.bot, {}, language)
        return Trouble(row.delivery.chat, name, bubble)

    async def _buried(self, turn: TurnRow, language: str) -> Trouble:
        found = await self._books.reader.turn(turn.id)
        name = await self._chat_name(turn.chat, language)
        if found is None or not found[1]:
            raise Declined("changed_meanwhile")
        return Trouble(turn.chat, name, heard_bubble(Heard(found[1][-1], turn), language))

    async def _ask_retry(self, ask: Ask) -> Response:
        row = await self._delivery(ask)
        return self._pages.show(
            ask,
            "retry.html",
            section="chats",
            row=row,
            mood=states.of_delivery(row.delivery, ask.language),
            name=await self._chat_name(row.delivery.chat, ask.language),
            can_retry=row.delivery.state in CAN_RETRY,
            is_doubtful=row.delivery.state is State.DOUBTFUL,
            can_act=ask.visitor.may(OPERATOR) and row.delivery.bot in self._around.bots,
        )

    async def _retry(self, ask: Ask) -> Response:
        row = await self._delivery(ask)
        bot = self._around.bots.get(row.delivery.bot)
        now = self._around.clock()
        if bot is None or not await self._books.journal.retry_delivery(
            row.delivery.id, bot.capabilities, now
        ):
            raise Declined("changed_meanwhile")
        self._around.wakeup.nudge(SENDS)
        details = json.dumps({"chat": row.delivery.chat, "was": row.delivery.state})
        await self._audit(ask, "retry", f"delivery:{row.delivery.id}", details)
        return go(f"../../chats/{row.delivery.chat}?done=retried")

    async def _ask_revive(self, ask: Ask) -> Response:
        turn, heard = await self._turn(ask)
        return self._pages.show(
            ask,
            "revive.html",
            section="chats",
            turn=turn,
            mood=states.of_turn(turn, ask.language),
            name=await self._chat_name(turn.chat, ask.language),
            bubbles=[heard_bubble(each, ask.language) for each in heard],
            can_retry=turn.state is TurnState.BURIED,
            can_act=ask.visitor.may(OPERATOR),
        )

    async def _revive(self, ask: Ask) -> Response:
        turn, _ = await self._turn(ask)
        if not await self._books.journal.revive(turn.id, self._around.clock()):
            raise Declined("changed_meanwhile")
        self._around.wakeup.nudge(TURNS)
        await self._audit(ask, "revive", f"turn:{turn.id}", json.dumps({"chat": turn.chat}))
        return go(f"../../chats/{turn.chat}?done=retried")

    # --- held ---------------------------------------------------------------------------

    async def _held(self, ask: Ask) -> Response:
        house = await self._books.holding.house()
        return self._pages.show(
            ask,
            "held.html",
            section="today",
            house=house,
            held=await self._books.holding.held(HELD_SHOWN + 1),
            shown=HELD_SHOWN,
            can_act=ask.visitor.may(OPERATOR),
        )

    async def _decide(self, ask: Ask) -> Response:
        """Decide about the deliveries that the page has shown, and about no others."""
        decision = ask.form.get("decision", "")
        if decision == "end":
            await self._books.holding.release()
        elif decision in tuple(Decision):
            through = number_of(ask.form.get("through", ""))
            if through is None:
                raise Declined("not_understood")
            held = await self._books.holding.held(HELD_SHOWN)
            chosen = tuple(each.id for each in held if each.id <= through)
            await self._books.holding.decide(Decision(decision), chosen, self._around.clock())
        else:
            raise Declined("not_understood")
        self._around.wakeup.nudge(SENDS)
        self._around.wakeup.nudge(TURNS)
        await self._audit(ask, "held", "house", json.dumps({"decision": decision}))
        return go("held?done=decided")

    # --- looking up ---------------------------------------------------------------------

    async def _delivery(self, ask: Ask) -> DeliveryRow:
        row = await self._books.reader.delivery(ask.number("delivery"))
        if row is None:
            raise Declined("not_found")
        return row

    async def _turn(self, ask: Ask) -> tuple[TurnRow, list[Heard]]:
        found = await self._books.reader.turn(ask.number("turn"))
        if found is None:
            raise Declined("not_found")
        return found[0], [Heard(event, found[0]) for event in found[1]]

    async def _chat_name(self, number: int, language: str) -> str:
        chat = await self._books.chats.get(number)
        last = await self._books.reader.last_heard((number,))
        return "" if chat is None else chat_name(chat, last.get(number), language)

    async def _audit(self, ask: Ask, action: str, subject: str, details: str) -> None:
        now = self._around.clock()
        await self._books.access.audit(ask.visitor.author, action, subject, details, now)
