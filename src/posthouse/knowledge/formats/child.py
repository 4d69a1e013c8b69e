"""The process in which wild files are read: it has no secrets, little memory, and may die.

It reads frames from standard input and answers each on standard output; see ``knowledge.reading``.
"""

from __future__ import annotations

import contextlib
import struct
import sys

import msgspec

from posthouse.knowledge.formats.request import Request, answer_to

MEMORY_BYTES_MAX = 1536 * 1024**2
CPU_S_MAX = 3600  # for the case that nobody is left who would end it
LENGTHS = struct.Struct(">II")  # of a request, and of the file behind it
LENGTH = struct.Struct(">I")  # of an answer


def main() -> None:
    """Read files until there are no more."""
    _limit()
    read, out = sys.stdin.buffer.read, sys.stdout.buffer
    while head := read(LENGTHS.size):
        request_bytes, data_bytes = LENGTHS.unpack(head)
        request = msgspec.json.decode(read(request_bytes), type=Request)
        answer = msgspec.json.encode(answer_to(request, read(data_bytes)))
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
