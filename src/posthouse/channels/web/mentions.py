"""Who is meant by an @ in a text. Names decide, the longest first; no markup is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from posthouse.model.address import Person
from posthouse.model.message import Mention, Part, Text

BOT_ID = "bot"  # what a mention of the bot carries; no person has this id
BOT_ALIASES = ("bot",)  # understood beside the bot's own name


def bot_names(bot_name: str) -> tuple[Person, ...]:
    """Return the bot under every name that people may call it by."""
    names = dict.fromkeys((bot_name, *BOT_ALIASES))
    return tuple(Person(id=BOT_ID, name=name, is_bot=True) for name in names)


def mentioned(text: str, people: Iterable[Person]) -> tuple[Person, ...]:
    """Return those of ``people`` whose name stands behind an @ in ``text``."""
    candidates = [person for person in people if person.name]
    pattern = pattern_of(tuple(person.name for person in candidates))
    called = {found.group(1).casefold() for found in pattern.finditer(text)}
    return tuple(person for person in candidates if person.name.casefold() in called)


def split(text: str, people: tuple[Person, ...]) -> Iterator[Part]:
    """Cut a text into words and mentions."""
    by_name = {person.name.casefold(): person for person in people}
    done = 0
    for found in pattern_of(tuple(person.name for person in people)).finditer(text):
        if found.start() > done:
            yield Text(text[done : found.start()])
        person = by_name[found.group(1).casefold()]
        yield Mention(person.id, person.name, is_me=person.id == BOT_ID)
        done = found.end()
    if done < len(text):
        yield Text(text[done:])


@lru_cache(maxsize=256)
def pattern_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """Match ``@name`` of any of ``names``, not in an address, nor at a longer name's start."""
    longest_first = sorted({name for name in names if name}, key=len, reverse=True)
    ends = [re.escape(name) + _end_of(name) for name in longest_first]
    return re.compile(rf"(?<![A-Za-z0-9_])@({'|'.join(ends) or '(?!)'})", re.IGNORECASE)


def _end_of(name: str) -> str:
    """Chinese is written without spaces, so only a Latin name needs an end."""
    return r"(?![A-Za-z0-9_])" if re.match(r"[A-Za-z0-9_]", name[-1]) else ""
