"""In the worker: from words to the typed arguments of a command, and how that is described.

Parameters before ``*`` are taken in order; those behind it by name: ``--count 3``, ``--count=3``,
``--force``. A list takes words separated by commas, or, as the last one, all that are left.
"""

from __future__ import annotations

import enum
import inspect
import json
import math
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

_YES = frozenset({"true", "yes", "y", "on", "1", "是", "对", "开", "好"})
_NO = frozenset({"false", "no", "n", "off", "0", "否", "不", "关", "错"})
_DAYS = {"today": 0, "今天": 0, "tomorrow": 1, "明天": 1, "yesterday": -1, "昨天": -1}
_DAY = re.compile(r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+|[一-鿿]+)\s*", re.IGNORECASE)
_UNITS_S = {
    **dict.fromkeys(("s", "sec", "秒"), 1.0),
    **dict.fromkeys(("m", "min", "分", "分钟"), 60.0),
    **dict.fromkeys(("h", "hour", "hours", "小时", "时"), 3600.0),
    **dict.fromkeys(("d", "day", "days", "天", "日"), 86400.0),
    **dict.fromkeys(("w", "week", "weeks", "周"), 7 * 86400.0),
}
_NO_DEFAULT = inspect.Parameter.empty
_BY_NAME = inspect.Parameter.KEYWORD_ONLY
_ALL_LEFT = inspect.Parameter.VAR_POSITIONAL


class Usage(Exception):
    """The words do not fit the command: a stable code, the parameter, what was said, what fits."""

    def __init__(self, problem: str, name: str = "", said: str = "", wanted: str = "") -> None:
        super().__init__(problem)
        self.problem, self.name, self.said, self.wanted = problem, name, said, wanted


class Unsupported(TypeError):
    """A parameter's type cannot be read from words."""


# ── one word, one value ──────────────────────────────────────────────────────────────────────


def _bool(word: str) -> bool:
    said = word.strip().lower()
    if said in _YES or said in _NO:
        return said in _YES
    raise ValueError(word)


