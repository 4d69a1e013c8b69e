"""What a Feishu message says: its ``content`` by type, as parts. Pure.

Source: open.feishu.cn, "Message content" (received). The content is JSON inside JSON, and real
messages do not always keep to the page; so every field is looked at before it is believed, and what
is not known is kept as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from posthouse.model.message import (
    Audio,
    File,
    Image,
    Media,
    Mention,
    Part,
    Text,
    Unsupported,
    Video,
)

RAW_CHARACTERS_MAX = 32_000  # of what is kept as it came
DEPTH_LINES_MAX = 2_000  # lines of one post
UNREADABLE = (msgspec.MsgspecError, RecursionError, ValueError)

_MENTION = re.compile(r"@_user_\d{1,4}|@_all")
_EVERYBODY = "@_all"


class Said(Struct, frozen=True, kw_only=True):
    """A message on its way to parts."""

    type: str
    content: str
    message_id: str
    mentions: Mapping[str, Mention]  # by the key that stands for them in the text


def parts_of(said: Said) -> tuple[Part, ...]:
    """Return what a message says; one of an unknown kind is one ``Unsupported`` part."""
    fields = _fields(said.content)
    reader = _READERS.get(said.type)
    parts = tuple(reader(said, fields)) if reader is not None and fields is not None else ()
    return joined_texts(parts) or (_unsupported(said),)


def reference(message_id: str, kind: str, key: str) -> str:
    """Name a file that came in: it is fetched by its message, its kind and its key."""
    return f"{message_id}/{kind}/{key}"


def _fields(content: str) -> dict[str, Any] | None:
    """Return the fields of a content; None when it is no JSON object."""
    try:
        found = msgspec.json.decode(content)
    except UNREADABLE:
        return None
    return found if isinstance(found, dict) else None


def _word(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _rows(value: object) -> Sequence[Any]:
    return value[:DEPTH_LINES_MAX] if isinstance(value, list) else ()


def _unsupported(said: Said) -> Unsupported:
    return Unsupported(said.type[:64], said.content[:RAW_CHARACTERS_MAX])


def joined_texts(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Make one of texts that follow each other."""
    joined: list[Part] = []
    for part in parts:
        before = joined[-1] if joined else None
        if isinstance(part, Text) and isinstance(before, Text):
            joined[-1] = Text(before.text + part.text)
        else:
            joined.append(part)
    return tuple(part for part in joined if not isinstance(part, Text) or part.text.strip())


# --- words ---------------------------------------------------------------------------------


def _text(said: Said, fields: Mapping[str, Any]) -> Iterator[Part]:
    yield from _with_mentions(_word(fields, "text"), said.mentions)


def _with_mentions(text: str, mentions: Mapping[str, Mention]) -> Iterator[Part]:
    """Put people where ``@_user_1`` stands; a key that nobody explained stays a word."""
    at = 0
    for found in _MENTION.finditer(text):
        mention = _mentioned(found.group(), mentions)
        if mention is not None:
            yield Text(text[at : found.start()])
            yield mention
            at = found.end()
    yield Text(text[at:])


def _mentioned(key: str, mentions: Mapping[str, Mention]) -> Mention | None:
    if key in mentions:
        return mentions[key]
    return Mention(person_id="all", name="all") if key == _EVERYBODY else None


def _post(said: Said, fields: Mapping[str, Any]) -> Iterator[Part]:
    if title := _word(fields, "title"):
        yield Text(f"{title}\n")
    rows = _rows(fields.get("content"))
    for number, row in enumerate(rows):
        for element in _rows(row):
            if isinstance(element, dict):
                yield from _element(said, element)
        if number < len(rows) - 1:
            yield Text("\n")


