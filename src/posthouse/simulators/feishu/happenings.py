"""What people do, as tests and the control surface write it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Key = Annotated[str, Meta(min_length=1, max_length=200)]


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """Something to attach; the content is Base64."""

    name: str
    base64: str = ""


class Say(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody says something.

    ``@Name`` in a text mentions a bot or person when the name stands in ``mentions``; names in
    ``mentions`` that the text does not have are put in front. ``content`` is for every other type.
    """

    person: Key
    chat: Key = "team"  # of a group; a private chat follows from person and app
    chat_type: Literal["group", "topic", "p2p"] = "group"
    app: str = ""  # of a private chat; the first app when empty
    text: str = ""
    type: str = "text"
    content: dict[str, Any] | str | None = None
    file: File | None = None
    forwarded: tuple[str, ...] = ()  # message ids, of a merge_forward
    mentions: tuple[str, ...] = ()  # names of apps or people, or "all"
    reply_to: str | None = None  # a message id
    thread: bool | str = False  # True: open a thread under reply_to; a thread id: go on in it
    name: str = ""  # of the person
    message_id: str | None = None  # chosen by the test
    ago_s: float = 0.0  # said so long ago, told only now


class Recall(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody takes a message back; in a group its owner and admins may take others'."""

    message_id: str
    person: str = ""  # whoever said it, when empty


class Press(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody presses a button of a card: by label, value or name, or by its place."""

    message_id: str
    person: Key
    label: str | None = None
    value: Any = None
    name: str | None = None
    index: int | None = None
    form: dict[str, Any] | None = None
    option: str | None = None


class React(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody puts an emoji below a message, or takes it away."""

    message_id: str
    person: Key
    emoji: str = "THUMBSUP"
    is_taken_away: bool = False


class Members(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People or bots come into a group, or leave it."""

    chat: Key
    people: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    by: str = ""  # who did it
    chat_type: Literal["group", "topic"] = "group"
    title: str = ""
    owner: str = ""
    admins: tuple[str, ...] = ()


class Raise(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Any other event, pushed as it is; the header is added."""

    app: str = ""
    type: Key
    event: dict[str, Any]
    version: Literal["1", "2"] = "2"


class Enter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody opens the private chat with a bot."""

    person: Key
    app: str = ""


class Menu(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody chooses from the bot's menu."""

    person: Key
    key: Key
    app: str = ""
