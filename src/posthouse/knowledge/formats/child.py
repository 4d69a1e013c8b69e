"""The process in which wild files are read: it has no secrets, little memory, and may die.

It reads frames from standard input and answers each on standard output; see ``knowledge.reading``.
"""

from __future__ import annotations

import contextlib
import struct
import sys
from collections.abc import Mapping
from typing import BinaryIO

import msgspec
from msgspec import Struct

from posthouse.knowledge.formats.catalogue import read
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.passage import Extract

MEMORY_BYTES_MAX = 1536 * 1024**2
CPU_S_MAX = 3600  # for the case that nobody is left who would end it
LENGTHS = struct.Struct(">II")
LENGTH = struct.Struct(">I")


class Request(Struct, frozen=True):
    """A file that is to be read; its bytes follow."""

    name: str
    columns: Mapping[str, str] = {}


class Answer(Struct, frozen=True):
    """What was read, or why nothing was."""

    extract: Extract | None = None
    en: str = ""
    zh: str = ""


def main() -> None:
    """Read files until there are no more."""
    _limit()
    while head := sys.stdin.buffer.read(LENGTHS.size):
        request_bytes, data_bytes = LENGTHS.unpack(head)
        request = msgspec.json.decode(sys.stdin.buffer.read(request_bytes), type=Request)
        answer = _answer(request, sys.stdin.buffer.read(data_bytes))
        _write(sys.stdout.buffer, msgspec.json.encode(answer))


def _answer(request: Request, data: bytes) -> Answer:
    try:
        return Answer(read(data, request.name, request.columns))
    except Unreadable as problem:
        return Answer(en=str(problem), zh=problem.zh)
    except MemoryError:
        return Answer(
            en="Reading it needs too much memory; split it.", zh="读取它需要太多内存；请拆分文件。"
        )
    except Exception as problem:  # noqa: BLE001 - a defect of a library, met in somebody's file
        name = type(problem).__name__
        return Answer(
            en=f"It could not be read ({name}: {problem}); save it again, or in another format.",
            zh=f"读取失败（{name}: {problem}）；请重新保存，或换一种格式。",
        )


def _write(out: BinaryIO, answer: bytes) -> None:
    out.write(LENGTH.pack(len(answer)) + answer)
    out.flush()


def _limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system can
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
