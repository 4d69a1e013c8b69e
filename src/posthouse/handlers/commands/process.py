"""One worker process, from outside: start it, let it run calls, end it with all it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from posthouse.handlers.commands.descendants import WORKER_VARIABLE, end_all
from posthouse.handlers.commands.frames import (
    Call,
    End,
    Garbled,
    Load,
    Loading,
    Ready,
    Reply,
    Spent,
    TookTooLong,
    pack,
)
from posthouse.handlers.commands.line import Line
from posthouse.handlers.commands.output import Output
from posthouse.handlers.commands.running import Died, Running, TakenBack
from posthouse.handlers.commands.tickets import Tickets

MODULE = "posthouse.handlers.commands.worker"
ENDS = (*get_args(End), Ready)
FLAGS = ("-B", "-u", "-X", "utf8")  # no stale bytecode, and what is printed comes at once
LEAVES_WITHIN_S = 1.0
REST_WITHIN_S = 0.05  # for what it said before it died
QUICK_S = 0.01  # behind a call that took no longer, others may stand …
PATIENCE_S = 0.005  # … and so long, before they are taken to another worker
SEATS_MAX = 16  # calls at one worker
PRIVATE_PREFIX = "POSTHOUSE_"  # settings of the house are no business of a scene


class Limits(Struct, frozen=True, kw_only=True):
    """What a worker may use."""

    memory_bytes_max: int
    output_bytes_max: int
    load_within_s: float = 10.0
    variables_hidden: frozenset[str] = frozenset()  # those that hold secrets of the house


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
        self.seats = 0  # how many have a call here, or are about to
        self._line = Line(self._hear, self._lost)
        self._tickets = Tickets()
        self._runs: deque[Running] = deque()  # in the order in which they were handed over
        self._stale = 0  # the last ticket taken back; the worker may still come to its call
        self._is_quick = False  # the last call was
        self._is_lost = False  # nothing more comes from it
        self._is_garbled = False
        self._timer: asyncio.TimerHandle | None = None  # one for many calls: most are soon over
        self._killing: asyncio.Task[None] | None = None
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
        handles = (theirs.fileno(), life, self._tickets.pipe)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *FLAGS,
                "-m",
                MODULE,
                *map(str, handles),
                limit,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                pass_fds=handles,
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
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REST_WITHIN_S):
                await self._line.over.wait()
        self._line.end()  # a child of it may hold the line open

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    @property
    def has_room(self) -> bool:
        """Whether one more call may come here, to begin at once or in a moment."""
        return self.seats < SEATS_MAX and self.is_sound and self._is_quick_at_the_moment

    @property
    def is_sound(self) -> bool:
        """Whether it can run calls, now or later."""
        is_ending = self._is_lost or self._killing is not None
        return self.is_alive and not self.is_spent and not is_ending

    @property
    def _is_quick_at_the_moment(self) -> bool:
        if not self._is_quick or not self._runs:
            return self._is_quick
        return asyncio.get_running_loop().time() - self._runs[0].began_at < PATIENCE_S

    @property
    def folder(self) -> Path:
        """Where its temporary files lie."""
        return self._folder

    async def load(self, load: Load, each_within_s: float | None = None) -> Ready:
        """Let it load scenes; returns what there is.

        Args:
            load: the scenes.
            each_within_s: how long one file may hold up the others; otherwise all share one limit.

        Raises:
            CannotLoad: it ended or took too long; it is ended then.
        """
        at, within_s = "", self._limits.load_within_s
        loading = Running("", within_s, 0, self._line.go_on)
        self._runs.append(loading)
        self._line.send(pack(load))
        problem = ""
        try:
            async with asyncio.timeout(within_s) as limit:
                while isinstance(reply := await loading.receive(), Loading):
                    at = reply.name
                    if each_within_s is not None:
                        limit.reschedule(asyncio.get_running_loop().time() + each_within_s)
            if isinstance(reply, Ready):
                return reply
        except TimeoutError:
            problem = f"It was still being loaded after {within_s:g} s."
        except Died:
            problem = "It ended the process while it was loaded."
        if self._is_garbled or not problem:
            problem = "It wrote to the line between the worker and the house."
        await self.kill()
        raise CannotLoad(at, problem)

    # ── calls ───────────────────────────────────────────────────────────────────────────────

    def hand(self, call: Call, give_up_s: float) -> Running:
        """Hand a call over; whoever does not take all it says must ``leave`` it.

        A call behind another one waits for that only a moment: it is taken back then.

        Raises:
            TakenBack: this is no place for it any more.
        """
        if not self.is_sound or (self._runs and not self._is_quick_at_the_moment):
            raise TakenBack
        ticket, is_first = 0, not self._runs
        if not is_first or self._stale:  # on its way past a stale call it takes the next ticket
            ticket = self._tickets.give()
            call = replace(call, ticket=ticket)
        run = Running(call.id, give_up_s, ticket, self._line.go_on)
        self._runs.append(run)
        self._line.send(pack(call))
        if is_first:
            self._begin(run)
        return run

    def _begin(self, run: Running) -> None:
        """Count the time of a call, which is the first from now on."""
        run.began_at = asyncio.get_running_loop().time()
        self._call = run.id
        self._output.begin(run.id)
        if self._timer is None:
            self._look_after(min(PATIENCE_S, run.give_up_s))

    def _look_after(self, wait_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._look_at_the_first)

    def _look_at_the_first(self) -> None:
        """Let nobody wait behind a call that lasts, nor a call last longer than it may."""
        self._timer = None
        if not self._runs:
            return
        run = self._runs[0]
        age_s = asyncio.get_running_loop().time() - run.began_at
        if age_s < min(PATIENCE_S, run.give_up_s):  # it is not the one that was first then
            self._look_after(min(PATIENCE_S, run.give_up_s) - age_s)
            return
        self._is_quick = False
        self._take_back()
        if not self._runs:
            return
        if age_s < run.give_up_s:
            self._look_after(run.give_up_s - age_s)
        elif len(self._runs) == 1:  # else it is over: the next has begun
            run.fail(TookTooLong())

    def _stop_looking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take_back(self) -> None:
        """Let those go that the worker has not begun, and now never will."""
        if not any(run.ticket for run in self._runs):
            return
        tickets = self._tickets.take_back()
        self._stale = max(tickets, default=self._stale)
        back = [run for run in self._runs if run.ticket in tickets]
        for run in back:
            self._runs.remove(run)
            run.fail(TakenBack())
        if not self._runs:
            self._stop_looking()  # the next call is looked after anew

    def _hear(self, reply: Reply) -> bool:
        if not self._runs:
            raise Garbled
        run = self._runs[0]
        if isinstance(reply, Spent):
            self.is_spent = True
        elif isinstance(reply, ENDS):
            self._end(run, reply)
        else:
            return run.hear(reply)
        return True

    def _end(self, run: Running, reply: Reply) -> None:
        """Let the next one be the first; a worker that is spent begins nothing more."""
        self._runs.popleft()
        if run.ticket > self._stale:
            self._stale = 0
        took_s = asyncio.get_running_loop().time() - run.began_at
        self._is_quick = took_s < QUICK_S
        if took_s >= PATIENCE_S:
            self._stop_looking()
        if self.is_spent:
            self._take_back()
        if self._runs:
            self._begin(self._runs[0])
        run.end(reply)

    def _lost(self, is_garbled: bool) -> None:  # noqa: FBT001 - ``Line`` tells it so
        """Nothing more comes: what has begun has failed."""
        self._is_lost, self._is_garbled = True, is_garbled
        self._take_back()
        self._stop_looking()
        for run in self._runs:
            run.fail(Died())
        self._runs.clear()

    async def leave(self, run: Running) -> None:
        """Take nothing more of a call; if it runs, the worker is ended with it."""
        await asyncio.shield(asyncio.ensure_future(self._leave(run)))

    async def _leave(self, run: Running) -> None:
        run.leave()
        self._is_quick = False
        self._take_back()
        while run in self._runs and self._runs[0] is not run:
            await self._runs[0].gone()  # it has begun, so those before it end at this moment
        has_followers = len(self._runs) > 1
        if self._is_lost or (run in self._runs and not has_followers):
            await self.kill()

    async def kill(self) -> None:
        """End it with everything that its call started, whoever is cancelled meanwhile."""
        if self._killing is None:
            self._killing = asyncio.ensure_future(self._kill())
        await asyncio.shield(self._killing)

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
        self._tickets.close()
        self._output.close()
        if self._life >= 0:
            os.close(self._life)
            self._life = -1
        await asyncio.to_thread(shutil.rmtree, self._folder, True)  # noqa: FBT003 - ignore errors
