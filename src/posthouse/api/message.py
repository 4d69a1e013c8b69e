"""A push as it stands in a request, and the answer to it; what the types cannot say is checked."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from posthouse.api.requests import decoded
from posthouse.model.action import Policy
from posthouse.model.address import ChatKind
from posthouse.model.errors import NotUnderstood
from posthouse.model.scopes import TAG

TARGETS_MAX = 1000
TEXT_CHARACTERS_MAX = 50_000
MENTIONS_MAX = 100
CHOICES_MAX = 20
NUMBER_MAX = 2**53 - 1  # what JavaScript counts exactly
EXPIRES_S_MAX = 30 * 24 * 3600.0
_END = r"$(?!\n)"  # `$` alone lets a last line break pass in Python, `\Z` means nothing elsewhere
NAME_PATTERN = rf"^[^\x00-\x1f\x7f/\\]{{1,200}}{_END}"
KEY = r"[A-Za-z0-9._:@+=-]{1,128}"
CODE = r"[A-Za-z0-9_-]{1,64}"

# Line breaks and tabs are text; other control characters steer terminals and break platforms.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")

Number = Annotated[int, Meta(ge=1, le=NUMBER_MAX, description="the house's number of a chat")]
Tag = Annotated[
    str, Meta(pattern=rf"^tag:{TAG}{_END}", description="`tag:NAME`: every chat with this tag")
]
Words = Annotated[str, Meta(max_length=TEXT_CHARACTERS_MAX)]
Label = Annotated[str, Meta(min_length=1, max_length=100)]
PlatformId = Annotated[str, Meta(pattern=rf"^[^\x00-\x1f\x7f]{{1,256}}{_END}")]


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A chat as its platform names it; it is entered in the book if it is new."""

    bot: Annotated[str, Meta(pattern=rf"^{CODE}{_END}")]
    chat: PlatformId
    kind: ChatKind = ChatKind.GROUP


To = Number | Tag | Place


class Upload(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file: its bytes in base64, or the reference that an upload returned."""

    base64: bytes | UnsetType = UNSET
    ref: Annotated[str, Meta(pattern=rf"^sha256:[0-9a-f]{{64}}{_END}")] | UnsetType = UNSET
    name: Annotated[str, Meta(pattern=NAME_PATTERN)] = ""


class Mention(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who is addressed, by their id on the platform."""

    id: PlatformId
    name: Annotated[str, Meta(max_length=100)] = ""


class Edit(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is said: words, plain or in Markdown, a picture or a file, buttons below."""

    text: Words = ""
    markdown: Words = ""
    image: Upload | None = None
    file: Upload | None = None
    choices: Annotated[list[Label], Meta(max_length=CHOICES_MAX)] = []
    handler: Annotated[
        str, Meta(max_length=64, description="who deals with a press; needed with `choices`")
    ] = ""
    state: Annotated[
        str, Meta(max_length=4000, description="what the handler is given back with a press")
    ] = ""
    expires_s: Annotated[float, Meta(gt=0, le=EXPIRES_S_MAX)] = 86400.0
    mentions: Annotated[list[PlatformId | Mention], Meta(max_length=MENTIONS_MAX)] = []


class Message(Edit, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A push: what is said, and to whom."""

    to: To | Annotated[list[To], Meta(min_length=1, max_length=TARGETS_MAX)]
    policy: Policy = Policy.AT_LEAST_ONCE

    @property
    def targets(self) -> list[To]:
        """All targets, also of a push that names one only."""
        return self.to if isinstance(self.to, list) else [self.to]


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One chat of a push; what became of it is said where that was asked for."""

    to: str
    chat: int
    bot: str
    deliveries: tuple[int, ...]
    state: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    zh: str | UnsetType = UNSET
    en: str | UnsetType = UNSET
    message_ids: tuple[str, ...] | UnsetType = UNSET
    edit: Literal["", "queued", "parked", "done", "refused"] = ""


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A push as the book has it."""

    key: str
    put_at: float
    targets: tuple[Line, ...]
    edits: int = 0
    recalled_at: float | None = None


class Uploaded(Struct, frozen=True, kw_only=True):
    """A file that pushes may carry."""

    ref: str
    mime: str
    size_bytes: int


E = TypeVar("E", bound=Edit)


def read(body: bytes, kind: type[E]) -> E:
    """Read the body of a request.

    Raises:
        NotUnderstood: it is not what the description asks for; the message says where.
    """
    edit = decoded(body, kind)
    check(edit)
    return edit


def hash_of(edit: Edit) -> bytes:
    """Return what two bodies have in common that mean the same."""
    return hashlib.sha256(msgspec.json.encode(edit)).digest()


def check(edit: Edit) -> None:
    """Hold a body to what its types cannot say.

    Raises:
        NotUnderstood: it says nothing, two things at once, or has control characters.
    """
    if edit.text and edit.markdown:
        raise _wrong("give `text` or `markdown`, not both", "text 与 markdown 只能给一个")
    if edit.image and edit.file:
        raise _wrong("give `image` or `file`, not both", "image 与 file 只能给一个")
    if not ((edit.text or edit.markdown).strip() or edit.image or edit.file):
        raise _wrong(
            "there is nothing to say: give `text`, `markdown`, `image` or `file`",
            "没有内容：请给 text、markdown、image 或 file",
        )
    for upload in (edit.image, edit.file):
        if upload and (upload.base64 is UNSET) == (upload.ref is UNSET):
            raise _wrong("a file has `base64` or `ref`, one of them", "文件要有 base64 或 ref 之一")
    if bool(edit.choices) != bool(edit.handler):
        raise _wrong(
            "`choices` need `handler`: who deals with a press", "choices 需要 handler：由谁处理点击"
        )
    names = [mention.name for mention in edit.mentions if isinstance(mention, Mention)]
    if any(map(_CONTROL.search, (edit.text, edit.markdown, *edit.choices, *names))):
        raise _wrong(
            "the text has control characters other than line breaks and tabs; leave them out",
            "文字里有换行和制表以外的控制字符；请去掉",
        )


def _wrong(en: str, zh: str) -> NotUnderstood:
    return NotUnderstood(en, zh=zh)
