"""Files that say which messages want an answer; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from posthouse.model.errors import OperatorMistake

LABELS_MAX = 50_000
FILE_BYTES_MAX = 64 * 1024**2


class Labelled(Struct, frozen=True):
    """A message of a file, and whether it wanted an answer."""

    text: str
    is_wanted: bool


class _Line(Struct):
    text: str
    answer: Annotated[int, Meta(ge=0, le=1)] | bool


class _Text(Struct):
    text: str


def labelled(data: bytes, name: str) -> tuple[Labelled, ...]:
    """Read lines of JSON with ``text`` and ``answer`` (1 or 0).

    Raises:
        OperatorMistake: the line that is none, and what one looks like.
    """
    decoder = msgspec.json.Decoder(_Line)
    found: list[Labelled] = []
    for number, line in _lines(data, name):
        try:
            read = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise OperatorMistake(
                f'{name}, line {number} is no label like {{"text": "…", "answer": 1}}: {problem}',
                zh=f'{name} 第 {number} 行不是 {{"text": "…", "answer": 1}} 这样的标注：{problem}',
            ) from problem
        found.append(Labelled(read.text, bool(read.answer)))
    return _some(found, name)


def messages(data: bytes, name: str, *, is_wanted: bool) -> tuple[Labelled, ...]:
    """Read messages of one kind: a JSON list of texts, lines of JSON with ``text``, or plain lines.

    Raises:
        OperatorMistake: there are none in it, or what is in it is something else.
    """
    try:
        texts = _texts(data, name)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise OperatorMistake(
            f"{name} is neither a JSON list of texts nor UTF-8 text with a message per line:"
            f" {problem}",
            zh=f"{name} 既不是 JSON 文本列表，也不是每行一条消息的 UTF-8 文本：{problem}",
        ) from problem
    return _some([Labelled(text, is_wanted) for text in texts if text.strip()], name)


def _texts(data: bytes, name: str) -> list[str]:
    beginning = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if beginning == b"[" and name.lower().endswith(".json"):
        return msgspec.json.decode(data, type=list[str])
    if beginning == b"{":
        decoder = msgspec.json.Decoder(_Text)
        return [decoder.decode(line).text for _, line in _lines(data, name)]
    return [line.decode().strip() for _, line in _lines(data, name)]


def _lines(data: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    if len(data) > FILE_BYTES_MAX:
        most = FILE_BYTES_MAX // 1024**2
        raise OperatorMistake(
            f"{name} is larger than {most} MB; split it.", zh=f"{name} 超过 {most} MB，请拆分。"
        )
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if line.strip():
            yield number, line


def _some(found: Sequence[Labelled], name: str) -> tuple[Labelled, ...]:
    if not 0 < len(found) <= LABELS_MAX:
        raise OperatorMistake(
            f"{name} holds {len(found)} messages; it takes 1 to {LABELS_MAX}.",
            zh=f"{name} 里有 {len(found)} 条消息；应为 1 到 {LABELS_MAX} 条。",
        )
    return tuple(found)
