"""The platform in a process of its own, for tests that kill, and for those not in Python's loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from posthouse.model.errors import PosthouseError
from posthouse.simulators.onebot.faults import FaultSettings
from posthouse.simulators.onebot.happenings import AnyHappening
from posthouse.simulators.onebot.record import Record
from posthouse.simulators.onebot.server import Told
from posthouse.simulators.onebot.switches import SwitchSettings

START_WITHIN_S = 20.0


class NoPlatform(PosthouseError):
    """The pretended platform did not start; its words are above."""


class Remote:
    """The control surface of a platform that runs elsewhere."""

    def __init__(
        self, address: str, forwards: dict[str, str], session: aiohttp.ClientSession
    ) -> None:
        self.address = address
        self.forwards = forwards  # by account: where bot programs dial in
        self._session = session

    async def say(self, what: AnyHappening) -> Told:
        """Let something happen, and wait until its event was pushed or missed."""
        return msgspec.json.decode(await self._ask("POST", "/v1/say?wait=1", what), type=Told)

    async def record(self) -> Record:
        """Return everything so far."""
        return msgspec.json.decode(await self._ask("GET", "/v1/record"), type=Record)

    async def fail(self, settings: FaultSettings) -> None:
        """Begin anew with another fault plan."""
        await self._ask("PUT", "/v1/faults", settings)

    async def switch(self, name: str, settings: SwitchSettings) -> None:
        """Turn the switches of an account."""
        await self._ask("PUT", f"/v1/accounts/{name}/switches", settings)

    async def cut(self, name: str) -> None:
        """Cut an account's connections without a word."""
        await self._ask("DELETE", f"/v1/accounts/{name}/connections?how=cut")

    async def _ask(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else msgspec.json.encode(body)
        url = self.address + path
        async with self._session.request(method, url, data=data, raise_for_status=True) as answer:
            return await answer.read()


@asynccontextmanager
async def started(*options: str) -> AsyncIterator[Remote]:
    """Start the program with options, and end it afterwards.

    Raises:
        NoPlatform: it ended before it said where it is.
    """
    program = (sys.executable, "-m", "posthouse.simulators.onebot", *options)
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_WITHIN_S):
            address, *words = (await process.stdout.readline()).decode().split() or [""]
        if not address:
            raise NoPlatform
        forwards = dict(word.split("=", 1) for word in words[1:])
        async with aiohttp.ClientSession() as session:
            yield Remote(address, forwards, session)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
