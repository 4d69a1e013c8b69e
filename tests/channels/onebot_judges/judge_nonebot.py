"""A bot on NoneBot2 that says what it sees, as JSON lines; runs in the judges' environment."""

# The framework is not installed where types are checked.
# mypy: ignore-errors

from __future__ import annotations

import json
import os

import nonebot
from nonebot import on_message, on_metaevent, on_notice, on_request
from nonebot.adapters.onebot.v11 import (
    ActionFailed,
    Adapter,
    Bot,
    Event,
    FriendRequestEvent,
    MessageEvent,
    MessageSegment,
)

PIXEL = b"\x89PNG\r\n\x1a\n"

nonebot.init(
    driver="~fastapi+~websockets",
    host="127.0.0.1",
    port=int(os.environ["PORT"]),
    onebot_access_token=os.environ["TOKEN"],
    onebot_ws_urls=json.loads(os.environ.get("DIALS", "[]")),
    log_level="WARNING",
)
nonebot.get_driver().register_adapter(Adapter)


def tell(what: str, **fields: object) -> None:
    print(json.dumps({"what": what, **fields}), flush=True)  # noqa: T201 - read by the test


@on_message().handle()
async def heard(bot: Bot, event: MessageEvent) -> None:
    text = event.get_plaintext().strip()
    tell(
        "message",
        name=event.get_event_name(),
        model=type(event).__name__,
        text=text,
        sender=event.sender.nickname,
        to_me=event.is_tome(),
        quote=event.reply.message_id if event.reply else None,
    )
    match text.split():
        case ["ping", word]:
            tell("sent", **await bot.send(event, f"pong {word} [&],"))
        case ["array", word]:
            answer = MessageSegment.text(f"pong {word} [&],") + MessageSegment.face(14)
            answer += MessageSegment.image(PIXEL)
            sent = await bot.send(event, answer, at_sender=True, reply_message=True)
            tell("sent", **sent)
        case ["string", word]:
            code = f"[CQ:reply,id={event.message_id}]pong {word} &#91;&amp;&#93;,"
            sent = await bot.call_api("send_group_msg", group_id=event.group_id, message=code)
            tell("sent", **sent)
        case ["recall", word]:
            sent = await bot.send(event, f"pong {word}")
            await bot.delete_msg(message_id=sent["message_id"])
            tell("recalled", **sent)
        case ["look"]:
            await look(bot, event)
        case ["wrong"]:
            try:
                await bot.call_api("no_such_thing")
            except ActionFailed as error:
                tell("failed", error=type(error).__name__, retcode=error.info["retcode"])


async def look(bot: Bot, event: MessageEvent) -> None:
    about = {"group_id": event.group_id}
    tell(
        "looked",
        me=(await bot.get_login_info())["user_id"],
        message=(await bot.get_msg(message_id=event.message_id))["message_id"],
        group=(await bot.get_group_info(**about))["group_name"],
        member=(await bot.get_group_member_info(**about, user_id=event.user_id))["role"],
        members=len(await bot.get_group_member_list(**about)),
        status=(await bot.get_status())["online"],
    )


@on_notice().handle()
async def noticed(event: Event) -> None:
    tell("notice", name=event.get_event_name(), model=type(event).__name__)


@on_request().handle()
async def requested(bot: Bot, event: Event) -> None:
    tell("request", name=event.get_event_name(), model=type(event).__name__)
    if isinstance(event, FriendRequestEvent):
        await event.approve(bot)


@on_metaevent().handle()
async def met(event: Event) -> None:
    tell("meta", name=event.get_event_name(), model=type(event).__name__)


nonebot.run()
