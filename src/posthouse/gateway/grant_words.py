"""How people write down who may do what until when, in chats and on the command line."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import datetime, timedelta

from msgspec import Struct

from posthouse.gateway.words import span_s
from posthouse.model.address import Person
from posthouse.model.message import Mention, Part, Text
from posthouse.model.permission import ANY, DOOR, Field, Subject, SubjectKind

COMMANDS = "commands"  # the handler that scenes belong to, unless another is named
EVERYBODY = frozenset({"everyone", "everybody", "all", "所有人", "大家"})
HERE = frozenset({"chat", "本群", "这里", "here"})
ME = frozenset({"me", "我"})
UNTIL = frozenset({"until", "till", "直到", "到"})
FROM = frozenset({"from", "从"})

_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_SPAN = re.compile(r"\d+[^\d\s]+")  # ``span_s`` takes a bare number for minutes; here it is no span
_NAME = re.compile(r"[^\s.:]{1,64}|\*")
NAME_CHARS_MAX = 200

Word = str | Mention


class GrantWords(Struct, frozen=True):
    """What an order says, read."""

    subject: Subject
    field: Field
    from_at: float | None
    until_at: float | None
    name: str  # how the subject was called


def words_of(parts: tuple[Part, ...]) -> tuple[Word, ...]:
    """Return what stands behind an order: words, and people who were mentioned."""
    words: list[Word] = []
    for part in parts:
        if isinstance(part, Text):
            words += part.text.split()
        elif isinstance(part, Mention) and not part.is_me:
            words.append(part)
    return tuple(words[1:])


def read_grant(
    words: tuple[Word, ...], chat: int, bot: str, me: Person, now: float
) -> GrantWords | None:
    """Read ``@person scene.command until 2026-12-01``; None when it says something else.

    Args:
        words: what stands behind ``/grant``.
        chat: the chat that "chat" means.
        bot: the bot that the grant is for.
        me: the person that "me" means.
        now: from when spans count.
    """
    if len(words) < 2:  # noqa: PLR2004 - who and what
        return None
    subject = read_subject(words[0], chat, me)
    rest = [word for word in words[1:] if isinstance(word, str)]
    at = next((n for n, word in enumerate(rest) if _begins_times(word)), len(rest))
    field = read_field(rest[:at], bot)
    times = read_times(rest[at:], now)
    if subject is None or field is None or times is None or len(rest) != len(words) - 1:
        return None
    name = words[0].name if isinstance(words[0], Mention) else ""
    return GrantWords(subject, field, *times, name)


def read_subject(word: Word, chat: int | None = None, me: Person | None = None) -> Subject | None:
    """Read who: a mention, ``person:ou_1``, ``people:ops``, ``chat:7``, ``chat``, ``everyone``."""
    if isinstance(word, Mention):
        is_one = word.person_id not in {"", ANY}  # a platform's own sign for everybody is no id
        return Subject(SubjectKind.PERSON, word.person_id) if is_one else None
    if word in EVERYBODY:
        return Subject(SubjectKind.PERSON, ANY)
    if word in HERE and chat is not None:
        return Subject(SubjectKind.CHAT, str(chat))
    if word in ME and me is not None:
        return Subject(SubjectKind.PERSON, me.id)
    kind, _, name = word.partition(":")
    is_named = 0 < len(name) <= NAME_CHARS_MAX and (kind != "chat" or _is_number(name))
    return Subject(SubjectKind(kind), name) if kind in tuple(SubjectKind) and is_named else None


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal()  # as chats are numbered in the book


def read_field(words: list[str], bot: str) -> Field | None:
    """Read what: ``*``, ``scene``, ``scene.command``, ``scene command``, or ``handler:demo``."""
    handler = ""
    if words and words[0].startswith("handler:"):
        handler, words = words[0].removeprefix("handler:"), words[1:]
        if not is_name(handler):
            return None
    elif not words:
        return None
    if any(_SPAN.fullmatch(word) for word in words):  # rather a time that is written wrong
        return None
    names = [name for word in words for name in (word.split(".") if word != "." else [word])]
    if len(names) > 2 or not all(map(is_name, names)):  # noqa: PLR2004
        return None
    scene, command = (*names, ANY, ANY)[:2]
    if not handler:
        handler = ANY if scene == ANY else COMMANDS
    return Field(bot=bot, handler=handler, scene=scene, command=command)


def read_times(words: list[str], now: float) -> tuple[float | None, float | None] | None:
    """Read from when until when: ``until 2026-12-01``, ``30d``, ``from 2026-11-25 until …``."""
    from_at: float | None = None
    until_at: float | None = None
    words = [*words]
    while words:
        word = words.pop(0)
        is_start = word in FROM
        if word in FROM | UNTIL:
            if not words:
                return None
            word = words.pop(0)
        if words and _DATE.fullmatch(word) and ":" in words[0]:
            word = f"{word} {words.pop(0)}"
        at = read_time(word, now, is_end=not is_start)
        if at is None:
            return None
        if is_start:
            from_at = at
        else:
            until_at = at
    return None if is_never(from_at, until_at, now) else (from_at, until_at)


def is_never(from_at: float | None, until_at: float | None, now: float) -> bool:
    """Whether a line would end before it begins, or has ended."""
    return until_at is not None and until_at <= max(now, from_at or now)


def is_name(word: str) -> bool:
    """Whether this may be a handler, a scene or a command: one word without a dot, or ``*``."""
    return _NAME.fullmatch(word) is not None


def is_bot(name: str, bots: Container[str]) -> bool:
    """Whether a line may be about this bot: there is one of the name, or it is ``*``."""
    return name == ANY or name in bots


def read_time(text: str, now: float, *, is_end: bool) -> float | None:
    """Read a date, a date and a time, or a span from now; None when it is none of them.

    A date alone means the whole day: as an end, its last moment. Times are those of the place
    where the house is (the process runs in it).
    """
    if _SPAN.fullmatch(text):
        wait_s = span_s(text)
        return None if wait_s is None else now + wait_s
    if not _DATE.match(text):
        return None
    try:
        date, _, clock = text.partition(" ")
        year, month, day = map(int, date.split("-"))
        at = datetime(year, month, day)  # noqa: DTZ001 - the house's own time
        if clock:
            hour, minute = map(int, clock.split(":"))
            return at.replace(hour=hour, minute=minute).timestamp()
        return (at + timedelta(days=1) if is_end else at).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _begins_times(word: str) -> bool:
    is_time = _DATE.fullmatch(word) or (_SPAN.fullmatch(word) and span_s(word) is not None)
    return word in FROM | UNTIL or bool(is_time)


def describe(field: Field) -> str:
    """Write a field as people do: ``deploy.start``, ``handler:demo``, ``*``."""
    if field.scene == DOOR:
        return f"door:{field.handler}"
    parts = [] if field.handler in {ANY, COMMANDS} else [f"handler:{field.handler}"]
    if field.scene != ANY:
        parts.append(field.scene if field.command == ANY else f"{field.scene}.{field.command}")
    elif field.handler == COMMANDS:
        parts.append(f"handler:{COMMANDS}")
    return " ".join(parts) or ANY
