"""The log: every record has a stable code, fields, and a sentence in the house's language.

Modules write ``structlog.get_logger().warning("code", field=value)``; the sentences stand in
``log_sentences.py``. A thread of its own writes the lines, so a terminal that is not read, or a
slow disk, never holds up a message.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import UTC, datetime, tzinfo
from typing import Any, TextIO

import structlog

from posthouse.cli.log_sentences import LOG_SENTENCES
from posthouse.cli.redaction import Redaction, escaped, escaped_json
from posthouse.settings.language import speakable
from posthouse.settings.settings import LogSettings

LINES_MAX = 10_000  # that wait to be written; more are counted and left out
FLUSH_WITHIN_S = 1.0
TRACE_MAX = 20_000  # characters of a traceback

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_NAMES = {
    "debug": ("调试", "DEBUG", "2"),
    "info": ("信息", "INFO ", "32"),
    "warning": ("警告", "WARN ", "33"),
    "error": ("错误", "ERROR", "31"),
    "critical": ("错误", "ERROR", "31"),
}


class LineWriter:
    """Writes lines to a stream from a thread of its own; never raises, never waits."""

    def __init__(self, stream: TextIO, lines_max: int = LINES_MAX) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(lines_max)
        self._left_out = 0
        self.hide: Callable[[Iterable[str]], None] = lambda _: None  # told of later secrets
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue one line; when too many wait it is left out and counted."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def close(self) -> None:
        """Write what waits, for at most ``FLUSH_WITHIN_S``."""
        try:
            self._lines.put(None, timeout=FLUSH_WITHIN_S)
        except queue.Full:
            return
        self._thread.join(FLUSH_WITHIN_S)

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            left_out, self._left_out = self._left_out, 0
            if left_out:
                self._put(
                    f"… {left_out} lines left out: they came faster than they could be written"
                )
            self._put(line)

    def _put(self, line: str) -> None:
        try:
            encoding = self._stream.encoding or "utf-8"
            self._stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads any more; there is no better place to say so


class Renderer:
    """Turns a record into one line; whatever it is given, it returns something to read."""

    def __init__(
        self,
        *,
        language: str,
        is_json: bool,
        is_coloured: bool = False,
        zone: tzinfo = UTC,
        redaction: Redaction | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._language = language
        self._is_json = is_json
        self._is_coloured = is_coloured
        self._zone = zone
        self._redaction = redaction or Redaction()
        self._clock = clock

    def __call__(self, _logger: object, level: str, record: MutableMapping[str, Any]) -> str:
        try:
            return self._line(level, dict(record))
        except Exception as error:  # noqa: BLE001 - a log line must never break what it tells of
            return escaped(f"log_failed: {type(error).__name__} while writing {level}")

    def _line(self, level: str, record: dict[str, Any]) -> str:
        code = str(record.pop("event", ""))
        trace = str(record.pop("traceback", "")) or _traceback(record.pop("exc_info", None))
        record.pop("exc_info", None)
        fields = {name: self._redaction.field(name, value) for name, value in record.items()}
        sentence = self._sentence(code, fields)
        trace = self._redaction.text(trace, characters_max=TRACE_MAX)
        at = datetime.fromtimestamp(self._clock(), self._zone)
        if self._is_json:
            return _as_json(at, level, code, sentence, fields, trace)
        return self._as_text(at, level, code, sentence, fields, trace)

    def _sentence(self, code: str, fields: Mapping[str, object]) -> str:
        said = LOG_SENTENCES.get(code)
        if said is None:
            return self._redaction.text(code)
        return said(self._language).format_map(_Fields(fields))

    def _as_text(
        self,
        at: datetime,
        level: str,
        code: str,
        sentence: str,
        fields: Mapping[str, object],
        trace: str,
    ) -> str:
        zh, en, colour = _NAMES.get(level, ("", level, "0"))
        name = zh if self._language == "zh" else en
        if self._is_coloured:
            name = f"\x1b[{colour}m{name}\x1b[0m"
        shown = "".join(f" {key}={_bare(value)}" for key, value in fields.items())
        tail = escaped(f"{sentence}  [{code}]{shown}")
        lines = [f"{at:%H:%M:%S} {name} {tail}"]
        lines += (f"    {escaped(line)}" for line in trace.splitlines())
        return "\n".join(lines)


class _Fields(dict[str, object]):
    """Fields for a sentence; one that is missing shows as a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def _bare(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return json.dumps(text, ensure_ascii=False) if not text or " " in text else text


def _as_json(
    at: datetime,
    level: str,
    code: str,
    sentence: str,
    fields: Mapping[str, object],
    trace: str,
) -> str:
    record: dict[str, object] = {
        "at": at.isoformat(timespec="milliseconds"),
        "level": level,
        "code": code,
        "text": sentence,
        **{name: value for name, value in fields.items() if name not in _OWN_NAMES},
    }
    if trace:
        record["traceback"] = trace
    # What json leaves as it is still steers a terminal that shows the file.
    return escaped_json(json.dumps(record, ensure_ascii=False, default=str))


_OWN_NAMES = frozenset({"at", "level", "code", "text", "traceback"})


def _traceback(problem: object) -> str:
    if isinstance(problem, BaseException):
        return "".join(traceback.format_exception(problem)).rstrip()
    if isinstance(problem, tuple) and problem and problem[0] is not None:
        return "".join(traceback.format_exception(*problem)).rstrip()
    if problem is True and sys.exc_info()[0] is not None:
        return traceback.format_exc().rstrip()
    return ""


class _Logger:
    """What structlog writes rendered lines with."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = write
        self.msg = self.exception = self.err = self.fatal = write


class _FromLibraries(logging.Handler):
    """What libraries log becomes a record like every other."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        try:
            said = record.getMessage()
        except Exception:  # noqa: BLE001 - a library's wrong format string is not our crash
            said = str(record.msg)
        level = "error" if record.levelno >= logging.ERROR else "warning"
        write = getattr(structlog.get_logger(), level)
        write("library", library=record.name, said=said, exc_info=record.exc_info)


def configure_logs(
    settings: LogSettings,
    *,
    language: str,
    secrets: Iterable[str] = (),
    zone: tzinfo = UTC,
    stream: TextIO | None = None,
) -> LineWriter:
    """Let everything that is logged from now on be written; returns what to close at the end.

    Args:
        settings: level and format.
        language: ``zh`` or ``en``; English where the stream cannot carry Chinese.
        secrets: values that must not be shown.
        zone: whose time is written.
        stream: standard error unless given.
    """
    stream = stream or sys.stderr
    writer = LineWriter(stream)
    redaction = Redaction(secrets)
    writer.hide = redaction.learn
    is_terminal = stream.isatty()
    renderer = Renderer(
        language=speakable(language, stream.encoding),
        is_json=settings.format == "json" or (settings.format == "auto" and not is_terminal),
        is_coloured=is_terminal and not os.environ.get("NO_COLOR"),
        zone=zone,
        redaction=redaction,
    )
    structlog.configure(
        processors=[renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=lambda *_names: _Logger(writer.write),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_FromLibraries()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    atexit.register(writer.close)
    return writer
