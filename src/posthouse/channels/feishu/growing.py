"""Growing answers as streaming cards: created, written on, settled.

Source: open.feishu.cn, "Streaming updates of cards" (cardkit). Each call on a card needs a number
higher than all before, also after a restart; so the numbers are tenths of seconds, which grow by
themselves. Ten minutes after its creation a card takes no more streaming; its final words then come
by an ordinary update.
"""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import msgspec
from msgspec import Struct

from posthouse.channels.feishu.client import Call, Client
from posthouse.channels.feishu.contents import UNREADABLE
from posthouse.channels.feishu.lately import Lately
from posthouse.channels.feishu.outcomes import Endpoint, Reply, outcome_of
from posthouse.channels.feishu.outgoing import ELEMENT_ID, Outgoing, as_card, streaming
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown
from posthouse.model.errors import PosthouseError

SEQUENCE_MAX = 2**31 - 1
CARDS_MAX = 1000  # whose last number is remembered
OUT_OF_ORDER = 300317
JUMP = 1000  # beyond whatever another process may have used


class _CardId(Struct, frozen=True):
    card_id: str = ""


class _Created(Struct, frozen=True):
    data: _CardId = _CardId()


class Cards:
    """The cards of one app that can still grow."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._sequences: Lately[str, int] = Lately(CARDS_MAX)
        self._created: Lately[str, str] = Lately(CARDS_MAX)  # by the key of the message

    async def create(self, content: str, key: str) -> tuple[Outcome, str]:
        """Create a card that is not shown yet; returns its id, empty when it was refused.

        A repeat under the same key gets the card of the first attempt, so it shows the same.
        """
        if (known := self._created.get(key)) is not None:
            return Sent(), known
        body = msgspec.json.encode({"type": "card_json", "data": streaming(content)})
        reply = await self._client.call(Call(method="POST", path="/cardkit/v1/cards", body=body))
        card_id = _card_id(reply)
        if card_id:
            self._created.keep(key, card_id)
        return outcome_of(reply, Endpoint.CARDKIT), card_id

    async def shown_by(self, message_id: str, created: str) -> tuple[Outcome, str]:
        """Return the card that a message shows: of a repeat, that of the first attempt.

        Where the platform refuses to tell it is the one just created; where it only failed to,
        nobody knows, and the message is repeated under its key, which shows nothing new.
        """
        body = msgspec.json.encode({"message_id": message_id})
        call = Call(method="POST", path="/cardkit/v1/cards/id_convert", body=body)
        try:
            reply = await self._client.call(call)
        except (PosthouseError, aiohttp.ClientError, TimeoutError, OSError):
            return Unknown("cut"), ""
        outcome = outcome_of(reply, Endpoint.CARDKIT)
        if isinstance(outcome, NotSent) and outcome.is_final:
            return Sent(), created
        card_id = _card_id(reply)
        return (Sent(), card_id) if card_id else (Unknown("platform_error"), "")

    async def grow(self, card_id: str, words: str) -> Outcome:
        """Show more of the answer: the whole text so far."""
        path = f"/cardkit/v1/cards/{card_id}/elements/{ELEMENT_ID}/content"
        return await self._numbered(card_id, "PUT", path, {"content": words or " "})

    async def settle(self, card_id: str, outgoing: Outgoing) -> Outcome:
        """Give the card its final words and buttons, and end its growing."""
        card = {"type": "card_json", "data": as_card(outgoing)}
        return await self._numbered(card_id, "PUT", f"/cardkit/v1/cards/{card_id}", {"card": card})

    async def _numbered(
        self, card_id: str, method: str, path: str, fields: dict[str, object]
    ) -> Outcome:
        reply = await self._call(card_id, method, path, fields)
        if reply.code == OUT_OF_ORDER:  # never the same number again
            self._sequences.keep(card_id, self._next(card_id) + JUMP)
            reply = await self._call(card_id, method, path, fields)
        outcome = outcome_of(reply, Endpoint.CARDKIT)
        is_closed = isinstance(outcome, NotSent) and outcome.is_final
        if is_closed:
            self._sequences.forget(card_id)
        return outcome

    async def _call(self, card_id: str, method: str, path: str, fields: dict[str, object]) -> Reply:
        body = msgspec.json.encode({**fields, "sequence": self._next(card_id)})
        return await self._client.call(Call(method=method, path=path, body=body))

    def _next(self, card_id: str) -> int:
        by_time = int(self._clock() * 10) % (SEQUENCE_MAX - 2 * JUMP) + 1
        return self._sequences.keep(card_id, max(by_time, (self._sequences.get(card_id) or 0) + 1))


def _card_id(reply: Reply) -> str:
    if not reply.is_ok:
        return ""
    try:
        return msgspec.json.decode(reply.body, type=_Created).data.card_id
    except UNREADABLE:
        return ""
