"""Building the console of a running house, and the link by which its first admin comes in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from posthouse.console.console import Console
from posthouse.console.house import (
    Arrangement,
    Books,
    Finding,
    Renewed,
    Surroundings,
)
from posthouse.console.lockout import Lockout
from posthouse.console.pages import PATH
from posthouse.console.passwords import Passwords
from posthouse.console.sign_in import SignIn
from posthouse.gateway.router import default_rules
from posthouse.handlers.handler import Traits
from posthouse.settings.language import Said
from posthouse.settings.reload import Change
from posthouse.settings.settings import Settings
from posthouse.settings.zone import zone_of

if TYPE_CHECKING:
    from posthouse.cli.reloading import Reloading
    from posthouse.house import House


def build_sign_in(house: House) -> SignIn:
    """Build what lets operators in."""
    return SignIn(house.store.access, Passwords(), Lockout(), time.time)


def build_console(
    settings: Settings, house: House, sign_in: SignIn, reloading: Reloading | None = None
) -> Console:
    """Build the console of a house that is open; without ``reloading``, settings stay as read."""
    store = house.store
    books = Books(
        journal=store.journal,
        reader=store.reader,
        chats=store.chats,
        holding=store.holding,
        upkeep=store.upkeep,
        grants=store.grants,
        access=store.access,
        documents=store.documents,
        asked=store.asked,
        conduct=store.conduct,
    )
    around = Surroundings(
        books=books,
        bots=house.bots,
        arranged=lambda: _arranged(house.settings),
        pulse=house,
        wakeup=house.wakeup,
        room=house.room,
        clock=time.time,
        new_key=house.around.new_key,
        language=settings.language,
        zone=zone_of(settings.timezone),
        public_url=settings.server.public_url,
        look_around=_Rounds(settings, house),
        tries=house.tries,
        renewing=None if reloading is None else _Renewing(reloading, house),
    )
    return Console(around, sign_in)


def _arranged(settings: Settings) -> Arrangement:
    names = {name: Traits() for name in settings.handlers}
    return Arrangement(
        channels={name: bot.channel for name, bot in settings.bots.items()},
        rules=settings.routes or default_rules(settings.words, names),
        handlers=tuple(settings.handlers),
        has_own_rules=bool(settings.routes),
    )


async def set_up_address(settings: Settings, url: str, sign_in: SignIn) -> str | None:
    """Return the link by which the first admin comes in; None when there are operators."""
    code = await sign_in.set_up_code()
    base = settings.server.public_url or url
    return None if code is None else f"{base}{PATH}/set-up/{code}"


class _Renewing:
    """Reads settings and scenes again for a button of the console."""

    def __init__(self, reloading: Reloading, house: House) -> None:
        self._reloading = reloading
        self._house = house

    async def look(self) -> tuple[Change, ...]:
        return await self._reloading.reload(is_rehearsal=True)

    async def renew(self) -> Renewed:
        found = await self._reloading.reload(is_rehearsal=False)
        return Renewed(found, await self._reloading.reload_scenes())


class _Rounds:
    """The checks of ``posthouse doctor`` that a running house can make of itself."""

    def __init__(self, settings: Settings, house: House) -> None:
        self._settings = settings
        self._upkeep = house.store.upkeep
        self._broken_scenes = house.broken_scenes

    async def __call__(self) -> Sequence[Finding]:
        around = await asyncio.to_thread(self._look)
        around = [*around, *map(_of_scene, self._broken_scenes())]
        problems = await self._upkeep.check()
        if not problems:
            fine = Said("数据库完好", "the database is in order")
            return [*around, Finding("ok", fine)]
        remedy = Said("停止驿站，恢复备份：posthouse restore", "stop, then `posthouse restore`")
        return [*around, *(Finding("fail", Said(said, said), remedy) for said in problems)]

    def _look(self) -> list[Finding]:
        from posthouse.cli import doctor

        found = [
            *doctor.directory_findings(self._settings.data),
            doctor.clock_finding(time.time(), self._settings.data, self._settings),
            *doctor.exposure_findings(self._settings),
            *doctor.limit_findings(self._settings),
        ]
        return [Finding(str(each.mark), each.said, each.remedy) for each in found]


def _of_scene(name: str) -> Finding:
    from posthouse.cli import doctor

    found = doctor.scene_finding(name)
    return Finding(str(found.mark), found.said, found.remedy)
