"""``posthouse run`` with ``role = "relay"``: keep what platforms send until a house fetches it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator

import structlog
from starlette.applications import Starlette

from posthouse import __version__
from posthouse.api.admin import Admin
from posthouse.api.app import build_app
from posthouse.api.desk import Desk
from posthouse.api.health import Health
from posthouse.api.metrics import Metrics
from posthouse.api.server import HttpServer, listen
from posthouse.bootstrap import books_of
from posthouse.cli.crash_at import crash_at
from posthouse.cli.logs import LineWriter
from posthouse.cli.serving import leave, listen_to_signals, until
from posthouse.cli.terminal import PROBLEM_FOUND, Terminal
from posthouse.cli.welcome import padded
from posthouse.settings.data_directory import DataDirectory
from posthouse.settings.language import Said
from posthouse.settings.load import Loaded
from posthouse.station import Station, build_station
from posthouse.world import World

GRACE_S = 0.5

log = structlog.get_logger("posthouse.run")


async def live(loaded: Loaded, directory: DataDirectory, writer: LineWriter) -> int:
    """Run a relay until it is told to stop; returns the exit code.

    Raises:
        OperatorMistake: a setting must be changed first.
    """
    wants_to_stop = listen_to_signals(writer)
    if hang_up := getattr(signal, "SIGHUP", None):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(hang_up, lambda: log.warning("relay_not_reloaded"))
    async with _running(loaded, directory, writer) as (station, url, serving):
        Terminal().line(welcome(loaded, station, url))
        log.info("house_started", url=url)
        return await until(wants_to_stop, serving)


@contextlib.asynccontextmanager
async def _running(
    loaded: Loaded, directory: DataDirectory, writer: LineWriter
) -> AsyncIterator[tuple[Station, str, asyncio.Task[None]]]:
    settings = loaded.settings
    crash = crash_at(os.environ)
    station = build_station(settings, World(at=crash) if crash else None)
    listening = listen(settings.server)
    server = HttpServer(_app(station, directory.token), settings.server, listening)
    await station.open()
    serving = asyncio.create_task(server.serve())
    directory.announce(listening.url, settings.server.host)
    try:
        yield station, listening.url, serving
    finally:
        await _close(station, server, serving, writer)


async def _close(
    station: Station, server: HttpServer, serving: asyncio.Task[None], writer: LineWriter
) -> None:
    """Answer who waits, then close the doors, then the book."""
    within_s = station.settings.gateway.stop_within_s
    log.info("house_stopping", within_s=within_s)
    station.stop()
    server.stop()
    try:
        async with asyncio.timeout(within_s + GRACE_S):
            await asyncio.wait({serving})
            await station.close()
    except TimeoutError:
        leave(writer, PROBLEM_FOUND)
    log.info("house_stopped")


def _app(station: Station, token: str) -> Starlette:
    store = station.store
    desk = Desk(books_of(store), station.wakeup, tuple(station.settings.bots), time.time)
    return build_app(
        station.settings.server,
        health=Health(station, store.holding, time.time),
        metrics=Metrics(station, store.upkeep, store.asked),
        admin=Admin(desk, token),
        routes=station.door().routes(),
        of_channels=station.routes,
    )


def welcome(loaded: Loaded, station: Station, url: str) -> str:
    """Return the start-up text: what to enter on the platform, and what the house needs."""
    language = loaded.settings.language
    base = loaded.settings.server.public_url or url
    webhooks = [str(getattr(route, "path", "")) for route in station.routes()]
    rows = [
        *((Said("回调地址", "Callbacks"), base + path) for path in webhooks),
        (
            Said("令牌", "Token"),
            Said(
                "posthouse tokens add 名字 --scope relay（驿站用它来取）",
                "posthouse tokens add NAME --scope relay (for the house that fetches)",
            )(language),
        ),
        (
            Said("驿站那边", "At home"),
            f'entrance = "relay" · [bots.<{Said("名字", "name")(language)}>.relay] url = "{base}"',
        ),
        (Said("数据", "Data"), str(loaded.settings.data.absolute())),
        (Said("停止", "Stop"), "Ctrl+C"),
    ]
    title = Said(f"中转站 {__version__} 已开门", f"Relay {__version__} is open")(language)
    return "\n".join(
        [title, "", *(f"  {padded(label(language))}{text}" for label, text in rows), ""]
    )
