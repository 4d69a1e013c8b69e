"""What commands say to people: one language, nothing that steers the terminal, any encoding."""

from __future__ import annotations

import json
import os
import sys
from contextvars import ContextVar
from typing import NoReturn, TextIO

import msgspec

from posthouse.cli.redaction import escaped
from posthouse.model.errors import OperatorMistake, PosthouseError, TryLater
from posthouse.settings.language import language_of, speakable

OK = 0
PROBLEM_FOUND = 1
USAGE = 2
OPERATOR_MISTAKE = 3
TRY_LATER = 4


class Terminal:
    """Standard output and error of a command.

    Args:
        language: ``zh`` or ``en``; by default what was last given to ``speak``. English where the
            terminal cannot show Chinese.
    """

    def __init__(
        self, language: str = "", out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self.language = speakable(language or _spoken.get(), self._out.encoding)

    @property
    def is_shown(self) -> bool:
        """Whether a person looks at standard error, so that a progress bar makes sense."""
        return self._err.isatty()

    def words(self, zh: str, en: str) -> str:
        """Return the one that this terminal reads."""
        return zh if self.language == "zh" else en

    def say(self, zh: str, en: str) -> None:
        """Write one line in the reader's language."""
        self.line(self.words(zh, en))

    def line(self, text: str = "") -> None:
        """Write text that may come from a chat, line by line, so that it steers nothing."""
        self._write(self._out, "\n".join(map(escaped, text.split("\n"))))

    def json(self, value: object) -> None:
        """Write one value for machines; ASCII, so that no terminal and no pipe mangles it."""
        self._write(self._out, json.dumps(msgspec.to_builtins(value), indent=2))

    def warn(self, zh: str, en: str) -> None:
        """Write one line to standard error."""
        self._write(self._err, "\n".join(map(escaped, self.words(zh, en).split("\n"))))

    def mistake(self, error: PosthouseError) -> int:
        """Write what is wrong and return the exit code for it."""
        sentence = error.sentence(self.language)
        self.warn(sentence, sentence)
        if isinstance(error, TryLater):
            return TRY_LATER
        return OPERATOR_MISTAKE if isinstance(error, OperatorMistake) else PROBLEM_FOUND

    def _write(self, stream: TextIO, text: str) -> None:
        encoding = stream.encoding or "utf-8"
        shown = text.encode(encoding, "replace").decode(encoding)
        try:
            stream.write(shown + "\n")
            stream.flush()
        except BrokenPipeError:
            _leave_quietly()


def _leave_quietly() -> NoReturn:
    """End as other programs do when `head` has read enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(OK)


_spoken: ContextVar[str] = ContextVar("language", default=language_of(os.environ) or "zh")


def speak(language: str) -> None:
    """Let every later ``Terminal`` speak this language: the settings are known now."""
    _spoken.set(language)
