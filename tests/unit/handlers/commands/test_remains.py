"""What one person's command leaves in its worker does not meet the next person's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.handlers.commands.stage import Stage, staged, until

LEAVING = """
    import asyncio, json, locale, os, resource, signal, socket, subprocess, sys, threading, time

    def cmd_pid():
        return str(os.getpid())

    def cmd_look():
        '''Everything that another command may have changed.'''
        mask = os.umask(0)
        os.umask(mask)
        return repr((
            os.getcwd(), mask, os.environ.get("LEFT"), os.environ.get("PATH"),
            signal.getitimer(signal.ITIMER_REAL), signal.getsignal(signal.SIGUSR1),
            signal.pthread_sigmask(signal.SIG_BLOCK, ()), locale.setlocale(locale.LC_ALL),
            sys.stdout is sys.__stdout__, "/left" in sys.path, sys.getrecursionlimit(),
            socket.getdefaulttimeout(), threading.active_count(), json is sys.modules["json"],
        ))

    def cmd_alarm():
        signal.alarm(1)
        signal.setitimer(signal.ITIMER_PROF, 0.01)

    def cmd_wait():
        end = time.time() + 1.5
        while time.time() < end:
            pass
        return "waited"

    def cmd_cwd():
        os.chdir("/")

    def cmd_umask():
        os.umask(0o777)

    def cmd_environ():
        os.environ["LEFT"] = "1"
        del os.environ["PATH"]

    def cmd_handler():
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    def cmd_mask():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

    def cmd_locale():
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
        locale.setlocale(locale.LC_NUMERIC, "C")

    def cmd_stdout():
        sys.stdout = open(os.devnull, "w")

    def cmd_path():
        sys.path.insert(0, "/left")

    def cmd_depth():
        sys.setrecursionlimit(100_000)

    def cmd_timeout():
        socket.setdefaulttimeout(0.001)

    def cmd_thread():
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()

    def cmd_module():
        sys.modules["json"] = None

    def cmd_limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))

    def cmd_cpu():
        resource.setrlimit(resource.RLIMIT_CPU, (60, resource.RLIM_INFINITY))

    def cmd_nice():
        os.nice(1)

    def cmd_zombie():
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)

    KEPT = []

    def cmd_leak(megabytes: int):
        KEPT.append(bytearray(megabytes * 2**20))

    def cmd_use(megabytes: int):
        return str(len(bytearray(megabytes * 2**20)) // 2**20)

    def cmd_files():
        try:
            while True:
                KEPT.append(open(os.devnull))
        except OSError:
            return str(os.getpid())

    def cmd_cycle():
        first = [bytearray(200 * 2**20)]
        first.append(first)

    def cmd_child():
        subprocess.run(["true"])

    async def cmd_task():
        async def later():
            await asyncio.sleep(0)
            os.environ["LEFT"] = "later"
        cmd_task.kept = asyncio.create_task(later())

    async def cmd_sleep():
        await asyncio.sleep(0.01)
        return str(os.environ.get("LEFT"))

    async def cmd_to_thread():
        return await asyncio.to_thread(lambda: str(os.getpid()))
"""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path, public={"left": LEAVING}, workers_max=1) as made:
        yield made


RESTORED = (
    "alarm cwd umask environ handler mask locale stdout path depth timeout".split()  # noqa: SIM905
)
SPENT = "thread module limit cpu nice zombie".split()  # noqa: SIM905


@pytest.mark.parametrize("what", RESTORED)
async def test_what_belongs_to_the_process_is_put_back(stage: Stage, what: str) -> None:
    before, pid = await stage.answer("/left look"), await stage.answer("/left pid")
    assert await stage.answer(f"/left {what}") == "Done."
    assert await stage.answer("/left look") == before
    assert await stage.answer("/left pid") == pid, "the same worker"


async def test_an_alarm_ends_nobody_else(stage: Stage) -> None:
    await stage.answer("/left alarm")
    assert await stage.answer("/left wait") == "waited"


@pytest.mark.parametrize("what", SPENT)
async def test_what_cannot_be_put_back_spends_the_worker(stage: Stage, what: str) -> None:
    before, pid = await stage.answer("/left look"), await stage.answer("/left pid")
    assert await stage.answer(f"/left {what}") == "Done."
    assert await stage.answer("/left look") == before
    assert await stage.answer("/left pid") != pid, "another worker"


async def test_what_one_command_keeps_of_the_memory_no_other_one_lacks(stage: Stage) -> None:
    pid = await stage.answer("/left pid")
    assert await stage.answer("/left leak 300") == "Done."
    assert await stage.answer("/left use 300") == "300"
    assert await stage.answer("/left pid") != pid, "another worker"


async def test_little_leaks_add_up(stage: Stage) -> None:
    for _ in range(10):
        assert await stage.answer("/left leak 60") == "Done."
    assert await stage.answer("/left use 300") == "300"


async def test_whoever_ran_out_of_memory_leaves_nobody_without(stage: Stage) -> None:
    pid = await stage.answer("/left pid")
    assert "MemoryError" in await stage.answer("/left use 4096")
    assert await stage.answer("/left pid") != pid, "another worker"


async def test_whoever_keeps_all_files_open_is_answered_and_hinders_nobody(stage: Stage) -> None:
    assert await stage.answer("/left files") != await stage.answer("/left pid")


@pytest.mark.parametrize("text", ["use 300", "cycle", "leak 1", "child"])
async def test_what_is_given_back_costs_no_worker(stage: Stage, text: str) -> None:
    pid = await stage.answer("/left pid")
    await stage.answer(f"/left {text}")
    assert await stage.answer("/left pid") == pid


async def test_a_task_that_is_left_goes_no_further(stage: Stage) -> None:
    await stage.answer("/left task")
    assert await stage.answer("/left sleep") == "None"


async def test_threads_of_a_loop_cost_no_worker(stage: Stage) -> None:
    pid = await stage.answer("/left pid")
    assert await stage.answer("/left to_thread") == pid
    assert await stage.answer("/left to_thread") == pid


async def test_the_next_worker_is_made_behind_the_spent_one(stage: Stage) -> None:
    await stage.answer("/left thread")
    await until(lambda: len(stage.pool._idle) == 1)
    assert await stage.answer("/left sleep") == "None"
