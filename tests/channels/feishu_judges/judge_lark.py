"""A bot on Feishu's own Python SDK, told by JSON lines what to do; runs in its own environment.

It works with the SDK of today and with 1.3.5, which knows neither card callbacks over the long
connection nor card entities.
"""

# The SDK is not installed where types are checked.
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

import lark_oapi as lark
from lark_oapi.api.im import v1 as im
from lark_oapi.core.model import RawRequest

Event = Answer = Any  # whatever the SDK makes of them
Body = dict[str, Any]

SAYING = threading.Lock()


def tell(what: str, **fields: object) -> None:
    with SAYING:
        print(json.dumps({"what": what, **fields}), flush=True)  # noqa: T201 - read by the test


def received(event: Event) -> None:
    message, sender = event.event.message, event.event.sender
    tell(
        "event",
        type=event.header.event_type,
        message_id=message.message_id,
        chat_id=message.chat_id,
        text=json.loads(message.content).get("text"),
        sender=sender.sender_id.open_id,
        mentions=[each.id.open_id for each in message.mentions or []],
    )


def recalled(event: Event) -> None:
    tell("event", type=event.header.event_type, message_id=event.event.message_id)


def reacted(event: Event) -> None:
    emoji = event.event.reaction_type.emoji_type
    tell("event", type=event.header.event_type, emoji=emoji)


def pressed(event: Event) -> object:
    from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

    tell("event", type=event.header.event_type, value=event.event.action.value)
    return P2CardActionTriggerResponse({"toast": {"type": "success", "content": "thanks"}})


