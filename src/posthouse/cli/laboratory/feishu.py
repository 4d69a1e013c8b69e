"""Feishu, beside the probe: what people say there, and its ledger.

Feishu keeps no order between messages: one whose connection was cut comes again later than the
next. So what counts is the order in which the house took them, which its own book tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from msgspec.structs import replace

from posthouse.cli.laboratory.book import Book
from posthouse.simulators.feishu.apps import app
from posthouse.simulators.feishu.faults import Fault, FaultPlan, FaultSettings, Verb
from posthouse.simulators.feishu.happenings import Recall, Say
from posthouse.simulators.feishu.post import Attempt
from posthouse.simulators.feishu.record import Limits
from posthouse.simulators.feishu.server import FeishuServer
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.tenant import Message, Tenant
from posthouse.simulators.feishu.verdict import as_ledger
from posthouse.simulators.probe.bots import BotClass
from posthouse.simulators.probe.bots import bot as declare
from posthouse.simulators.probe.ledger import EventEntry, Ledger
from posthouse.simulators.probe.wire import Saying

NAME = "feishu"
FEISHU = declare(NAME, BotClass.KEYED)  # what the platform can tell, in the probe's words
APP = app(NAME)
ACK_S = 1.0
REDELIVERY_S = (0.5,) * 1000  # until it is taken; Feishu itself waits longer and gives up


def shaky(seed: int) -> FaultSettings:
    """Return a network that often fails."""
    calls = {
        Fault.DELAY: 0.1,
        Fault.RESET_BEFORE: 0.02,
        Fault.RESET_AFTER: 0.03,
        Fault.HALF_RESPONSE: 0.02,
        Fault.TOO_MANY: 0.01,
        Fault.CHAT_RATE: 0.02,
        Fault.BAD_TOKEN: 0.01,
        Fault.ERROR_BEFORE: 0.03,
        Fault.ERROR_AFTER: 0.03,
    }
    pushes = {
        Fault.DELAY: 0.05,
        Fault.LOST: 0.01,
        Fault.ACK_LOST: 0.05,
        Fault.TWICE: 0.05,
        Fault.RESET_BEFORE: 0.0005,  # seldom: who lost a connection waits before the next
        Fault.RESET_AFTER: 0.001,
    }
    verbs = {**dict.fromkeys((Verb.SEND, Verb.EDIT, Verb.CARD), calls), Verb.PUSH: pushes}
    return FaultSettings(seed=seed, delay_s=0.05, reset_s=1, rates={"*": verbs})


class Platform:
    """One app and its people, and everything that they say.

    Args:
        seed: decides every id.
        faults: what goes wrong.
        events_max: how many messages are said at most; all are remembered.
    """

    def __init__(self, seed: int, faults: FaultSettings | None, *, events_max: int) -> None:
        self._tenant = Tenant(seed, (APP,), limits=_room_for(events_max))
        self._server = FeishuServer(
            self._tenant,
            settings=TenantSettings(ack_s=ACK_S, redelivery_s=REDELIVERY_S, offline="queue"),
            faults=FaultPlan(faults),
        )
        self._numbers: dict[str, int] = {}
        self._shown: set[str] = set()
        self._errands: list[asyncio.Future[Attempt]] = []

    repeats = True

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with self._server:
            yield

    def settings(self) -> str:
        return f"""
[bots.{NAME}]
channel = "feishu"
app_id = "{APP.app_id}"
app_secret = "{APP.app_secret}"
domain = "{self._server.address}"
answer_within_s = 3.0
"""

    def tell(self, happens: Callable[[], None], shows: Callable[[], None]) -> None:
        def watch(message: Message) -> None:
            if message.app is not None and message.message_id not in self._shown:
                self._shown.add(message.message_id)
                shows()

        self._tenant.listen(happens)
        self._tenant.watch(watch)

    def do(self, saying: Saying) -> str | None:
        if saying.type == "recalled":
            assert saying.message_id is not None
            told = self._server.recall(Recall(message_id=saying.message_id))
        else:
            assert saying.type == "message", f"nobody can do that on Feishu: {saying.type}"
            told = self._server.say(self._words(saying))
        self._errands += (errand.done for errand in told.errands)
        return told.message_id

    def _words(self, saying: Saying) -> Say:
        """Every other chat is a group; in the others each person talks in private."""
        number = self._numbers.setdefault(saying.chat.id, len(self._numbers))
        chat, person = saying.chat.id, saying.sender.id
        if number % 2:
            return Say(person=f"{person}-{chat}", chat_type="p2p", text=saying.text)
        return Say(person=person, chat=chat, text=saying.text, mentions=(NAME,))

    async def until_connected(self) -> None:
        await self._server.until_connected(NAME)

    # --- the end ------------------------------------------------------------------------------

    async def until_handed_over(self) -> None:
        await asyncio.gather(*map(asyncio.shield, self._errands))

    def untaken(self, _book: Book) -> int:
        """Count nothing: all is brought until it is taken."""
        return 0

    def ledger(self, book: Book) -> Ledger:
        """Return what people saw, their messages in the order in which the house took them."""
        found = as_ledger(self._server.record())
        taken = [each.message_id for each in book.messages if each.bot == NAME]
        places = {message_id: place for place, message_id in enumerate(taken)}

        def place(event: EventEntry) -> int:
            return places.get(event.message_id or "", len(places))

        return replace(found, events=tuple(sorted(found.events, key=place)))


def _room_for(events: int) -> Limits:
    return Limits(
        messages_max=8 * events,
        events_max=8 * events,
        calls_max=100 * events,
        connections_max=1_000_000,
    )
