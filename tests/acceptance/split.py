"""Two real processes: a relay that the tenant calls, and a house that fetches from it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp

from posthouse.cli.laboratory.premises import Premises, RunningHouse
from posthouse.model.secret import hashed
from posthouse.simulators.feishu.apps import App, Hears
from posthouse.simulators.feishu.happenings import Say
from posthouse.simulators.feishu.server import FeishuServer
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from posthouse.store.sqlite.store import SqliteStore
from tests.acceptance.wire import Wire

APP = App(
    name="a",
    app_id="cli_00000000000000aa",
    app_secret="s3cret",
    bot_name="Helper",
    encrypt_key="k3y",
    verification_token="t0ken",
    hears=Hears.EVERYTHING,
)
# The tenant tries for longer than anybody is dead.
PATIENT = TenantSettings(redelivery_s=(0.2,) * 500, is_paced=False)
TOKEN = "ph_home"
SETTLES_WITHIN_S = 60.0
LOOK_EVERY_S = 0.02

RELAY = """
role = "relay"
[bots.support]
channel = "feishu"
encrypt_key = "k3y"
verification_token = "t0ken"
webhook_path = "/event"
"""
HOUSE = """
[bots.fs]
channel = "feishu"
entrance = "relay"
app_id = "cli_00000000000000aa"
app_secret = "s3cret"
domain = "{domain}"
streaming = false
[bots.fs.relay]
url = "{relay}"
token = "{token}"
bot = "support"
[handlers.demo]
kind = "demo"
word_pause_s = 0
"""


class Split:
    """A tenant, a relay, a house, and the way between the two.

    Everybody writes numbered words, ``ada-17``; the demonstration repeats them.
    """

    def __init__(
        self,
        feishu: FeishuServer,
        relay: Premises,
        house: Premises,
        house_settings: str,
        wire: Wire,
    ) -> None:
        self.feishu = feishu
        self.relay = relay
        self.house = house
        self.house_settings = house_settings
        self.wire = wire
        self._said: dict[str, int] = {}

    def say(self, person: str, count: int = 1, *, in_group: bool = False) -> None:
        """Let a person say their next words to the bot, alone or by a mention."""
        for _ in range(count):
            number = self._said[person] = self._said.get(person, 0) + 1
            text = f"{person}-{number}"
            told = (
                Say(person=person, text=text, mentions=("a",))
                if in_group
                else Say(person=person, text=text, chat_type="p2p")
            )
            self.feishu.say(told)

    def repeated(self, person: str) -> list[int]:
        """Return the numbers of a person's words in the order in which they were answered."""
        answers = " ".join(entry.text for entry in self.feishu.visible(is_own_only=True))
        return [int(number) for number in re.findall(rf"{person}-(\d+)", answers)]

    async def settles(self) -> None:
        """Wait until everybody has an answer to every word, and the relay nothing left."""
        await until(
            lambda: all(
                len(set(self.repeated(person))) == count for person, count in self._said.items()
            )
        )
        await self.none_waits()

    def judge(self, about: str = "") -> None:
        """Nothing was lost, nothing was answered twice, and nobody overtook themselves."""
        for person, count in self._said.items():
            assert self.repeated(person) == [*range(1, count + 1)], f"{person} {about}"
        assert self.feishu.complaints == []

    def open_relay(self) -> contextlib.AbstractAsyncContextManager[RunningHouse]:
        """Let the relay run, and wait until it answers."""
        return opened(self.relay)

    async def waiting(self) -> int:
        """Ask the relay how many messages no house has yet."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{self.relay.url}/api/v1/relay") as answer,
        ):
            states = (await answer.json())["bots"]
        return sum(int(state["waiting"]) for state in states)

    async def none_waits(self) -> None:
        """Wait until the relay has handed everything over."""
        async with asyncio.timeout(SETTLES_WITHIN_S):
            while await self.waiting():  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(LOOK_EVERY_S)


@contextlib.asynccontextmanager
async def split(folder: Path) -> AsyncIterator[Split]:
    """Furnish a relay and a house; neither runs yet."""
    relay_folder, house_folder = folder / "relay", folder / "house"
    relay_folder.mkdir()
    house_folder.mkdir()
    relay = Premises(relay_folder, RELAY)
    relay.data.mkdir()
    async with FeishuServer(Tenant(7, (APP,)), settings=PATIENT) as feishu:
        switches = feishu.switches["a"]
        switches.webhook, switches.is_ordered = f"{relay.url}/event", True
        store = SqliteStore.open(relay.database)
        await store.access.add_token("home", ("relay",), hashed(TOKEN), "test", time.time())
        await store.close()
        async with Wire(relay.port).open() as wire:
            settings = HOUSE.format(
                domain=feishu.address, relay=f"http://127.0.0.1:{wire.port}", token=TOKEN
            )
            yield Split(feishu, relay, Premises(house_folder, settings), settings, wire)


@contextlib.asynccontextmanager
async def opened(premises: Premises) -> AsyncIterator[RunningHouse]:
    """Start a process, and wait until it answers."""
    async with premises.house() as running:
        await running.until_open()
        yield running


async def token_of(relay: Premises, *scopes: str) -> str:
    """Make a token at a relay."""
    words = [word for scope in scopes or ("relay",) for word in ("--scope", scope)]
    code, said = await relay.command("tokens", "add", "home", *words, "--json")
    assert code == 0, said
    secret: str = json.loads(said)["secret"]
    return secret


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(SETTLES_WITHIN_S):
        while not holds():  # noqa: ASYNC110 - it happens in other processes
            await asyncio.sleep(LOOK_EVERY_S)
