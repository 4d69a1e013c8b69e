"""What people say to steer the bot, recognised without a handler."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from posthouse.settings.settings import WordsSettings


class Order(StrEnum):
    """What a control word asks for."""

    RECALL = "recall"
    STOP = "stop"
    NEW = "new"
    PAUSE = "pause"
    RESUME = "resume"
    MODE = "mode"
    GRANT = "grant"
    BLOCK = "block"
    REVOKE = "revoke"
    GRANTS = "grants"
    CLAIM = "claim"
    ASSISTANT = "assistant"


class ControlWord(Struct, frozen=True):
    """An order, and what stood behind it."""

    order: Order
    argument: str = ""


_ORDERS = frozenset(order.value for order in Order)
TEXT_MAX = 2000  # characters; a longer message is no order

_MENTION = re.compile(r"@\S+")
_SPAN = re.compile(r"^(\d{1,6})\s*(s|m|min|h|d|秒|分|分钟|小时|天)?$")
_SECONDS = {
    "s": 1,
    "秒": 1,
    "m": 60,
    "min": 60,
    "分": 60,
    "分钟": 60,
    "h": 3600,
    "小时": 3600,
    "d": 86400,
    "天": 86400,
}


def bare(text: str) -> str:
    """Return the letters of a text, lower-cased: no mentions, spaces or punctuation."""
    without_mentions = _MENTION.sub("", text) if "@" in text else text
    return "".join(filter(str.isalnum, without_mentions)).lower()


def split_prefix(text: str, words: WordsSettings) -> tuple[str, str] | None:
    """Split ``/name rest`` into name and rest; None where no prefix stands in front."""
    stripped = text.strip()
    for prefix in words.prefixes:
        if stripped.startswith(prefix) and len(stripped) > len(prefix):
            name, *rest = stripped[len(prefix) :].split(maxsplit=1)
            return name.lower(), "".join(rest)
    return None


def control_word(text: str, words: WordsSettings, *, is_addressed: bool) -> ControlWord | None:
    """Recognise an order. A stop word counts only when the bot is addressed."""
    command = split_prefix(text, words)
    if command is not None and command[0] in _ORDERS:
        return ControlWord(Order(command[0]), command[1])
    if len(text) > TEXT_MAX:
        return None
    letters = bare(text)
    recalls = _bare_words(words.recall)
    if letters in recalls or (words.recall_contains and any(word in letters for word in recalls)):
        return ControlWord(Order.RECALL)
    if is_addressed and letters in _bare_words(words.stop):
        return ControlWord(Order.STOP)
    return None


@lru_cache(maxsize=16)
def _bare_words(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(bare, words)) - {""}


def span_s(text: str) -> float | None:
    """Read ``30``, ``30m``, ``2 小时`` (a bare number means minutes); None when it is no span."""
    found = _SPAN.match(text.strip().lower())
    if found is None:
        return None
    return float(int(found[1]) * _SECONDS[found[2] or "m"])
