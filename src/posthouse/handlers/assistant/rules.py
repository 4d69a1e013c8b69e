"""Rules of chats, as operators write them: ``/assistant hours Mon-Fri 09:00-18:00``."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import asdict, replace

from posthouse.handlers.assistant.hours import read_hours
from posthouse.knowledge.sources.catalogue import is_base_name
from posthouse.store.conduct import Rule

DEFAULT: Final = frozenset({"default", "-", "默认"})
FIELDS: Final = {
    "bases": "bases",
    "knowledge": "bases",
    "知识": "bases",
    "知识库": "bases",
    "model": "model",
    "模型": "model",
    "tone": "tone",
    "语气": "tone",
    "language": "language",
    "语言": "language",
    "hours": "hours",
    "时间": "hours",
    "questions": "questions_per_day",
    "次数": "questions_per_day",
    "tokens": "tokens_per_day",
    "额度": "tokens_per_day",
}
NO_MODEL: Final = frozenset({"none", "无", "不用"})
TONE_CHARACTERS_MAX: Final = 500
BASES_MAX: Final = 20

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"\d{1,12}")
_LANGUAGES: Final = {"zh": "zh", "中文": "zh", "en": "en", "英文": "en", "auto": "", "自动": ""}


def overlaid(below: Rule, above: Rule) -> Rule:
    """Lay one rule over another: what is set above counts."""
    return replace(
        below, **{name: value for name, value in asdict(above).items() if value is not None}
    )


def changed(rule: Rule, field: str, text: str) -> Rule | None:
    """Change one field of a rule as somebody wrote it; None when it cannot be read.

    Args:
        rule: as it is.
        field: a value of ``FIELDS``.
        text: the new value; a word of ``DEFAULT`` takes it away.
    """
    if text.strip().lower() in DEFAULT:
        return replace(rule, **{field: None})
    value = _READERS[field](text.strip())
    return None if value is None else replace(rule, **{field: value})


def _bases(text: str) -> tuple[str, ...] | None:
    names = tuple(filter(None, re.split(r"[\s,，、]+", text)))
    return names if 0 < len(names) <= BASES_MAX and all(map(is_base_name, names)) else None


def _model(text: str) -> str | None:
    if text.lower() in NO_MODEL:
        return ""
    return text if _NAME.fullmatch(text) else None


def _tone(text: str) -> str | None:
    return text if 0 < len(text) <= TONE_CHARACTERS_MAX else None


def _language(text: str) -> str | None:
    return _LANGUAGES.get(text.lower())


def _hours(text: str) -> str | None:
    return "" if text.lower() in {"always", "总是"} else text if read_hours(text) else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and _NUMBER.fullmatch(text) else None


_READERS: Final = {
    "bases": _bases,
    "model": _model,
    "tone": _tone,
    "language": _language,
    "hours": _hours,
    "questions_per_day": _number,
    "tokens_per_day": _number,
}