class Bot:
    def __init__(self, asked: dict[str, str]) -> None:
        client = lark.Client.builder().app_id(asked["app_id"]).app_secret(asked["app_secret"])
        self.client = client.domain(asked["domain"]).build()
        self.messages = self.client.im.v1.message
        handler = (
            lark.EventDispatcherHandler.builder(asked["encrypt_key"], asked["token"])
            .register_p2_im_message_receive_v1(received)
            .register_p2_im_message_recalled_v1(recalled)
            .register_p2_im_message_reaction_created_v1(reacted)
        )
        if hasattr(handler, "register_p2_card_action_trigger"):
            handler = handler.register_p2_card_action_trigger(pressed)
        self.handler = handler.build()
        self.line = lark.ws.Client(
            asked["app_id"],
            asked["app_secret"],
            event_handler=self.handler,
            domain=asked["domain"],
            log_level=lark.LogLevel.ERROR,
        )

    def webhook(self, headers: dict[str, str], body: str) -> Body:
        request = RawRequest()
        request.uri, request.headers, request.body = "/event", headers, body.encode()
        response = self.handler.do(request)
        return {"status": response.status_code, "body": bytes(response.content).decode()}

    def info(self) -> Body:
        request = (
            lark.BaseRequest.builder()
            .http_method(lark.HttpMethod.GET)
            .uri("/open-apis/bot/v3/info")
        )
        kinds = {lark.AccessTokenType.TENANT}
        answer = self.client.request(request.token_types(kinds).build())
        return json.loads(answer.raw.content)

    def send(self, chat_id: str, msg_type: str, content: str, uuid: str = "") -> Body:
        body = im.CreateMessageRequestBody.builder().receive_id(chat_id).msg_type(msg_type)
        body = body.content(content).uuid(uuid).build()
        request = im.CreateMessageRequest.builder().receive_id_type("chat_id")
        return shown(self.messages.create(request.request_body(body).build()))

    def reply(self, message_id: str, msg_type: str, content: str) -> Body:
        body = im.ReplyMessageRequestBody.builder().msg_type(msg_type).content(content).build()
        request = im.ReplyMessageRequest.builder().message_id(message_id).request_body(body)
        return shown(self.messages.reply(request.build()))

    def edit(self, message_id: str, content: str) -> Body:
        body = im.UpdateMessageRequestBody.builder().msg_type("text").content(content).build()
        request = im.UpdateMessageRequest.builder().message_id(message_id).request_body(body)
        return shown(self.messages.update(request.build()))

    def patch(self, message_id: str, content: str) -> Body:
        body = im.PatchMessageRequestBody.builder().content(content).build()
        request = im.PatchMessageRequest.builder().message_id(message_id).request_body(body)
        return shown(self.messages.patch(request.build()))

    def recall(self, message_id: str) -> Body:
        request = im.DeleteMessageRequest.builder().message_id(message_id).build()
        return shown(self.messages.delete(request))

    def history(self, chat_id: str) -> Body:
        request = im.ListMessageRequest.builder().container_id_type("chat").container_id(chat_id)
        return shown(self.messages.list(request.page_size(10).build()))

    def react(self, message_id: str, emoji: str) -> Body:
        kind = im.Emoji.builder().emoji_type(emoji).build()
        body = im.CreateMessageReactionRequestBody.builder().reaction_type(kind).build()
        request = im.CreateMessageReactionRequest.builder().message_id(message_id)
        reactions = self.client.im.v1.message_reaction
        return shown(reactions.create(request.request_body(body).build()))

    def upload(self, path: str) -> Body:
        with Path(path).open("rb") as content:
            body = im.CreateImageRequestBody.builder().image_type("message").image(content).build()
            request = im.CreateImageRequest.builder().request_body(body).build()
            return shown(self.client.im.v1.image.create(request))

    def upload_file(self, path: str, name: str) -> Body:
        with Path(path).open("rb") as content:
            body = im.CreateFileRequestBody.builder().file_type("stream").file_name(name)
            request = im.CreateFileRequest.builder().request_body(body.file(content).build())
            return shown(self.client.im.v1.file.create(request.build()))

    def resource(self, message_id: str, key: str) -> Body:
        request = im.GetMessageResourceRequest.builder().message_id(message_id).file_key(key)
        answer = self.client.im.v1.message_resource.get(request.type("image").build())
        return {"code": answer.code, "bytes": answer.file.read().hex() if answer.code == 0 else ""}

    def card(self, data: str) -> Body:
        from lark_oapi.api.cardkit import v1 as kit

        body = kit.CreateCardRequestBody.builder().type("card_json").data(data).build()
        request = kit.CreateCardRequest.builder().request_body(body).build()
        return shown(self.client.cardkit.v1.card.create(request))

    def write(self, card_id: str, element_id: str, content: str, sequence: int) -> Body:
        from lark_oapi.api.cardkit import v1 as kit

        body = kit.ContentCardElementRequestBody.builder().content(content).sequence(sequence)
        request = kit.ContentCardElementRequest.builder().card_id(card_id).element_id(element_id)
        elements = self.client.cardkit.v1.card_element
        return shown(elements.content(request.request_body(body.build()).build()))

    def rate(self, frame: str, times: int) -> Body:
        """Take a frame so many times; tells the CPU of one, its acknowledgement written."""
        quiet = lark.EventDispatcherHandler.builder("", "")
        handler = quiet.register_p2_im_message_receive_v1(lambda _: None).build()
        line = lark.ws.Client("cli_0", "s", event_handler=handler, log_level=lark.LogLevel.ERROR)
        written = []

        async def write(raw: bytes) -> None:
            written.append(raw)

        async def take() -> None:
            for _ in range(times):
                await line._handle_message(raw)

        line._write_message = write
        raw = bytes.fromhex(frame)
        loop = asyncio.new_event_loop()
        began = time.thread_time()
        loop.run_until_complete(take())
        each_s = (time.thread_time() - began) / times
        loop.close()
        return {"each_s": each_s, "ack": written[-1].hex(), "written": len(written)}


def shown(answer: Answer) -> Body:
    data = json.loads(lark.JSON.marshal(answer.data)) if getattr(answer, "data", None) else None
    return {"code": answer.code, "msg": answer.msg, "log_id": answer.get_log_id(), "data": data}


def listen(bots: queue.Queue[Bot | None]) -> None:
    """Do what is asked, one line after the other."""
    bot = None
    for line in sys.stdin:
        asked = json.loads(line)
        do = asked.pop("do")
        try:
            if do == "connect":
                bot = Bot(asked)
                bots.put(bot)
                tell("done")
            else:
                tell("done", **getattr(bot, do)(**asked))
        except Exception as error:  # noqa: BLE001 - the test shall read it
            tell("done", failure=repr(error))
    bots.put(None)


bots = queue.Queue()
threading.Thread(target=listen, args=(bots,), daemon=True).start()
tell("ready")
bot = bots.get()
if bot is not None:
    bot.line.start()  # never returns
