"""The workers of all scenes, and which generation of the code is in force.

A generation is the scene files as they were read at one moment. A new one is tried in one worker
beside the old; only when it loads, and breaks no scene that worked, do calls go to it. Workers of
the old one end when their call is over.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from itertools import count as numbers
from pathlib import Path
from typing import Self

import structlog
from msgspec import Struct

from posthouse.handlers.commands.catalogue import Catalogue
from posthouse.handlers.commands.folders import Folders, Stamp, TooLarge
from posthouse.handlers.commands.frames import (
    Call,
    End,
    Load,
    Loading,
    Ready,
    SceneEntry,
    Speech,
    Spent,
)
from posthouse.handlers.commands.process import CannotLoad, Limits, Process
from posthouse.handlers.commands.running import Died, Running, TakenBack

LOOK_EVERY_S = 1.0
GUILTY_MAX = 20  # files of one generation that end or hold up the worker that loads them
IDLE_KEPT_S = 60.0  # workers beyond the first end after this long without a call
WAIT_S_MAX = 60.0  # for a free worker, or for a scene that may still be loaded
HELD_UP_S = 2.0  # at the first load a file may hold up the others so long
FOLLOWS_WITHIN_S = 15.0  # for the first load, where another pool does the work until then
LEFT_BEHIND_S = 86400.0  # folders of temporary files older than this are a dead house's

log = structlog.get_logger("posthouse.scenes")


class Busy(Exception):
    """No worker became free in time."""


class NoScenes(Exception):
    """No generation has loaded yet."""


class Loaded(Struct, frozen=True):
    """What a reload found."""

    is_in_force: bool
    scenes: tuple[str, ...]
    problems: dict[str, str]  # scene, or "" for all of them → traceback
    kept: tuple[str, ...] = ()  # of the broken ones, those that stay in force as they were


class Trial(Struct, frozen=True):
    """A generation that loads, in the worker in which it was tried."""

    load: Load
    worker: Process
    ready: Ready


class Seat:
    """A place for one call: at a worker of its own, or behind quick ones that are soon over."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._run: Running | None = None
        self.worker: Process | None = None  # also while it looks for another one

    async def __aenter__(self) -> Self:
        self.worker = await self._pool.take()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._leave()

    def _leave(self) -> None:
        worker, self.worker = self.worker, None
        if worker is not None:
            self._pool.give_back(worker)

    async def _move(self) -> None:
        """Find another place, before those who wait for their first."""
        self._leave()
        self.worker = await self._pool.take(is_first=True)

    @property
    def has_more(self) -> bool:
        """Whether what the call says next is here already."""
        return self._run is not None and self._run.has_more

    async def run(self, call: Call, give_up_s: float) -> AsyncGenerator[Speech | End]:
        """Let a worker run the call; yields what it says, and at last how it ended.

        Whoever leaves before that ends the call, and the worker with it.

        Raises:
            Busy, CannotLoad: it stood behind one that lasted, and found no other worker.
            Died: the worker ended without a word.
            TookTooLong: it did not end within ``give_up_s``.
        """
        is_over = False
        run = await self._handed(call, give_up_s)
        try:
            while not is_over:
                try:
                    reply = await run.receive()
                except TakenBack:
                    await self._move()
                    run = await self._handed(call, give_up_s)
                    continue
                if isinstance(reply, Loading | Ready | Spent):
                    raise Died
                is_over = isinstance(reply, End)
                yield reply
        finally:
            if not is_over and self.worker is not None:
                await self.worker.leave(run)

    async def _handed(self, call: Call, give_up_s: float) -> Running:
        while True:
            assert self.worker is not None
            try:
                self._run = self.worker.hand(call, give_up_s)
            except TakenBack:
                await self._move()
            else:
                return self._run


