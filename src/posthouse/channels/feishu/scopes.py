"""The rights that an app needs, by their names in Feishu's console, and what each is for."""

from __future__ import annotations

from msgspec import Struct

from posthouse.settings.language import Said


class Scope(Struct, frozen=True):
    """A right; any of the names gives it, the first is the one to ask for."""

    names: tuple[str, ...]
    reason: Said
    is_needed: bool = False  # without it the bot does not work; the others cost a feature

    @property
    def name(self) -> str:
        return self.names[0]


DIRECTORY = (
    "contact:contact:readonly",
    "contact:contact:readonly_as_app",
    "contact:contact:access_as_app",
)
SCOPES = (
    Scope(
        ("im:message.p2p_msg:readonly", "im:message.p2p_msg", "im:message"),
        Said("接收单聊消息", "hear private messages"),
        is_needed=True,
    ),
    Scope(
        ("im:message.group_at_msg:readonly", "im:message.group_at_msg", "im:message.group_msg"),
        Said("接收群里 @机器人 的消息", "hear mentions in groups"),
        is_needed=True,
    ),
    Scope(
        ("im:message:send_as_bot", "im:message"),
        Said("发送、修改、撤回消息", "send, edit and take back messages"),
        is_needed=True,
    ),
    Scope(
        ("im:resource", "im:message", "im:message:readonly"),
        Said("收发图片和文件", "pictures and files"),
    ),
    Scope(
        ("im:message:readonly", "im:message"),
        Said(
            "补取断线期间的消息、表情回应的来处", "what was missed, and where a reaction came from"
        ),
    ),
    Scope(
        ("im:chat:readonly", "im:chat:read", "im:chat"),
        Said("群的名称和种类", "names and kinds of chats"),
    ),
    Scope(
        ("contact:contact.base:readonly", *DIRECTORY),
        Said("查人", "look people up"),
    ),
    Scope(
        ("contact:user.base:readonly", *DIRECTORY),
        Said("人的名字", "names of people"),
    ),
    Scope(
        ("im:message.reactions:write_only", "im:message"),
        Said("用表情回应消息", "react to messages with an emoji"),
    ),
    Scope(
        ("cardkit:card:write",),
        Said("边写边显示的回答", "answers that grow while they are written"),
    ),
)
EVENTS = (
    "im.message.receive_v1",
    "im.message.recalled_v1",
    "im.chat.member.bot.added_v1",
    "im.chat.member.bot.deleted_v1",
)
CALLBACK = "card.action.trigger"
