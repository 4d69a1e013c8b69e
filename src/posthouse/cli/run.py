"""``posthouse run``: start the house, say where it is and what to do next, and close it in order.

This command imports neither typer nor rich, so that the first page is there sooner.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette

from posthouse.api.admin import Admin
from posthouse.api.app import build_app
from posthouse.api.desk import Desk
from posthouse.api.health import Health
from posthouse.api.metrics import Metrics
from posthouse.api.server import HttpServer, Listening, listen
from posthouse.cli.claim import first_claim
from posthouse.cli.console import build_console, build_sign_in, set_up_address
from posthouse.cli.crash_at import crash_at
from posthouse.cli.logs import LineWriter, configure_logs
from posthouse.cli.reloading import Reloading, Source
from posthouse.cli.serving import leave, listen_to_signals, until
from posthouse.cli.terminal import PROBLEM_FOUND, Terminal, speak
from posthouse.cli.welcome import welcome
from posthouse.settings.data_directory import DataDirectory
from posthouse.settings.load import Loaded, load
from posthouse.settings.settings import Level, Settings
from posthouse.settings.zone import live_in, zone_of

if TYPE_CHECKING:
    from posthouse.house import House

GARBAGE_AFTER = 20_000  # objects more than before: a collection takes longer than an answer
GRACE_S = 0.5  # the house keeps its own time; this one is for what it cannot see

log = structlog.get_logger("posthouse.run")


def run(arguments: Sequence[str]) -> int:
    """Run the house until it is told to stop; returns the exit code.

    Raises:
        OperatorMistake: a setting or the surroundings must be changed first.
    """
    options = parser(Terminal()).parse_args(arguments)
    flags = {"server.host": options.host, "server.port": options.port, "data": options.data}
    read = functools.partial(load, os.environ, flags, options.config)
    loaded = read()
    speak(loaded.settings.language)
    live_in(loaded.settings.timezone)
    directory = DataDirectory(loaded.settings.data)
    writer = logs_of(loaded)
    try:
        return _run_loop(Source(loaded, read), directory, writer)
    finally:
        directory.release()
        writer.close()


def parser(terminal: Terminal) -> argparse.ArgumentParser:
    """Return what reads the options of ``run``; they are described in the terminal's language."""
    words = terminal.words
    made = argparse.ArgumentParser(
        prog="posthouse run",
        description=words("启动驿站，直到 Ctrl+C。", "Start the house; it runs until Ctrl+C."),
        allow_abbrev=False,
    )
    made.add_argument(
        "--config", type=Path, metavar="FILE", help=words("配置文件", "settings file")
    )
    made.add_argument(
        "--data", type=os.path.abspath, metavar="DIR", help=words("数据目录", "data directory")
    )
    made.add_argument("--host", help=words("监听的地址", "address to listen on"))
    made.add_argument("--port", help=words("监听的端口", "port to listen on"))
    return made


def logs_of(loaded: Loaded, level: Level | None = None) -> LineWriter:
    """Begin to log as the settings say (or from ``level`` on), and say what loading them found."""
    settings = loaded.settings
    writer = configure_logs(
        settings.log if level is None else settings.log.model_copy(update={"level": level}),
        language=settings.language,
        secrets=loaded.secrets,
        zone=zone_of(settings.timezone),
    )
    for name, said in loaded.remarks:
        log.warning("variable_ignored", name=name, said=said(settings.language))
    return writer


def _run_loop(source: Source, directory: DataDirectory, writer: LineWriter) -> int:
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(_live(source, directory, writer))


def settle_heap() -> None:
    """Spare the collector what will live as long as the house, and let it run less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes uvloop's event loop; None where there is no uvloop."""
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    return uvloop.new_event_loop


async def _live(source: Source, directory: DataDirectory, writer: LineWriter) -> int:
    loaded = source.loaded
    if loaded.settings.role == "relay":
        from posthouse.cli.relay import live

        return await live(loaded, directory, writer)
    wants_to_stop = listen_to_signals(writer)
    async with running(loaded.settings, directory, writer, source) as (house, url, serving):
        is_held = (await house.store.holding.house()).is_held
        bots = house.vitals_of_bots()
        set_up = await set_up_address(loaded.settings, url, build_sign_in(house))
        claim = await first_claim(house, time.time())
        said = welcome(loaded, url, bots, os.environ, is_held=is_held, set_up=set_up, claim=claim)
        Terminal().line(said)
        log.info("house_started", url=url)
        return await until(wants_to_stop, serving)


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    directory: DataDirectory,
    writer: LineWriter,
    source: Source | None = None,
    *,
    is_port_fixed: bool = True,
) -> AsyncIterator[tuple[House, str, asyncio.Task[None]]]:
    """Have the house answer over HTTP; yields it, its address, and the task that serves.

    With a ``source`` its settings can be read again while it runs. Where nobody has to find it by
    its port, any other will do when that is taken.
    """
    listening = listen(settings.server, is_port_fixed=is_port_fixed)
    async with opened(settings, listening, directory.token, writer, source) as (house, server):
        serving = asyncio.create_task(server.serve())
        directory.announce(listening.url, settings.server.host)
        try:
            yield house, listening.url, serving
        finally:
            # Streams to open pages end when the house closes, so the two go together.
            server.stop()
            await _close(house, settings.gateway.stop_within_s, writer)
            await asyncio.wait({serving})


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    listening: Listening,
    token: str,
    writer: LineWriter,
    source: Source | None = None,
) -> AsyncIterator[tuple[House, HttpServer]]:
    """Open the house and what it answers over HTTP; close both in order, or leave when late."""
    from posthouse.bootstrap import build_house
    from posthouse.world import World

    crash = crash_at(os.environ)
    house = build_house(settings, World(at=crash) if crash else None)
    try:
        await house.open()
        settle_heap()
        reloading = None if source is None else Reloading(house, source, writer.hide)
        app = _app(settings, house, token, reloading)
        with listening_for_hang_up(reloading):
            yield house, HttpServer(app, settings.server, listening)
    finally:
        if not house.is_stopping:
            await _close(house, settings.gateway.stop_within_s, writer)


@contextlib.contextmanager
def listening_for_hang_up(reloading: Reloading | None) -> Iterator[None]:
    """Reload at every SIGHUP; where there is none, ``posthouse reload`` is the way."""
    hang_up = getattr(signal, "SIGHUP", None)
    if reloading is None or hang_up is None:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(hang_up, reloading.hang_up)
    try:
        yield
    finally:
        loop.remove_signal_handler(hang_up)


def _app(settings: Settings, house: House, token: str, reloading: Reloading | None) -> Starlette:
    store = house.store
    from posthouse.bootstrap import books_of

    desk = Desk(books_of(store), house.wakeup, house.bots, time.time, reloading, house.room)
    console = build_console(settings, house, build_sign_in(house), reloading)
    return build_app(
        settings.server,
        health=Health(house, store.holding, time.time),
        metrics=Metrics(house, store.upkeep, store.asked),
        admin=Admin(desk, token),
        messages=house.messages(),
        routes=(*house.asking().routes(), *console.routes()),
        of_channels=house.routes,
    )


async def _close(house: House, within_s: float, writer: LineWriter) -> None:
    log.info("house_stopping", within_s=within_s)
    try:
        async with asyncio.timeout(within_s + GRACE_S):
            await house.close()
    except TimeoutError:
        leave(writer, PROBLEM_FOUND)  # everything accepted is in the book
    log.info("house_stopped")
