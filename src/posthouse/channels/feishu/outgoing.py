"""Answers as Feishu's messages: which kind of message, and its content. Pure.

Source: open.feishu.cn, "Send message", "Message content" and "Card JSON 2.0". Plain words are a
text; Markdown and buttons are a card, which alone shows tables, headings and code as they were
meant; a file is uploaded first, so its message is finished when the call is made.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec
from msgspec import Struct

from posthouse.channels.channel import Letter
from posthouse.channels.feishu.codec import BUTTON_FIELD
from posthouse.channels.feishu.emojis import name_of
from posthouse.channels.feishu.rendering import escaped, to_card_markdown
from posthouse.channels.feishu.settings import CARD_BYTES_MAX
from posthouse.channels.markup import to_plain
from posthouse.model.delivery import Kind
from posthouse.model.message import Choice, Content, Media

ELEMENT_ID = "answer"  # of the component that grows
SUMMARY_CHARACTERS_MAX = 100
TOAST_CHARACTERS_MAX = 200
PICTURE_BYTES_MAX = 10 * 1024 * 1024  # larger ones go as files
PICTURES = frozenset(
    f"image/{kind}" for kind in ("jpeg", "png", "webp", "gif", "bmp", "x-icon", "tiff", "heic")
)
# In a text these would be tags, links or mentions; such words are sent as a post, which has none.
_SPECIAL = re.compile(r"[<>&\[]")


class Form(StrEnum):
    """The kinds of message that we send, by Feishu's ``msg_type``, and what is none."""

    TEXT = "text"
    POST = "post"
    CARD = "interactive"
    IMAGE = "image"
    FILE = "file"
    FILM = "media"
    VOICE = "audio"
    EMOJI = "emoji"  # below the message ``reply_to``; no message of its own


