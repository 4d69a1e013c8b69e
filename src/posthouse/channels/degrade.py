"""Make content fit a platform: in length, in format, in buttons, in files. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from posthouse.channels.markup import MARKDOWN_CHARACTERS_MAX, to_plain
from posthouse.channels.paging import split_text
from posthouse.model.capabilities import Capabilities
from posthouse.model.message import Choice, Content


def split(content: Content, capabilities: Capabilities) -> tuple[Content, ...]:
    """Return the platform messages that say ``content``, at least one, each within the limits.

    Words come first and carry the buttons at their end; a file follows as a message of its own.
    People are mentioned in the first.

    Raises:
        ValueError: ``capabilities.text_max`` is below ``paging.TEXT_MAX_LEAST``.
    """
    content = _without_media(content, capabilities)
    content = _in_known_format(content, capabilities)
    content = _without_buttons(content, capabilities)
    texts = split_text(content.text, capabilities, is_markdown=content.format == "markdown")
    parts = [Content(text, content.format) for text in texts]
    if parts:
        parts[-1] = replace(parts[-1], choices=content.choices)
    if content.media is not None:
        choices = () if parts else content.choices
        parts.append(Content(format=content.format, media=content.media, choices=choices))
    if not parts:
        return (content,)
    parts[0] = replace(parts[0], mentions=content.mentions)
    return tuple(parts)


def _without_media(content: Content, capabilities: Capabilities) -> Content:
    if content.media is None or capabilities.has_media:
        return content
    name = content.media.name or content.media.mime or "file"
    return replace(content, media=None, text=_appended(content.text, f"📎 {name}"))


def _in_known_format(content: Content, capabilities: Capabilities) -> Content:
    if content.format == "plain":
        return content
    if len(content.text) > MARKDOWN_CHARACTERS_MAX:
        return replace(content, format="plain")
    if capabilities.has_markdown:
        return content
    return replace(content, text=to_plain(content.text), format="plain")


def _without_buttons(content: Content, capabilities: Capabilities) -> Content:
    """Turn choices into a numbered list when not all of them fit: half of them mislead."""
    if len(content.choices) <= capabilities.choices_max:
        return content
    return replace(content, choices=(), text=_appended(content.text, numbered(content.choices)))


def numbered(choices: tuple[Choice, ...]) -> str:
    """Write choices as a list of numbers to type."""
    return "\n".join(
        f"{number}. {' '.join(choice.label.split())}" for number, choice in enumerate(choices, 1)
    )


def _appended(text: str, more: str) -> str:
    return f"{text.rstrip()}\n\n{more}" if text.strip() else more