def _element(said: Said, element: Mapping[str, Any]) -> Iterator[Part]:
    match element.get("tag"):
        case "text" | "md":
            yield Text(_word(element, "text"))
        case "a":
            yield Text(_link(_word(element, "text"), _word(element, "href")))
        case "at":
            yield _at(said, element)
        case "img":
            yield Image(_media(said, "image", _word(element, "image_key")))
        case "media":
            yield Video(_media(said, "file", _word(element, "file_key")))
        case "emotion":
            yield Text(f"[{_word(element, 'emoji_type')}]")
        case "code_block":
            language = _word(element, "language").lower()
            yield Text(f"```{language}\n{_word(element, 'text')}\n```")
        case "hr":
            yield Text("---")
        case "button" | "note":
            yield Text(f"[{_word(element, 'text')}]")
        case other:
            raw = msgspec.json.encode(element).decode()
            yield Unsupported(f"post.{other}"[:64], raw[:RAW_CHARACTERS_MAX])


def _link(words: str, address: str) -> str:
    return address if words in {"", address} else f"[{words}]({address})"


def _at(said: Said, element: Mapping[str, Any]) -> Part:
    key = _word(element, "user_id")
    mention = _mentioned(key, said.mentions)
    if mention is not None:
        return mention
    return Mention(person_id=key, name=_word(element, "user_name"))


# --- files ---------------------------------------------------------------------------------


def _media(said: Said, kind: str, key: str, name: str = "") -> Media:
    return Media(ref=reference(said.message_id, kind, key) if key else "", name=name)


def _image(said: Said, fields: Mapping[str, Any]) -> Iterator[Part]:
    if key := _word(fields, "image_key"):
        yield Image(_media(said, "image", key))


def _file(said: Said, fields: Mapping[str, Any]) -> Iterator[Part]:
    if key := _word(fields, "file_key"):
        yield File(_media(said, "file", key, _word(fields, "file_name")))


def _audio(said: Said, fields: Mapping[str, Any]) -> Iterator[Part]:
    if key := _word(fields, "file_key"):
        yield Audio(_media(said, "file", key))


def _video(said: Said, fields: Mapping[str, Any]) -> Iterator[Part]:
    if key := _word(fields, "file_key"):
        yield Video(_media(said, "file", key, _word(fields, "file_name")))


# --- what people can read, kept beside what it was ------------------------------------------


def _readable(words: Callable[[Mapping[str, Any]], str]) -> Reader:
    """Read a kind as a line of words, followed by the whole as it came."""

    def read(said: Said, fields: Mapping[str, Any]) -> Iterator[Part]:
        if line := words(fields).strip():
            yield Text(line)
        yield _unsupported(said)

    return read


def _todo(fields: Mapping[str, Any]) -> str:
    summary = fields.get("summary")
    if not isinstance(summary, dict):
        return ""
    rows = _rows(summary.get("content"))
    words = (_word(cell, "text") for row in rows for cell in _rows(row) if isinstance(cell, dict))
    return " ".join((_word(summary, "title"), *words))


def _vote(fields: Mapping[str, Any]) -> str:
    options = [option for option in _rows(fields.get("options")) if isinstance(option, str)]
    return "\n".join((_word(fields, "topic"), *options))


def _card(said: Said, fields: Mapping[str, Any]) -> Iterator[Part]:
    """Read a card as it is shown to others: flattened, not what its sender wrote."""
    flattened = {"title": fields.get("title"), "content": fields.get("elements")}
    yield from _post(said, flattened)


Reader = Callable[[Said, Mapping[str, Any]], Iterator[Part]]

_READERS: Mapping[str, Reader] = {
    "text": _text,
    "post": _post,
    "image": _image,
    "file": _file,
    "audio": _audio,
    "media": _video,
    "interactive": _card,
    "location": _readable(lambda fields: _word(fields, "name")),
    "hongbao": _readable(lambda fields: _word(fields, "text")),
    "share_calendar_event": _readable(lambda fields: _word(fields, "summary")),
    "calendar": _readable(lambda fields: _word(fields, "summary")),
    "general_calendar": _readable(lambda fields: _word(fields, "summary")),
    "video_chat": _readable(lambda fields: _word(fields, "topic")),
    "todo": _readable(_todo),
    "vote": _readable(_vote),
    # folder, sticker, share_chat, share_user, system: nothing to read in them
    # merge_forward: see ``bundles``
}