class Outgoing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message as it is stored before it leaves."""

    to: str  # a chat (oc_…) or a person (ou_…)
    form: Form
    content: str = ""  # JSON, as the platform takes it
    reply_to: str = ""  # the message that is answered
    is_in_thread: bool = False
    media: Media | None = None  # uploaded when the call is made
    words: str = ""  # as a card says them
    plain: str = ""  # as a text says them: for new words of a message that was sent as one


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Outgoing)


def encode(content: Content, letter: Letter) -> bytes:
    """Write a message without what a call adds to it: the key, and the keys of its files."""
    if letter.kind is Kind.REACT:
        return _ENCODER.encode(_emoji(content, letter))
    plain = _plain(content) if content.media is None else ""
    form, text = _form(content, letter, plain)
    return _ENCODER.encode(
        Outgoing(
            to=letter.chat.platform_id,
            form=form,
            content=text,
            reply_to=_reply_to(letter),
            is_in_thread=bool(letter.thread),
            media=content.media,
            words=_words(content) if content.media is None else "",
            plain=plain,
        )
    )


def _emoji(content: Content, letter: Letter) -> Outgoing:
    return Outgoing(
        to=letter.chat.platform_id,
        form=Form.EMOJI,
        content=_json({"reaction_type": {"emoji_type": name_of(content.text)}}),
        reply_to=letter.quote_message_id,
    )


def decode(body: bytes) -> Outgoing:
    """Read back what ``encode`` wrote.

    Raises:
        msgspec.MsgspecError: it did not.
    """
    return _DECODER.decode(body)


def _reply_to(letter: Letter) -> str:
    """Inside a thread every message is a reply; elsewhere only what quotes."""
    if letter.quote_message_id or not letter.thread:
        return letter.quote_message_id
    return letter.reply_context.token if letter.reply_context is not None else ""


def _form(content: Content, letter: Letter, plain: str) -> tuple[Form, str]:
    if content.media is not None:
        return _form_of_file(content.media), ""
    is_growing = letter.kind in {Kind.DRAFT, Kind.SETTLE}
    if is_growing or content.choices or _needs_card(content, plain):
        return Form.CARD, card(content)
    if _SPECIAL.search(plain):
        return Form.POST, _post(plain, content)
    mentions = "".join(
        f'<at user_id="{person.id}">{_SPECIAL.sub("", person.name)}</at> '
        for person in content.mentions
    )
    return Form.TEXT, _json({"text": mentions + plain})


def _form_of_file(media: Media) -> Form:
    """Say how people get a file: pictures and films as such, if the platform takes them."""
    if media.mime in PICTURES and media.size_bytes <= PICTURE_BYTES_MAX:
        return Form.IMAGE
    if media.mime == "video/mp4":
        return Form.FILM
    return Form.VOICE if media.name.lower().endswith(".opus") else Form.FILE


def _needs_card(content: Content, plain: str) -> bool:
    """Say whether a text would lose something without its marks."""
    return content.format != "plain" and plain.strip() != content.text.strip()


def _post(text: str, content: Content) -> str:
    people = [{"tag": "at", "user_id": person.id} for person in content.mentions]
    first, *rest = ([{"tag": "text", "text": line}] for line in text.split("\n"))
    written = _json({"zh_cn": {"content": [[*people, *first], *rest]}})
    if _fits(written):
        return written
    whole = {"tag": "text", "text": text}  # a row for each of very many lines costs too much
    return _json({"zh_cn": {"content": [[*people, whole]]}})


def as_post(outgoing: Outgoing) -> str:
    """Write new words for a message that was sent as a text or post, whatever they are now."""
    return _post(outgoing.plain, Content())


def as_card(outgoing: Outgoing) -> str:
    """Write new words for a message that was sent as a card, whatever they are now."""
    if outgoing.form is Form.CARD:
        return outgoing.content
    plain = Content(outgoing.plain, "plain")
    written = _card(plain, {"tag": "markdown", "content": outgoing.words})
    return written if _fits(written) else card(plain)


# --- cards ---------------------------------------------------------------------------------


def card(content: Content) -> str:
    """Write a card: the words, the buttons below, and how it is shown in the list of chats."""
    written = _card(content, {"tag": "markdown", "content": _words(content)})
    if _fits(written):
        return written
    # Signs with a meaning are written longer; where they are very many, they go without it.
    return _card(content, {"tag": "div", "text": _plain_text(_plain(content))})


def _card(content: Content, words: dict[str, object]) -> str:
    config = {"update_multi": True, "summary": {"content": _summary(content)}}
    elements = [
        {**words, "element_id": ELEMENT_ID},
        *(_button(choice) for choice in content.choices),
    ]
    return _json({"schema": "2.0", "config": config, "body": {"elements": elements}})


def _fits(written: str) -> bool:
    """Say whether a content is short enough as part of a request, where it is written once more."""
    return len(_json(written).encode()) <= CARD_BYTES_MAX


def _plain_text(text: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": text}


def streaming(written: str) -> str:
    """Let a card grow: its words are shown as if somebody typed them."""
    fields = msgspec.json.decode(written)
    fields["config"]["streaming_mode"] = True
    return _json(fields)


def _words(content: Content) -> str:
    people = "".join(f"<at id={person.id}></at> " for person in content.mentions)
    is_plain = content.format == "plain"
    return people + (escaped(content.text) if is_plain else to_card_markdown(content.text))


def _summary(content: Content) -> str:
    return " ".join(_plain(content).split())[:SUMMARY_CHARACTERS_MAX]


def _plain(content: Content) -> str:
    return content.text if content.format == "plain" else to_plain(content.text)


def _button(choice: Choice) -> dict[str, object]:
    return {
        "tag": "button",
        "text": _plain_text(choice.label),
        "behaviors": [{"type": "callback", "value": {BUTTON_FIELD: choice.token}}],
    }


def entity(card_id: str) -> str:
    """Write the message that shows a card which was created before."""
    return _json({"type": "card", "data": {"card_id": card_id}})


def toast(text: str) -> bytes:
    """Write the answer to a press that shows a few words to whoever pressed."""
    return _json({"toast": {"type": "info", "content": text[:TOAST_CHARACTERS_MAX]}}).encode()


def file_content(form: Form, key: str) -> str:
    """Write the message of an uploaded file."""
    return _json({"image_key" if form is Form.IMAGE else "file_key": key})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
