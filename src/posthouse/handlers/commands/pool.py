"""The workers of all scenes, and which generation of the code is in force.

A generation is the scene files as they were read at one moment. A new one is tried in one worker
beside the old; only when it loads, and breaks no scene that worked, do calls go to it. Workers of
the old one end when their call is over.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count as numbers
from pathlib import Path

import structlog
from msgspec import Struct

from posthouse.handlers.commands.catalogue import Catalogue
from posthouse.handlers.commands.folders import Folders, Stamp, TooLarge
from posthouse.handlers.commands.frames import Load, Ready
from posthouse.handlers.commands.process import CannotLoad, Limits, Process

LOOK_EVERY_S = 1.0
GUILTY_MAX = 20  # files of one generation that end or hold up the worker that loads them
IDLE_KEPT_S = 60.0  # workers beyond the first end after this long without a call
WAIT_S_MAX = 60.0  # for a free worker
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


class Pool:
    """Runs at most ``workers_max`` calls at once; the others wait in order."""

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
        self._free = asyncio.Semaphore(workers_max)
        self._new_key = new_key
        self._generations = numbers(1)
        self._generation = 0
        self._load = Load((), ())
        self._stamp: Stamp = {}
        self._idle: list[tuple[float, Process]] = []  # since when, who; newest last
        self._all: set[Process] = set()
        self._tasks: set[asyncio.Task[object]] = set()
        self._reloading = asyncio.Lock()
        self._first = asyncio.Event()
        self.catalogue = Catalogue()
        self.problems: dict[str, str] = {}  # what the last reload found, as in ``Loaded``

    # ── opening and closing ─────────────────────────────────────────────────────────────────

    async def open(self, wait_s: float) -> None:
        """Load the scenes, and watch them; wait for the first load so long at most."""
        await asyncio.to_thread(_sweep, self._scratch.parent, time.time() - LEFT_BEHIND_S)
        for folder in self._folders.missing:
            log.warning("scene_folder_missing", folder=str(folder))
        self._begin(self._watch())
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._first.wait()

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
                if stamp != self._stamp or not self._first.is_set():
                    await self.reload()
                self._retire_idle()
            except Exception:  # the next look may go better
                log.exception("scenes_not_watched")
            self._first.set()
            await asyncio.sleep(LOOK_EVERY_S)

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

    async def _try_without_the_guilty(self, load: Load) -> Trial:
        """Try a generation; who ends or holds up the worker is left out, by name."""
        for _ in range(GUILTY_MAX):
            try:
                worker, ready = await self._try(load)
            except CannotLoad as problem:
                if not problem.guilty:
                    raise
                load = load.without(problem.guilty, str(problem))
            else:
                return Trial(load, worker, ready)
        raise CannotLoad("", f"More than {GUILTY_MAX} files end their worker, or hold it up.")

    async def _try(self, load: Load) -> tuple[Process, Ready]:
        key = self._new_key()
        worker = await Process.start(key, self._scratch / key, self._limits)
        self._all.add(worker)
        try:
            ready = await worker.load(load)
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

    @asynccontextmanager
    async def worker(self) -> AsyncGenerator[Process]:
        """Lend a worker for one call; who leaves it dead gets a new one made behind it.

        Raises:
            Busy: all were busy for too long.
            NoScenes: nothing has been loaded.
            CannotLoad: the generation in force does not load any more.
        """
        if self._free.locked():
            try:
                async with asyncio.timeout(WAIT_S_MAX):
                    await self._free.acquire()
            except TimeoutError:
                raise Busy from None
        else:
            await self._free.acquire()
        try:
            worker = await self._take()
            try:
                yield worker
            finally:
                self._give_back(worker)
        finally:
            self._free.release()

    async def _take(self) -> Process:
        while self._idle:
            worker = self._idle.pop()[1]
            if worker.is_alive:
                return worker
            self._begin(self._retire(worker))
        if not self._generation:
            raise NoScenes
        return await self._new_worker()

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

    def _give_back(self, worker: Process) -> None:
        if worker.is_spent or not worker.is_alive:
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
            else:
                await self._retire(worker)


def _sweep(folder: Path, before: float) -> None:
    """Remove what a house that was killed has left behind."""
    for each in folder.glob("*"):
        with suppress(OSError):
            if each.stat().st_mtime < before:
                shutil.rmtree(each, ignore_errors=True)
