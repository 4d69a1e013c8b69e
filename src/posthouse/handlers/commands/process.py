"""One worker process, from outside: start it, let it run calls, end it with all it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from msgspec import Struct

from posthouse.handlers.commands.descendants import WORKER_VARIABLE, end_all
from posthouse.handlers.commands.frames import (
    Call,
    Garbled,
    Line,
    Load,
    Loading,
    Ready,
    Reply,
    Speech,
    Spent,
    pack,
)
from posthouse.handlers.commands.frames import End as EndFrame
from posthouse.handlers.commands.output import Output

MODULE = "posthouse.handlers.commands.worker"
FLAGS = ("-B", "-u", "-X", "utf8")  # no stale bytecode, and what is printed comes at once
LEAVES_WITHIN_S = 1.0
PRIVATE_PREFIX = "POSTHOUSE_"  # settings of the house are no business of a scene


class Limits(Struct, frozen=True, kw_only=True):
    """What a worker may use."""

    memory_bytes_max: int
    output_bytes_max: int
    load_within_s: float = 10.0
    variables_hidden: frozenset[str] = frozenset()  # those that hold secrets of the house


class Died(Exception):
    """The worker has ended in the middle of a call, or talks nonsense."""


class CannotLoad(Exception):
    """A scene ended its worker, or took too long; no scene, where ``guilty`` is empty."""

    def __init__(self, guilty: str, problem: str) -> None:
        super().__init__(problem)
        self.guilty = guilty


class Process:
    """See the module; ``Process.start`` makes one."""

    def __init__(self, key: str, folder: Path, limits: Limits) -> None:
        self.key = key
        self.generation = 0
        self.is_spent = False  # a call has left something in it
        self._folder = folder  # for its temporary files
        self._limits = limits
        self._line = Line()
        self._output = Output(limits.output_bytes_max)
        self._process: asyncio.subprocess.Process
        self._life: int  # as long as this is open, it lives
        self._watch: asyncio.Task[None]
        self._call = ""

    @classmethod
    async def start(cls, key: str, folder: Path, limits: Limits) -> Process:
        """Start a worker that has nothing to run yet.

        Args:
            key: unique among all workers that ever ran here.
            folder: a place for its temporary files; removed with it.
            limits: what it may use.
        """
        worker = cls(key, folder, limits)
        await asyncio.to_thread(folder.mkdir, parents=True, mode=0o700)
        starting = asyncio.ensure_future(worker._start())
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:  # half a start cannot be undone, a whole one can
            await asyncio.wait({starting})
            if starting.exception() is None:
                await worker.kill()
            raise
        return worker

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        life, self._life = os.pipe()
        read, write = os.pipe()
        limit = str(self._limits.memory_bytes_max)
        arguments = (str(theirs.fileno()), str(life), limit)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *FLAGS,
                "-m",
                MODULE,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                pass_fds=(theirs.fileno(), life),
                start_new_session=True,
                env=self._environment(os.environ),
            )
        finally:
            theirs.close()
            os.close(life)
            os.close(write)
        await loop.connect_read_pipe(lambda: self._output, os.fdopen(read, "rb", 0))
        await loop.create_unix_connection(lambda: self._line, sock=ours)
        self._watch = asyncio.create_task(self._notice_the_end())

    def _environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        hidden = self._limits.variables_hidden
        kept = (name for name in environ if not name.startswith(PRIVATE_PREFIX))
        return {
            **{name: environ[name] for name in kept if name not in hidden},
            WORKER_VARIABLE: self.key,
            "TMPDIR": str(self._folder),
            "MALLOC_ARENA_MAX": "2",  # each costs 64 MiB of the limited address space
        }

    async def _notice_the_end(self) -> None:
        await self._process.wait()
        self._line.end()  # a child of it may hold the line open

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    @property
    def has_more(self) -> bool:
        """Whether what it says next is here already."""
        return self._line.has_more

    @property
    def folder(self) -> Path:
        """Where its temporary files lie."""
        return self._folder

    async def load(self, load: Load) -> Ready:
        """Let it load scenes; returns what there is.

        Raises:
            CannotLoad: it ended or took too long; it is ended then.
        """
        at, within_s = "", self._limits.load_within_s
        problem = "It ended the process while it was loaded."
        self._line.send(pack(load))
        reply: Reply | None = None
        try:
            async with asyncio.timeout(within_s):
                while isinstance(reply := await self._line.receive(), Loading):
                    at = reply.name
        except TimeoutError:
            problem = f"It was still being loaded after {within_s:g} s."
        except Garbled:
            problem = "It wrote to the line between the worker and the house."
        if not isinstance(reply, Ready):
            await self.kill()
            raise CannotLoad(at, problem)
        return reply

    async def run(self, call: Call, give_up_s: float) -> AsyncGenerator[Speech | EndFrame]:
        """Let it run a call; yields what it says, and at last how it ended.

        Whoever leaves before that kills the worker.

        Raises:
            Died: it ended without a word.
            TookTooLong: it did not end within ``give_up_s``.
        """
        self._call = call.id
        timer = asyncio.get_running_loop().call_later(give_up_s, self._line.expire)
        self._output.begin(call.id)
        self._line.send(pack(call))
        is_over = False
        try:
            while not is_over:
                reply = await self._line.receive()
                if isinstance(reply, Spent):
                    self.is_spent = True
                    continue
                if reply is None or isinstance(reply, Loading | Ready):
                    raise Died
                is_over = isinstance(reply, EndFrame)
                yield reply
        except Garbled as error:
            raise Died from error
        finally:
            timer.cancel()
            if not is_over:
                await self.kill()

    async def kill(self) -> None:
        """End it with everything that its call started, whoever is cancelled meanwhile."""
        await asyncio.shield(asyncio.ensure_future(self._kill()))

    async def _kill(self) -> None:
        await asyncio.to_thread(end_all, self._process.pid, self.key, self._call)
        await self._let_go()

    async def retire(self) -> None:
        """Let it end by itself; what its calls left running goes on."""
        self._line.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVES_WITHIN_S):
                await self._process.wait()
        if self.is_alive:
            self._process.kill()
        await self._let_go()

    async def _let_go(self) -> None:
        await self._process.wait()
        await asyncio.wait({self._watch})
        self._line.close()
        self._output.close()
        if self._life >= 0:
            os.close(self._life)
            self._life = -1
        await asyncio.to_thread(shutil.rmtree, self._folder, True)  # noqa: FBT003 - ignore errors
