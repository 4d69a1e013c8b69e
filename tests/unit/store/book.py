"""A few words for tests of the store: a message that arrives, the way it goes, a store on disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from posthouse.model.address import Chat, Entrance, Person, Place
from posthouse.model.capabilities import Capabilities
from posthouse.model.disposition import Disposition, NewDelivery
from posthouse.model.event import MessageReceived, message_key
from posthouse.model.message import Content, Text
from posthouse.model.turn import EventState
from posthouse.store.journal import Arrival, Gateway, Receipt, Result
from posthouse.store.sqlite.store import SqliteStore

NOW = 1_750_000_000.0
PLACE = Place("bot", "room")
CAN = Capabilities(can_recall=True)


def arrival(chat: Chat, message_id: str, text: str = "hello") -> Arrival:
    """Somebody says something in a chat of the place."""
    event = MessageReceived(
        key=message_key(PLACE.platform_id, message_id),
        place=PLACE,
        sender=Person("ann"),
        message_id=message_id,
        parts=(Text(text),),
        at=NOW,
    )
    session = f"{chat.id}:m:ann"
    routed = Disposition(state=EventState.ROUTED, session=session, handler="echo")
    return Arrival(event=event, disposition=routed, chat=chat.id, entrance=Entrance.WEBHOOK)


async def say(store: SqliteStore, message_id: str, text: str = "hello") -> Receipt:
    """Accept one message."""
    chat = await store.chats.resolve(PLACE, NOW)
    (receipt,) = await store.journal.accept((arrival(chat, message_id, text),), NOW)
    return receipt


async def enter(store: SqliteStore) -> Gateway:
    return await store.journal.enter("gateway-1", NOW, 60.0)


async def answer(store: SqliteStore, gateway: Gateway, *texts: str) -> tuple[int, ...]:
    """Run the one turn that is ready; its answers wait to be sent. Returns their numbers."""
    (claimed,) = await store.journal.claim_turns(gateway, NOW, 1)
    outputs = tuple(
        NewDelivery(
            origin=f"turn:{claimed.turn.id}",
            ordinal=ordinal,
            part=0,
            content=Content(text),
            key=f"key {claimed.turn.id} {ordinal}",
            body=text.encode(),
        )
        for ordinal, text in enumerate(texts)
    )
    result = Result(deliveries=outputs)
    turn = claimed.turn.id
    await store.journal.finish(claimed.claim, turn, result, CAN, NOW, is_first_sent=False)
    return tuple(delivery.id for delivery in await store.journal.answers(turn))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    """Open a store on disk, and close it."""
    store = SqliteStore.open(path, clock=lambda: NOW)
    try:
        yield store
    finally:
        await store.close()