def _float(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(word)
    return value


def _date(word: str) -> date:
    days = _DAYS.get(word.strip().lower())
    if days is not None:
        return datetime.now().astimezone().date() + timedelta(days=days)
    return date.fromisoformat(_with_dashes(word))


def _with_dashes(word: str) -> str:
    """Write the day as ISO does: 2026/1/5 is 2026-01-05."""
    return _DAY.sub(lambda day: f"{day[1]}-{day[2]:0>2}-{day[3]:0>2}", word.strip())


def _datetime(word: str) -> datetime:
    said = _with_dashes(word)
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", said):
        today = datetime.now().astimezone().date()
        return datetime.fromisoformat(f"{today}T{said.zfill(5) if said.count(':') == 1 else said}")
    return datetime.fromisoformat(said)


def _timedelta(word: str) -> timedelta:
    said, at, seconds = word.strip(), 0, 0.0
    for found in _SPAN.finditer(said):
        if found.start() != at:
            break
        seconds += float(found[1]) * _UNITS_S[found[2].lower()]
        at = found.end()
    if not said or at != len(said):
        raise ValueError(word)
    return timedelta(seconds=seconds)


_READERS: dict[object, tuple[str, Callable[[str], object]]] = {
    str: ("text", str),
    typing.Any: ("text", str),
    _NO_DEFAULT: ("text", str),
    int: ("int", int),
    float: ("number", _float),
    bool: ("yes|no", _bool),
    date: ("date", _date),
    datetime: ("time", _datetime),
    timedelta: ("span", _timedelta),
    Path: ("path", Path),
}


class Reader:
    """Reads values of one type; ``wanted`` describes them in one word, or lists them."""

    def __init__(self, kind: object, name: str) -> None:
        self.is_list = False
        kind = _without_none(kind)
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        if origin in (list, tuple, set, frozenset, Sequence):
            self.is_list = True
            self._collect: Callable[[list[object]], object] = list if origin is Sequence else origin
            kind = inner[0] if inner else str
        elif kind in (list, tuple, set):
            self.is_list, self._collect, kind = True, typing.cast("type", kind), str
        self.wanted, self._read = _reader(kind, name)
        self.choices = _shown_of(_choices_of(kind))

    def value(self, word: str, name: str) -> object:
        """Read one word, or, for a list, what stands between its commas."""
        if not self.is_list:
            return self._one(word, name)
        pieces = [piece.strip() for piece in re.split("[,，、]", word)]
        return self.values([piece for piece in pieces if piece], name)

    def values(self, words: Sequence[str], name: str) -> object:
        """Read a list."""
        return self._collect([self._one(word, name) for word in words])

    def _one(self, word: str, name: str) -> object:
        try:
            return self._read(word)
        except (ValueError, KeyError, OverflowError):
            raise Usage("wrong", name, word[:100], self.wanted) from None


def _without_none(kind: object) -> object:
    """Return what a value is when it is there: ``X | None`` is an ``X``."""
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    kinds = [each for each in typing.get_args(kind) if each is not type(None)]
    return kinds[0] if len(kinds) == 1 else kind


def _reader(kind: object, name: str) -> tuple[str, Callable[[str], object]]:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _union([each for each in inner if each is not type(None)], name)
    if choices := _choices_of(kind):
        return _one_of(choices)
    try:
        return _READERS[kind]
    except (KeyError, TypeError):
        shown = getattr(kind, "__name__", str(kind))
        raise Unsupported(f"parameter {name}: {shown} cannot be read from words") from None


def _union(kinds: list[object], name: str) -> tuple[str, Callable[[str], object]]:
    """Try each kind in the order it is written."""
    readers = [_reader(kind, name) for kind in kinds]

    def read(word: str) -> object:
        for _, attempt in readers:
            try:
                return attempt(word)
            except (ValueError, KeyError, OverflowError):
                continue
        raise ValueError(word)

    return "|".join(wanted for wanted, _ in readers), read


def _choices_of(kind: object) -> dict[str, object]:
    """Return the values of an enumeration by how they are said; nothing for other types."""
    if typing.get_origin(kind) is typing.Literal:
        return {str(each): each for each in typing.get_args(kind)}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        by_value: dict[str, object] = {str(each.value): each for each in kind}
        return by_value | {each.name: each for each in kind}
    return {}


def _shown_of(choices: Mapping[str, object]) -> tuple[str, ...]:
    """Return each value once, as it is said first."""
    shown: dict[object, str] = {}
    for said, value in choices.items():
        shown.setdefault(value, said)
    return tuple(shown.values())


def _one_of(choices: Mapping[str, object]) -> tuple[str, Callable[[str], object]]:
    folded = {said.casefold(): value for said, value in choices.items()}
    return "|".join(_shown_of(choices)), lambda word: folded[word.casefold()]


# ── a whole command ──────────────────────────────────────────────────────────────────────────


class Arguments:
    """What a function takes, read from its signature.

    Raises:
        Unsupported: a parameter has a type that no word can be read as.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        hints = typing.get_type_hints(inspect.unwrap(function))
        self._parameters = list(inspect.signature(function).parameters.values())
        self._readers = {
            each.name: Reader(hints.get(each.name, each.annotation), each.name)
            for each in self._parameters
        }
        self._in_order = [each for each in self._parameters if each.kind is not _BY_NAME]
        self._by_name = {each.name: each for each in self._parameters if each.kind is _BY_NAME}

    def describe(self) -> list[dict[str, object]]:
        """Describe every parameter for the help."""
        return [
            {
                "name": each.name,
                "wanted": self._readers[each.name].wanted,
                "is_list": self._takes_all(each) or self._readers[each.name].is_list,
                "is_optional": each.default is not _NO_DEFAULT or each.kind is _ALL_LEFT,
                "is_named": each.kind is _BY_NAME,
                "default": _shown(each.default),
                "choices": self._readers[each.name].choices,
            }
            for each in self._parameters
            if each.kind is not inspect.Parameter.VAR_KEYWORD
        ]

    def read(self, words: Sequence[str], below: str) -> tuple[list[object], dict[str, object]]:
        """Read the arguments of one call.

        Args:
            words: what was said behind the command.
            below: the lines below; one more word, if there are any.

        Raises:
            Usage: they do not fit.
        """
        left, named = self._take_named(list(words))
        if below:
            left.append(below)
        return self._take_in_order(left), named

    def take(self, given: Mapping[str, object]) -> tuple[list[object], dict[str, object]]:
        """Read the arguments of a call in which each stands under its name.

        No value is taken for the name of another, however it begins.

        Args:
            given: what JSON can hold; null means that it was left out.

        Raises:
            Usage: they do not fit.
        """
        known = {name: value for name, value in given.items() if value is not None}
        if unknown := next((name for name in known if name not in self._readers), ""):
            raise Usage("too_many", said=unknown[:100])
        values: list[object] = []
        for each in self._in_order:
            if each.kind is _ALL_LEFT:
                words = known.get(each.name, [])
                words = words if isinstance(words, list) else [words]
                values += [self._given(each, word) for word in words]
            else:
                values.append(self._given_or_default(each, known))
        named = {n: self._given_or_default(each, known) for n, each in self._by_name.items()}
        return values, named

    def _given_or_default(self, each: inspect.Parameter, given: Mapping[str, object]) -> object:
        if each.name in given:
            return self._given(each, given[each.name])
        if each.default is _NO_DEFAULT:
            raise Usage("missing", each.name, wanted=self._readers[each.name].wanted)
        return each.default

    def _given(self, each: inspect.Parameter, value: object) -> object:
        reader = self._readers[each.name]
        if reader.is_list and isinstance(value, list):
            return reader.values([_word(one, each.name, reader) for one in value], each.name)
        return reader.value(_word(value, each.name, reader), each.name)

    def _take_named(self, words: list[str]) -> tuple[list[str], dict[str, object]]:
        left: list[str] = []
        named: dict[str, object] = {}
        coming: Iterator[str] = iter(words)
        for word in coming:
            name, equals, said = word[2:].partition("=")
            name = name.replace("-", "_")
            if not word.startswith("--") or name not in self._by_name:
                left.append(word)
                continue
            reader = self._readers[name]
            if not equals and reader.wanted == "yes|no":
                said = "yes"
            elif not equals:
                said = next(coming, "")
            named[name] = reader.value(said, name)
        for name, each in self._by_name.items():
            if name not in named and each.default is _NO_DEFAULT:
                raise Usage("missing", name, wanted=self._readers[name].wanted)
        return left, named

    def _take_in_order(self, words: list[str]) -> list[object]:
        values: list[object] = []
        for each in self._in_order:
            reader = self._readers[each.name]
            if each.kind is _ALL_LEFT:
                values += [reader.value(word, each.name) for word in words]
                words = []
            elif not words:
                if each.default is _NO_DEFAULT:
                    raise Usage("missing", each.name, wanted=reader.wanted)
                values.append(each.default)
            elif self._takes_all(each) and len(words) > 1:
                values.append(reader.values(words, each.name))
                words = []
            else:
                values.append(reader.value(words.pop(0), each.name))
        if words:
            raise Usage("too_many", said=words[0][:100])
        return values

    def _takes_all(self, each: inspect.Parameter) -> bool:
        """Whether it takes all words that are left."""
        is_last = self._in_order and each is self._in_order[-1]
        return each.kind is _ALL_LEFT or bool(is_last and self._readers[each.name].is_list)


def _word(value: object, name: str, reader: Reader) -> str:
    """Write a value of JSON as it would be said."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    raise Usage("wrong", name, json.dumps(value, ensure_ascii=False)[:100], reader.wanted)


def _shown(default: object) -> str:
    """Write a default as it could be said."""
    if default is _NO_DEFAULT or default is None:
        return ""
    if isinstance(default, enum.Enum):
        return str(default.value)
    if isinstance(default, timedelta):
        return _span(default)
    if isinstance(default, list | tuple | set | frozenset):
        return ",".join(map(_shown, default))
    if isinstance(default, str | int | float | bool):
        return json.dumps(default, ensure_ascii=False) if default == "" else str(default)
    return str(default)


def _span(span: timedelta) -> str:
    """Write a span as ``_timedelta`` reads it: 1d2h, 90.5s."""
    written, left_s = "", span.total_seconds()
    for unit in ("d", "h", "m"):
        count, left_s = divmod(left_s, _UNITS_S[unit])
        written += f"{count:.0f}{unit}" if count else ""
    return written + f"{left_s:g}s" if left_s or not written else written