class Pool:
    """Runs calls in at most ``workers_max`` workers; those that find no place wait in order.

    A call goes to a worker that is awake, behind calls that will be over in a moment, rather than
    to one that sleeps: to wake it would cost more than most commands.
    """

    def __init__(
        self,
        folders: Folders,
        scratch: Path,
        limits: Limits,
        workers_max: int,
        new_key: Callable[[], str],
    ) -> None:
        self._folders = folders
        self._scratch = scratch / new_key()  # after a reload of the settings there are two of us
        self._limits = limits
        self._workers_max = workers_max
        self._new_key = new_key
        self._generations = numbers(1)
        self._generation = 0
        self._load = Load((), ())
        self._stamp: Stamp = {}
        self._idle: list[tuple[float, Process]] = []  # since when, who; newest last
        self._busy: list[Process] = []  # that have a call, or are about to
        self._making = 0  # workers, for calls that wait
        self._waiting: deque[asyncio.Future[Process | None]] = deque()
        self._all: set[Process] = set()
        self._tasks: set[asyncio.Task[object]] = set()
        self._reloading = asyncio.Lock()
        self._first = asyncio.Event()  # the first load is over, well or badly
        self._news = asyncio.Event()  # of what there is; each is set once
        self.catalogue = Catalogue()
        self.problems: dict[str, str] = {}  # what the last reload found, as in ``Loaded``

    # ── opening and closing ─────────────────────────────────────────────────────────────────

    def follow(self, old: Pool) -> None:
        """Begin with what another pool had loaded, as far as it lies in our folders.

        So nothing that worked is gone after a change of the settings: neither while scenes load,
        nor what has been broken since.
        """
        load = self._folders.still(old._load)
        if load.sources:
            self._load = load
            is_public = {each.name: each.is_public for each in reversed(load.sources)}
            self.catalogue = old.catalogue.only(is_public)
            self._generation = next(self._generations)

    async def open(self, wait_s: float) -> None:
        """Load the scenes, and watch them; wait for the first load so long at most."""
        wait_s = FOLLOWS_WITHIN_S if self._generation else wait_s
        await asyncio.to_thread(_sweep, self._scratch.parent, time.time() - LEFT_BEHIND_S)
        for folder in self._folders.missing:
            log.warning("scene_folder_missing", folder=str(folder))
        self._begin(self._watch())
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._first.wait()

    @property
    def is_settled(self) -> bool:
        """Whether the scenes have been loaded once, well or badly."""
        return self._first.is_set()

    async def scene(self, name: str) -> SceneEntry | None:
        """Find a scene; wait for one that may still be loaded."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S_MAX):
                while self.catalogue.scene(name) is None and not self.is_settled:
                    await self._news.wait()
        return self.catalogue.scene(name)

    def _tell_the_waiting(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def close(self) -> None:
        """End all workers."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._end(each) for each in tuple(self._all)))
        await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)

    async def _end(self, worker: Process) -> None:
        is_idle = any(each is worker for _, each in self._idle)
        await (worker.retire() if is_idle else worker.kill())
        self._all.discard(worker)

    def _begin(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ── generations ─────────────────────────────────────────────────────────────────────────

    async def _watch(self) -> None:
        """Look at the files again and again."""
        while True:
            try:
                stamp = await asyncio.to_thread(self._folders.stamp)
                if not (self.is_settled or self._generation):
                    await self._load_first()
                elif stamp != self._stamp or not self.is_settled:
                    await self.reload()
                self._retire_idle()
            except Exception:  # the next look may go better
                log.exception("scenes_not_watched")
            if not self.is_settled:
                self._first.set()
                self._tell_the_waiting()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _load_first(self) -> None:
        beside = asyncio.create_task(self._load_beside())
        try:
            await self.reload()
        finally:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)

    async def _load_beside(self) -> None:
        """Let those work meanwhile that a file holds up, as long as there is nothing at all."""
        await asyncio.sleep(HELD_UP_S)
        load = await asyncio.to_thread(self._folders.read)
        trial = await self._try_without_the_guilty(load, HELD_UP_S)
        if self._generation:
            self._begin(self._retire(trial.worker))
        else:
            self._take_over(trial, {}, set())

    async def reload(self) -> Loaded:
        """Read the files, and let them be in force if they load."""
        async with self._reloading:
            began_at = time.monotonic()
            self._stamp = await asyncio.to_thread(self._folders.stamp)
            try:
                load = await asyncio.to_thread(self._folders.read)
                loaded = await self._renew(load)
            except TooLarge as problem:
                loaded = self._stay({"": type(problem).__doc__ or ""})
            except CannotLoad as problem:
                loaded = self._stay({problem.guilty: str(problem)})
            self.problems = loaded.problems
            self._tell(loaded, time.monotonic() - began_at)
            return loaded

    async def _renew(self, load: Load) -> Loaded:
        """Try a generation; where it breaks what worked, that stays as it was, if it can.

        A scene alone is put back first; if it is broken still, the files that are no scenes are
        put back as well, for one of those may be the cause.
        """
        problems: dict[str, str] = {}
        helpers = {each.name for each in (*load.sources, *self._load.sources) if each.is_helper}
        kept: set[str] = set()
        for _ in range(3):
            trial = await self._try_without_the_guilty(load)
            problems = trial.ready.problems | problems
            broken = {name for name in trial.ready.problems if self.catalogue.scene(name)}
            if not broken:
                return self._take_over(trial, problems, kept)
            self._begin(self._retire(trial.worker))
            kept |= broken if broken - kept else helpers
            load = load.with_old(self._load, kept)
            if set(load.sources) == set(self._load.sources):
                break
        return self._stay(problems)

    def _stay(self, problems: dict[str, str]) -> Loaded:
        return Loaded(False, self.catalogue.names, problems)  # noqa: FBT003

    async def _try_without_the_guilty(
        self, load: Load, each_within_s: float | None = None
    ) -> Trial:
        """Try a generation; who ends or holds up the worker is left out, by name."""
        for _ in range(GUILTY_MAX):
            try:
                worker, ready = await self._try(load, each_within_s)
            except CannotLoad as problem:
                if not problem.guilty:
                    raise
                load = load.without(problem.guilty, str(problem))
            else:
                return Trial(load, worker, ready)
        raise CannotLoad("", f"More than {GUILTY_MAX} files end their worker, or hold it up.")

    async def _try(self, load: Load, each_within_s: float | None) -> tuple[Process, Ready]:
        key = self._new_key()
        worker = await Process.start(key, self._scratch / key, self._limits)
        self._all.add(worker)
        try:
            ready = await worker.load(load, each_within_s)
        except BaseException:
            self._all.discard(worker)
            if worker.is_alive:
                await worker.kill()
            raise
        return worker, ready

    def _take_over(self, trial: Trial, problems: dict[str, str], kept: set[str]) -> Loaded:
        """Let a generation be in force."""
        self._generation = trial.worker.generation = next(self._generations)
        self._load = trial.load
        self.catalogue = Catalogue(trial.ready.scenes)
        for _, old in self._idle:
            self._begin(self._retire(old))
        self._idle = [(time.monotonic(), trial.worker)]
        self._tell_the_waiting()
        stay = tuple(name for name in problems if name in kept)
        return Loaded(True, self.catalogue.names, problems, stay)  # noqa: FBT003

    def _tell(self, loaded: Loaded, took_s: float) -> None:
        for scene, trace in loaded.problems.items():
            log.error("scene_broken", scene=scene or "*", traceback=trace)
        generation, count = self._generation, len(loaded.scenes)
        if loaded.is_in_force:
            log.info("scenes_loaded", generation=generation, count=count, took_s=took_s)
        else:
            log.error("scenes_kept", generation=generation)

    def _retire_idle(self) -> None:
        """Keep one worker ready; let the others go after a while."""
        now = time.monotonic()
        spare = [each for each in self._idle[:-1] if now - each[0] > IDLE_KEPT_S]
        self._idle = [each for each in self._idle if each not in spare]
        for _, worker in spare:
            self._begin(self._retire(worker))

    async def _retire(self, worker: Process) -> None:
        await worker.retire()
        self._all.discard(worker)

    # ── workers ─────────────────────────────────────────────────────────────────────────────

    def seat(self) -> Seat:
        """Give a call a place; who leaves its worker dead gets a new one made behind it."""
        return Seat(self)

    async def take(self, *, is_first: bool = False) -> Process:
        """Find a worker with room for one more call, which is to be given back.

        Raises:
            Busy: all were busy for too long.
            NoScenes: nothing has been loaded.
            CannotLoad: the generation in force does not load any more.
        """
        worker = None
        if is_first or not self._waiting:
            worker = self._free_place()
            if worker is None and self._may_make:
                self._making += 1
                return await self._made()
        if worker is None:
            worker = await self._place_in_line(is_first=is_first)
        return worker or await self._made()

    def _free_place(self) -> Process | None:
        """Find a place at a worker that is awake, or else at one that sleeps."""
        worker = next((each for each in self._busy if self._is_open(each)), None)
        while worker is None and self._idle and self._may_make:
            worker = self._idle.pop()[1]
            if worker.is_sound:
                self._busy.append(worker)
            else:
                self._begin(self._retire(worker))
                worker = None
        if worker is not None:
            worker.seats += 1
        return worker

    def _is_open(self, worker: Process) -> bool:
        return worker.has_room and worker.generation == self._generation

    @property
    def _may_make(self) -> bool:
        """Whether one more worker may be at work."""
        return len(self._busy) + self._making < self._workers_max

    async def _place_in_line(self, *, is_first: bool) -> Process | None:
        """Wait for a place; returns the worker, or None for leave to make one."""
        place: asyncio.Future[Process | None] = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if is_first else self._waiting.append)(place)
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                return await place
        except BaseException as problem:
            if place.done() and not place.cancelled():  # both at the same moment
                self._decline(place.result())
            if isinstance(problem, TimeoutError):
                raise Busy from None
            raise

    def _decline(self, worker: Process | None) -> None:
        if worker is not None:
            self.give_back(worker)
        else:
            self._making -= 1
            self._seat_the_waiting()

    def _seat_the_waiting(self) -> None:
        """Let those who wait have what is free, in order."""
        while self._waiting:
            if self._waiting[0].done():  # it waits no more
                del self._waiting[0]
                continue
            worker = self._free_place()
            if worker is None and not self._may_make:
                return
            self._making += worker is None
            self._waiting.popleft().set_result(worker)

    async def _made(self) -> Process:
        """Make a worker, which is counted already."""
        try:
            if not self._generation:
                raise NoScenes
            worker = await self._new_worker()
            worker.seats += 1
            self._busy.append(worker)
        finally:
            self._making -= 1
            self._seat_the_waiting()
        return worker

    async def _new_worker(self) -> Process:
        generation = self._generation
        trial = await self._try_without_the_guilty(self._load)
        trial.worker.generation = generation
        if trial.load is not self._load and generation == self._generation:
            self._go_on_without(trial)
        return trial.worker

    def _go_on_without(self, trial: Trial) -> None:
        """Leave a scene out that has loaded, and does not any more."""
        self._load, self.catalogue = trial.load, Catalogue(trial.ready.scenes)
        news = {
            name: why for name, why in trial.ready.problems.items() if name not in self.problems
        }
        self.problems = self.problems | news
        for scene, why in news.items():
            log.error("scene_broken", scene=scene, traceback=why)

    def give_back(self, worker: Process) -> None:
        """Say that a call has left its worker."""
        worker.seats -= 1
        if not worker.seats:
            self._busy.remove(worker)
            self._rest(worker)
        self._seat_the_waiting()

    def _rest(self, worker: Process) -> None:
        """Let a worker wait for calls, if it can have any."""
        if not worker.is_sound:
            self._begin(self._retire(worker))
            self._begin(self._replace())
        elif worker.generation != self._generation:
            self._begin(self._retire(worker))
        else:
            self._idle.append((time.monotonic(), worker))

    async def _replace(self) -> None:
        """Make a worker for the next call, if none is ready."""
        if self._idle:
            return
        with suppress(CannotLoad):
            worker = await self._new_worker()
            if worker.is_alive and worker.generation == self._generation:
                self._idle.append((time.monotonic(), worker))
                self._seat_the_waiting()
            else:
                await self._retire(worker)


def _sweep(folder: Path, before: float) -> None:
    """Remove what a house that was killed has left behind."""
    for each in folder.glob("*"):
        with suppress(OSError):
            if each.stat().st_mtime < before:
                shutil.rmtree(each, ignore_errors=True)
