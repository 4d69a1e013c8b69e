"""Reading files: small texts in a thread, everything else in a process that may die."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from types import TracebackType
from typing import Self

import msgspec

from posthouse.knowledge.formats.catalogue import format_of
from posthouse.knowledge.formats.child import LENGTH, LENGTHS
from posthouse.knowledge.formats.request import Answer, Request, answer_to
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.passage import Extract

READ_WITHIN_S = 60.0
LIGHT_BYTES = 256 * 1024  # larger ones would keep a thread busy, and so everything else waiting
FILES_PER_PROCESS = 200  # libraries keep memory
ANSWER_BYTES_MAX = 512 * 1024**2
MODULE = "posthouse.knowledge.formats.child"
VARIABLES = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")  # no secrets


class Reading:
    """A place to read some files, one after another; a process is started when one needs it.

    Args:
        read_within_s: what takes longer is given up.
    """

    def __init__(self, read_within_s: float = READ_WITHIN_S) -> None:
        self._within_s = read_within_s
        self._process: asyncio.subprocess.Process | None = None
        self._count = 0
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def read(self, data: bytes, request: Request) -> Extract:
        """Read a file.

        Raises:
            Unreadable: why it cannot be read, and what to do about it.
        """
        if len(data) <= LIGHT_BYTES and not format_of(data, request.name).is_heavy:
            answer = await asyncio.to_thread(answer_to, request, data)
        else:
            async with self._one_at_a_time:
                answer = await self._read_apart(data, request)
        if answer.extract is None:
            raise Unreadable(answer.en, zh=answer.zh)
        return answer.extract

    async def _read_apart(self, data: bytes, request: Request) -> Answer:
        process = await self._started()
        try:
            async with asyncio.timeout(self._within_s):
                return await _asked(process, data, request)
        except TimeoutError:
            await self._end()
            raise Unreadable(
                f"Reading it takes longer than {self._within_s:.0f} s; split it.",
                zh=f"读取超过 {self._within_s:.0f} 秒；请拆分文件。",
            ) from None
        except (OSError, asyncio.IncompleteReadError, msgspec.MsgspecError):
            await self._end()
            raise Unreadable(
                "Reading it broke the program that does so; save it again, or in another format.",
                zh="读取程序因它而崩溃；请重新保存，或换一种格式。",
            ) from None
        except BaseException:  # half an answer is still to come
            await self._end()
            raise

    async def _started(self) -> asyncio.subprocess.Process:
        if self._count >= FILES_PER_PROCESS:
            await self._end()
        self._count += 1
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl+C is for the house
                env={name: os.environ[name] for name in VARIABLES if name in os.environ},
            )
        return self._process

    async def _end(self) -> None:
        process, self._process, self._count = self._process, None, 0
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _asked(process: asyncio.subprocess.Process, data: bytes, request: Request) -> Answer:
    assert process.stdin is not None
    assert process.stdout is not None
    head = msgspec.json.encode(request)
    process.stdin.write(LENGTHS.pack(len(head), len(data)) + head)
    process.stdin.write(data)
    await process.stdin.drain()
    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    if length > ANSWER_BYTES_MAX:
        raise OSError("an answer beyond all measure")
    return msgspec.json.decode(await process.stdout.readexactly(length), type=Answer)
