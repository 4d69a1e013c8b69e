"""What the house does to messages on Feishu: send, edit, take back. Nothing here raises."""

from __future__ import annotations

from urllib.parse import quote

import aiohttp
import msgspec
from msgspec.structs import replace

from posthouse.channels.channel import Part, Verb
from posthouse.channels.feishu import outgoing
from posthouse.channels.feishu.client import Call, Client, Closed, NoToken
from posthouse.channels.feishu.contents import UNREADABLE
from posthouse.channels.feishu.growing import Cards
from posthouse.channels.feishu.outcomes import Endpoint, outcome_of, outcome_of_error
from posthouse.channels.feishu.outgoing import Form, Outgoing
from posthouse.channels.feishu.uploads import Uploads
from posthouse.channels.keep_connected import BadCredentials
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown

CREDENTIALS_RETRY_S = 60.0
KEY_CHARACTERS_MAX = 50
CARD = "card"  # beside a message's id: it was sent as a card, so it is updated as one


class Messages:
    """One app's messages."""

    def __init__(self, client: Client, cards: Cards, uploads: Uploads) -> None:
        self._client = client
        self._cards = cards
        self._uploads = uploads

    async def perform(self, part: Part) -> Outcome:
        """Make one call; what nobody can tell is ``Unknown``."""
        try:
            return await self._perform(part)
        except BadCredentials:
            return NotSent("refused_by_platform credentials", CREDENTIALS_RETRY_S)
        except (Closed, NoToken):
            return NotSent("cannot_reach")
        except UNREADABLE:
            return NotSent("cannot_encode", is_final=True)
        except (aiohttp.ClientError, TimeoutError, OSError, RuntimeError) as error:
            return outcome_of_error(error)

    async def _perform(self, part: Part) -> Outcome:
        match part.verb:
            case Verb.SEND:
                return await self._send(part)
            case Verb.EDIT:
                return await self._edit(part)
            case Verb.RECALL:
                return await self._recall(part)
            case Verb.LOOK_UP:
                return Unknown("cannot_look_up")
            case Verb.TYPING:
                return Sent()  # the platform has no such sign

    # --- sending -----------------------------------------------------------------------------

    async def _send(self, part: Part) -> Outcome:
        message, card_id = outgoing.decode(part.body), ""
        if message.form is Form.EMOJI:
            return await self._react(message)
        if message.media is not None:
            outcome, key = await self._uploads.key(message.media, message.form)
            if not key:
                return outcome
            message = replace(message, content=outgoing.file_content(message.form, key))
        elif part.is_draft and message.form is Form.CARD:
            outcome, card_id = await self._cards.create(message.content, part.key)
            if isinstance(outcome, NotSent) and not outcome.is_final:
                return outcome  # without the scope for cards that grow, it is a card like others
        content = outgoing.entity(card_id) if card_id else message.content
        return await self._deliver(message, content, part.key, card_id)

    async def _deliver(self, message: Outgoing, content: str, key: str, card_id: str) -> Outcome:
        reply = await self._client.call(_sending(message, content, key))
        endpoint = Endpoint.REPLY if message.reply_to else Endpoint.SEND
        outcome = outcome_of(reply, endpoint)
        if not isinstance(outcome, Sent) or not outcome.ids or message.form is not Form.CARD:
            return outcome
        if not card_id:
            return Sent((*outcome.ids, CARD))
        found, shown = await self._cards.shown_by(outcome.ids[0], card_id)
        return Sent((*outcome.ids, shown)) if shown else found

    async def _react(self, message: Outgoing) -> Outcome:
        path = f"{_path(message.reply_to)}/reactions"
        call = Call(method="POST", path=path, body=message.content.encode())
        return outcome_of(await self._client.call(call), Endpoint.REACT)

    # --- new words ---------------------------------------------------------------------------

    async def _edit(self, part: Part) -> Outcome:
        message = outgoing.decode(part.body)
        message_id, *cards = part.message_ids
        if message.media is not None:
            return NotSent("cannot_edit", is_final=True)
        if not cards:
            return await self._edit_text(message_id, message)
        (card_id,) = cards
        if card_id == CARD:
            return await self._update_card(message_id, message)
        if part.is_draft:
            return await self._cards.grow(card_id, message.words)
        return await self._cards.settle(card_id, message)

    async def _edit_text(self, message_id: str, message: Outgoing) -> Outcome:
        body = {"msg_type": Form.POST, "content": outgoing.as_post(message)}
        return await self._change("PUT", message_id, body, Endpoint.EDIT)

    async def _update_card(self, message_id: str, message: Outgoing) -> Outcome:
        body = {"content": outgoing.as_card(message)}
        return await self._change("PATCH", message_id, body, Endpoint.UPDATE_CARD)

    async def _change(
        self, method: str, message_id: str, body: dict[str, str], endpoint: Endpoint
    ) -> Outcome:
        call = Call(method=method, path=_path(message_id), body=msgspec.json.encode(body))
        outcome = outcome_of(await self._client.call(call), endpoint)
        return Sent() if isinstance(outcome, Sent) else outcome

    # --- taking back -------------------------------------------------------------------------

    async def _recall(self, part: Part) -> Outcome:
        call = Call(method="DELETE", path=_path(part.message_ids[0]))
        return outcome_of(await self._client.call(call), Endpoint.RECALL)


def _path(message_id: str) -> str:
    return f"/im/v1/messages/{quote(message_id, safe='')}"


def _sending(message: Outgoing, content: str, key: str) -> Call:
    fields: dict[str, object] = {
        "msg_type": message.form,
        "content": content,
        "uuid": key[:KEY_CHARACTERS_MAX],
    }
    if message.reply_to:
        fields["reply_in_thread"] = message.is_in_thread
        path, query = f"{_path(message.reply_to)}/reply", {}
    else:
        fields["receive_id"] = message.to
        path, query = "/im/v1/messages", {"receive_id_type": _id_type(message.to)}
    return Call(method="POST", path=path, body=msgspec.json.encode(fields), query=query)


def _id_type(receiver: str) -> str:
    if receiver.startswith("ou_"):
        return "open_id"
    return "union_id" if receiver.startswith("on_") else "chat_id"
