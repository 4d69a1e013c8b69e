"""What people do on the platform, as tests and the control surface write it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from posthouse.simulators.onebot.accounts import Role

Number = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody with a QQ number."""

    user_id: Number
    nickname: str = ""
    card: str = ""  # the name in a group
    role: Role = Role.MEMBER


class Chat(Struct, frozen=True, forbid_unknown_fields=True):
    """A group, or the private chat with a person of that number."""

    id: Number
    kind: Literal["group", "private"] = "group"
    title: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


class Happening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """Something that concerns one account."""

    bot: str


class InChat(Happening, frozen=True, kw_only=True):
    """Something that somebody does in a chat."""

    chat: Chat
    sender: Person


class Said(InChat, frozen=True, kw_only=True, tag="message"):
    """A message: words, or segments or CQ codes when ``message`` is given."""

    text: str = ""
    message: str | list[dict[str, object]] | None = None
    mentions_bot: bool = False
    quote: int | None = None


class Recalled(InChat, frozen=True, kw_only=True, tag="recalled"):
    """Somebody takes a message back; in a group it may be another's."""

    message_id: int


class Joined(InChat, frozen=True, kw_only=True, tag="joined"):
    """Somebody joins a group; the account itself when the number is its own."""

    how: Literal["approve", "invite"] = "approve"


class Left(InChat, frozen=True, kw_only=True, tag="left"):
    """Somebody leaves a group, or is removed."""

    how: Literal["leave", "kick"] = "leave"


class Poked(InChat, frozen=True, kw_only=True, tag="poked"):
    """Somebody pokes; without a target, the account."""

    target_id: Number | None = None


class Uploaded(InChat, frozen=True, kw_only=True, tag="uploaded"):
    """Somebody puts a file into a group, or sends one in private."""

    name: str
    size_bytes: int = 0


class Reacted(InChat, frozen=True, kw_only=True, tag="reacted"):
    """Somebody puts an emoji on a message of a group."""

    message_id: int
    emoji_id: str = "76"


class FriendAdded(Happening, frozen=True, kw_only=True, tag="friend_added"):
    """Somebody is a friend now."""

    sender: Person


class Requested(Happening, frozen=True, kw_only=True, tag="requested"):
    """Somebody asks to be a friend, or (with a group) to come in or to have the account come."""

    sender: Person
    group_id: Number | None = None
    how: Literal["add", "invite"] = "add"
    comment: str = ""


class Raw(Happening, frozen=True, kw_only=True, tag="raw"):
    """Anything else, pushed as it is; time, self_id and what else is missing are added."""

    event: dict[str, object]


AnyHappening = (
    Said | Recalled | Joined | Left | Poked | Uploaded | Reacted | FriendAdded | Requested | Raw
)
