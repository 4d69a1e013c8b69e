"""What the chat page says when something is not possible, in Chinese and English."""

from __future__ import annotations

from msgspec import Struct
from starlette.requests import Request


class Problem(Struct, frozen=True):
    """A stable code, an HTTP status, and one sentence that says what to do."""

    code: str
    status: int
    zh: str
    en: str


_ALL = (
    Problem(
        "not_signed_in", 401, "请先用邀请链接进入。", "Please enter with an invitation link first."
    ),
    Problem(
        "needs_name",
        401,
        "请先说说怎么称呼你。",
        "Please say first what you would like to be called.",
    ),
    Problem(
        "link_invalid",
        403,
        "这个邀请链接无效或已过期，请向群主要一个新的。",
        "This invitation is not valid any more. Ask the room's owner for a new one.",
    ),
    Problem(
        "foreign_origin",
        403,
        "请求来自另一个网站，已拒绝。若使用反向代理，请设置 server.public_url。",
        "This came from another site and was refused. Behind a proxy, set server.public_url.",
    ),
    Problem("owner_only", 403, "只有群主可以这样做。", "Only the room's owner can do this."),
    Problem(
        "room_not_found",
        404,
        "没有这个房间，或你不在其中。",
        "There is no such room, or you are not in it.",
    ),
    Problem("message_not_found", 404, "这条消息不在了。", "This message is not there any more."),
    Problem(
        "not_yours", 403, "只能修改或撤回自己的消息。", "Only your own messages can be changed."
    ),
    Problem("file_not_found", 404, "这个文件不在了。", "This file is not there any more."),
    Problem("not_found", 404, "这里没有页面。", "There is no page here."),
    Problem(
        "method_not_allowed",
        405,
        "这里不接受这种请求。",
        "This address does not take such requests.",
    ),
    Problem("room_full", 409, "房间已满。", "The room is full."),
    Problem(
        "rooms_too_many",
        409,
        "你的房间太多了，先离开几个。",
        "You are in too many rooms; leave some first.",
    ),
    Problem("too_large", 413, "内容太大。", "This is too large."),
    Problem("bad_request", 400, "内容无法识别。", "This request could not be understood."),
    Problem(
        "bad_name",
        422,
        "名字要有 1 到 40 个字，且不能与机器人同名。",
        "A name has 1 to 40 characters and is not the bot's.",
    ),
    Problem("bad_title", 422, "标题要有 1 到 60 个字。", "A title has 1 to 60 characters."),
    Problem("empty", 422, "消息是空的。", "The message is empty."),
    Problem(
        "too_long",
        422,
        "消息太长，请分开发送，或作为文件发送。",
        "The message is too long. Split it, or send it as a file.",
    ),
    Problem(
        "too_many_files", 422, "一条消息最多 10 个文件。", "A message carries at most 10 files."
    ),
    Problem(
        "key_taken", 409, "编号已被使用，请重新发送。", "This key is taken; please send it again."
    ),
    Problem(
        "too_fast", 429, "发得太快了，请稍等。", "That was a little fast. Please wait a moment."
    ),
    Problem(
        "try_later",
        503,
        "服务暂时忙，消息会自动重发。",
        "The house is busy; the message will be sent again by itself.",
    ),
    Problem(
        "storage_full",
        503,
        "磁盘已满，请联系管理员。",
        "The disk is full; please tell the operator.",
    ),
    Problem(
        "too_many_pages",
        503,
        "打开的页面太多，请关掉一些。",
        "Too many pages are open; please close some.",
    ),
    Problem(
        "broken", 500, "出错了，原因在服务日志里。", "Something went wrong; the log has the reason."
    ),
)

PROBLEMS: dict[str, Problem] = {problem.code: problem for problem in _ALL}

# The few sentences of pages that work without a script; the chat page's own are in words.js.
PAGE_WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "html_lang": "zh-CN",
        "join_room": "加入房间",
        "join_house": "进入聊天",
        "join_to": "你被邀请加入",
        "join_hello": "欢迎",
        "join_as": "你将以此名字加入：",
        "between": "、",
        "your_name": "怎么称呼你？",
        "name_hint": "房间里的人会看到这个名字",
        "back": "回到聊天",
        "needs_script": "聊天页面需要 JavaScript，请在浏览器中启用。",
        "closed_title": "这里需要邀请",
        "closed_text": "请房间的群主发一个邀请链接；管理员可运行 posthouse invite 得到链接。",
    },
    "en": {
        "html_lang": "en",
        "join_room": "Join the room",
        "join_house": "Enter the chat",
        "join_to": "You are invited to",
        "join_hello": "Welcome",
        "join_as": "You join as",
        "between": ", ",
        "your_name": "What should we call you?",
        "name_hint": "People in the room will see this name",
        "back": "Back to the chat",
        "needs_script": "The chat page needs JavaScript; please enable it in your browser.",
        "closed_title": "By invitation",
        "closed_text": "Ask the owner of a room for an invitation link;"
        " operators get one by `posthouse invite`.",
    },
}


def asked_language(request: Request) -> str:
    """Return the language a page asks for, by its own choice or the browser's; "" for others."""
    chosen = request.cookies.get("posthouse_language", "")
    if chosen in PAGE_WORDS:
        return chosen
    accepted = request.headers.get("accept-language", "").strip()[:2].casefold()
    return accepted if accepted in PAGE_WORDS else ""


class Declined(Exception):
    """A request that is answered with one of the ``PROBLEMS``."""

    def __init__(self, code: str, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.problem = PROBLEMS[code]
        self.retry_after_s = retry_after_s
