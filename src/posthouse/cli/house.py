"""A house that tools can talk to: the running one, or the one that stands still."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from posthouse.api.admin import PATH
from posthouse.api.desk import Desk, Task
from posthouse.model.errors import OperatorMistake, TryLater
from posthouse.settings.data_directory import DataDirectory, Owner, owner_of
from posthouse.settings.settings import Settings
from posthouse.wakeup.local import LocalWakeup

ANSWER_WITHIN_S = 600.0  # a large backup takes its time

A = TypeVar("A", bound=Struct)
R = TypeVar("R")


class Counter(Protocol):
    """Where tasks are handed in."""

    @property
    def is_running(self) -> bool:
        """Whether the house runs, or this process has opened it for a moment."""
        ...

    async def ask(self, task: Task[A, R], arguments: A) -> R:
        """Have a task performed.

        Raises:
            OperatorMistake: something must be changed first.
            TryLater: the house is starting or stopping.
        """
        ...


class RunningHouse:
    """The owner of the data directory, asked over HTTP."""

    is_running = True

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    async def ask(self, task: Task[A, R], arguments: A) -> R:
        """Have a task performed by the owner."""
        status, raw = await asyncio.to_thread(self._post, task.name, msgspec.json.encode(arguments))
        if status == http.client.OK:
            return cast("R", msgspec.json.decode(raw, type=task.result))
        problem = json.loads(raw)
        kind = OperatorMistake if status == http.client.CONFLICT else TryLater
        raise kind(problem["en"], zh=problem["zh"])

    def _post(self, name: str, body: bytes) -> tuple[int, bytes]:
        address = urlsplit(self._owner.url)
        if address.hostname is None:
            raise _between_states(self._owner)
        connection = http.client.HTTPConnection(
            address.hostname, address.port, timeout=ANSWER_WITHIN_S
        )
        headers = {"Authorization": f"Bearer {self._owner.token}"}
        try:
            with contextlib.closing(connection):
                connection.request("POST", PATH.replace("{task}", name), body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            raise _between_states(self._owner) from None


def _between_states(owner: Owner) -> TryLater:
    return TryLater(
        f"Process {owner.pid} has the data directory but does not answer: it is starting or"
        " stopping. Try again in a moment.",
        zh=f"进程 {owner.pid} 占用着数据目录，但没有回应：它正在启动或停止。请稍后再试。",
    )


class StandingHouse:
    """A house that does not run; this process owns it while the tool works."""

    is_running = False

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, task: Task[A, R], arguments: A) -> R:
        """Perform a task here."""
        return await task.perform(self._desk, arguments)


@contextlib.asynccontextmanager
async def counter_of(settings: Settings) -> AsyncIterator[Counter]:
    """Reach the house of these settings, running or not.

    Raises:
        OperatorMistake: there is no house yet, or its database cannot be used.
    """
    owner = owner_of(settings.data)
    if owner is not None:
        yield RunningHouse(owner)
        return
    from posthouse.bootstrap import database_of

    if not settings.store.is_shared:
        require_database(database_of(settings))
    directory = DataDirectory(settings.data)
    try:
        async with _standing(settings) as house:
            yield house
    finally:
        directory.release()


@contextlib.asynccontextmanager
async def _standing(settings: Settings) -> AsyncIterator[StandingHouse]:
    from posthouse.bootstrap import books_of, build_reading_room, open_store
    from posthouse.world import World

    store = open_store(settings)
    room = build_reading_room(settings, store, World())
    try:
        desk = Desk(books_of(store), LocalWakeup(), tuple(settings.bots), time.time, room=room)
        with only_warnings():
            yield StandingHouse(desk)
    finally:
        await room.close()
        await store.close()


@contextlib.contextmanager
def only_warnings() -> Iterator[None]:
    """Keep what a house logs apart from what a command prints."""
    import structlog

    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def require_database(path: Path) -> None:
    """Refuse to go on where no house has ever run.

    Raises:
        OperatorMistake: there is no database.
    """
    if not path.exists():
        raise OperatorMistake(
            f"There is no house in {path.parent}: {path.name} does not exist."
            " Choose its data directory with --data, or start one with `posthouse run`.",
            zh=f"{path.parent} 里没有驿站：没有 {path.name}。"
            "请用 --data 指定数据目录，或先运行 posthouse run。",
        )


def absolute(path: Path) -> str:
    """Return a path that means the same to a process that was started elsewhere."""
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
