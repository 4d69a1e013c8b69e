"""What chats and people are called: names, never bare ids where there is any name."""

from __future__ import annotations

from posthouse.console.words import words_of
from posthouse.model.address import Chat, ChatKind
from posthouse.store.reader import EventRow

TITLE_CHARS_MAX = 80


def chat_name(chat: Chat, last: EventRow | None, language: str) -> str:
    """Name a chat: in private the other person, else its title, else its number."""
    words, title = words_of(language), chat.title.strip()
    if chat.kind is ChatKind.PRIVATE:
        name = last.sender_name if last is not None else ""
        return (name or title)[:TITLE_CHARS_MAX] or f"{words['unnamed_private']} #{chat.id}"
    return title[:TITLE_CHARS_MAX] or f"{words['unnamed_group']} #{chat.id}"


def person_name(event: EventRow, language: str) -> str:
    """Name who did something."""
    return event.sender_name or words_of(language)["somebody"]


_KINDS = {
    "pressed": "pressed",
    "reaction": "reacted",
    "members": "members_changed",
    "recalled": "took_back",
    "undecodable": "unreadable",
    "internal": "internal_event",
}


def event_text(event: EventRow, language: str) -> str:
    """Say what an event that is no message is about; the words of one that is."""
    if event.kind in _KINDS:
        return words_of(language)[_KINDS[event.kind]]
    return event.text
