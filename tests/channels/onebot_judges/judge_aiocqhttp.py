"""A bot on aiocqhttp that says what it sees, as JSON lines; runs in the judges' environment."""

# The framework is not installed where types are checked.
# mypy: ignore-errors

from __future__ import annotations

import json
import os

from aiocqhttp import CQHttp, Event, Message, MessageSegment

PIXEL = "base64://iVBORw0KGgo="

bot = CQHttp(access_token=os.environ["TOKEN"])


def tell(what: str, **fields: object) -> None:
    print(json.dumps({"what": what, **fields}), flush=True)  # noqa: T201 - read by the test


@bot.on_message
async def heard(event: Event) -> None:
    text = Message(event.message).extract_plain_text().strip()
    tell("message", name=event.name, text=text, sender=event.sender["nickname"])
    match text.split():
        case ["ping", word]:
            tell("sent", **await bot.send(event, f"pong {word} [&],"))
        case ["array", word]:
            answer = (
                MessageSegment.reply(event.message_id)
                + MessageSegment.at(event.user_id)
                + MessageSegment.text(f" pong {word} [&],")
                + MessageSegment.face(14)
                + MessageSegment.image(PIXEL)
            )
            tell("sent", **await bot.send(event, answer))
        case ["string", word]:
            code = f"[CQ:reply,id={event.message_id}]pong {word} &#91;&amp;&#93;,"
            tell("sent", **await bot.call_action("send_msg", **target(event), message=code))
        case ["recall", word]:
            sent = await bot.send(event, f"pong {word}")
            await bot.delete_msg(message_id=sent["message_id"])
            tell("recalled", **sent)
        case ["look"]:
            await look(event)
        case ["wrong"]:
            try:
                await bot.call_action("no_such_thing")
            except Exception as error:  # noqa: BLE001 - its name is what is asked
                tell("failed", error=type(error).__name__, retcode=error.result["retcode"])


def target(event: Event) -> dict[str, object]:
    return {"group_id": event.group_id, "message_type": "group"}


async def look(event: Event) -> None:
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


@bot.on_notice
async def noticed(event: Event) -> None:
    tell("notice", name=event.name)


@bot.on_request
async def requested(event: Event) -> None:
    tell("request", name=event.name)
    await bot.set_friend_add_request(flag=event.flag, approve=True)


@bot.on_meta_event
async def met(event: Event) -> None:
    tell("meta", name=event.name)


bot.run(host="127.0.0.1", port=int(os.environ["PORT"]))
