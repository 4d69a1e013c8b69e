"""What a message is made of, coming in (parts) and going out (content)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from posthouse.model.address import Person


class Media(Struct, frozen=True, omit_defaults=True):
    """A file by reference; its bytes are fetched only when somebody asks."""

    ref: str  # "sha256:<hex>" when stored here, else the channel's own reference
    name: str = ""
    mime: str = ""
    size_bytes: int = 0


class Text(Struct, frozen=True, tag="text"):
    """Plain words."""

    text: str


class Mention(Struct, frozen=True, tag="mention", omit_defaults=True):
    """Somebody addressed with @; ``is_me`` only when the id is the bot's own."""

    person_id: str
    name: str = ""
    is_me: bool = False


class Image(Struct, frozen=True, tag="image"):
    """A picture."""

    media: Media


class File(Struct, frozen=True, tag="file"):
    """A document."""

    media: Media


class Audio(Struct, frozen=True, tag="audio", omit_defaults=True):
    """A voice message; ``text`` is the platform's transcript where it gives one."""

    media: Media
    text: str = ""


class Video(Struct, frozen=True, tag="video"):
    """A film."""

    media: Media


class Quote(Struct, frozen=True, tag="quote", omit_defaults=True):
    """The message being replied to; ``is_mine`` when this bot sent it."""

    message_id: str
    text: str = ""
    sender_id: str = ""
    is_mine: bool = False


class Unsupported(Struct, frozen=True, tag="unsupported"):
    """A part this version does not know, kept as it came."""

    kind: str
    raw: str


Part = Text | Mention | Image | File | Audio | Video | Quote | Unsupported


def plain_text(parts: tuple[Part, ...]) -> str:
    """Return the words of a message without mentions of the bot itself."""
    words: list[str] = []
    for part in parts:
        match part:
            case Text(text=text):
                words.append(text)
            case Mention(name=name, is_me=False):
                words.append(f"@{name}")
            case Audio(text=text) if text:
                words.append(text)
            case _:
                pass
    return " ".join(word.strip() for word in words if word.strip())


class Choice(Struct, frozen=True):
    """One button: what it says, and the opaque token (<= 24 bytes) that a press brings back."""

    label: str
    token: str


class Content(Struct, frozen=True, omit_defaults=True):
    """What one platform message says: words, or one file, with buttons below."""

    text: str = ""
    format: Literal["plain", "markdown"] = "markdown"
    media: Media | None = None
    choices: tuple[Choice, ...] = ()
    mentions: tuple[Person, ...] = ()
