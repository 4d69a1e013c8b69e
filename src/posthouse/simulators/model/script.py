"""What a pretended model says, and what goes wrong while it does."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec
from msgspec import Struct

LINES_MAX = 1000
QUOTED_MAX = 400
SENTENCE = re.compile(r".+?(?:[。！？]+[”’」』）]*|[.!?](?=\s)|$)\s*", re.DOTALL)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]{2,}")
NO_PROSE = ("```", "~~~", "|", "#", "- ")  # how paragraphs begin that hold no sentences
SOURCE = re.compile(r"\[1\][^\n]*\n+(?P<text>[^\n]+(?:\n(?!\[2\]|\n)[^\n]+)*)")


class Fault(StrEnum):
    """What goes wrong with an answer."""

    NONE = ""
    BUSY = "busy"  # 429 with a Retry-After
    BROKEN = "broken"  # 503
    REFUSED = "refused"  # 401, as for a wrong key
    SILENT = "silent"  # the request is taken, and nothing comes
    CUT = "cut"  # the connection is reset in the middle of the answer
    UNFINISHED = "unfinished"  # the stream ends without a reason
    GARBAGE = "garbage"  # a chunk in the middle is no JSON


class Call(Struct, frozen=True):
    """A function that the model asks for; ``arguments`` is JSON, or what is to be sent as it."""

    name: str
    arguments: str


class Line(Struct, frozen=True, kw_only=True):
    """What is said to a conversation whose newest message matches ``pattern``."""

    pattern: str = ""
    text: str = ""
    calls: tuple[Call, ...] = ()
    fault: Fault = Fault.NONE
    retry_after_s: float = 0.0
    pause_s: float = 0.0  # before each piece
    times: int = 0  # used so often; 0 for always


class Message(Struct, frozen=True):
    """A message of a request, with its words as one text."""

    role: str
    text: str


class Script:
    """Lines in order; the first that fits is said. Where none does, the model quotes."""

    def __init__(self, *lines: Line, is_strict: bool = False) -> None:
        self._lines: list[list[object]] = []
        self._is_strict = is_strict
        for line in lines:
            self.add(line)

    def add(self, line: Line) -> None:
        """Add a line behind the others.

        Raises:
            ValueError: there are too many, or its pattern is no regular expression.
        """
        if len(self._lines) >= LINES_MAX:
            raise ValueError(f"a script has at most {LINES_MAX} lines")
        try:
            self._lines.append([line, re.compile(line.pattern, re.DOTALL), line.times])
        except re.error as problem:
            raise ValueError(f"{line.pattern!r} is no regular expression: {problem}") from None

    def clear(self) -> None:
        """Forget all lines."""
        self._lines.clear()

    def line_for(self, messages: tuple[Message, ...]) -> Line | None:
        """Return what to say; None where a strict script knows nothing."""
        newest = messages[-1].text if messages else ""
        for entry in self._lines:
            line, pattern, left = entry
            assert isinstance(line, Line)
            assert isinstance(pattern, re.Pattern)
            if (line.times and not left) or not pattern.search(newest):
                continue
            entry[2] = int(str(left)) - 1
            return line
        return None if self._is_strict else Line(text=quotation(messages))


class _Source(Struct):
    text: str


class _Told(Struct):
    sources: list[_Source]
    question: str = ""


def quotation(messages: tuple[Message, ...]) -> str:
    """Answer as a small model would: in the asker's language, with sentences of the first source.

    Sources come as JSON with a list of that name, or as ``[1]`` and the words below it.
    """
    for message in reversed(messages):
        told = _told(message.text)
        if told.sources and (text := told.sources[0].text.strip()):
            return " ".join(f"{each} [1]" for each in _sentences(text, told.question))
    return "I am a pretended model, and nobody told me anything to answer from."


def _told(text: str) -> _Told:
    try:
        return msgspec.json.decode(text, type=_Told)
    except msgspec.MsgspecError:
        found = SOURCE.search(text)
        return _Told([_Source(found["text"])] if found else [])


def _sentences(text: str, question: str) -> list[str]:
    """Return as many whole sentences as may be quoted; of one too long, whole words."""
    quoted: list[str] = []
    for sentence in _alike(_prose(text), question):
        if sum(map(len, quoted)) + len(sentence) > QUOTED_MAX:
            break
        quoted.append(sentence)
    return quoted or [" ".join(text[:QUOTED_MAX].split()[:-1]) or text[:QUOTED_MAX]]


def _prose(text: str) -> list[str]:
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text)]
    prose = [part for part in paragraphs if not part.startswith(NO_PROSE)] or paragraphs
    found = (each for part in prose for each in SENTENCE.findall(" ".join(part.split())))
    return [sentence.strip() for sentence in found if sentence.strip()]


def _alike(sentences: list[str], question: str) -> list[str]:
    """Keep to the language of the question, where anything is written in it."""
    alike = [each for each in sentences if _is_chinese(each) == _is_chinese(question)]
    return alike if question and alike else sentences


def _is_chinese(text: str) -> bool:
    return len(CHINESE.findall(text)) > len(LATIN.findall(text))


def pieces(text: str) -> list[str]:
    """Cut a text as models do: a few characters at a time."""
    return re.findall(r"\s*[^\s]{1,6}|\s+$", text) or ([text] if text else [])
