"""A relay as a process: the doors of a house, and none of its road."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from starlette.routing import BaseRoute

from posthouse.api.callers import Callers
from posthouse.api.relay import RelayDoor
from posthouse.api.vitals import BotVitals
from posthouse.bootstrap import channel_tools, open_store
from posthouse.channels.catalogue import load
from posthouse.channels.channel import ConnectionState, Inlet, Outpost, Relayable, Status
from posthouse.gateway.housekeeping import (
    PRUNE_EVERY_S,
    PRUNE_PAUSE_S,
    Housekeeping,
    forever,
)
from posthouse.gateway.keeper import cancel
from posthouse.gateway.relay import Relay, is_unfetched
from posthouse.house import room_of
from posthouse.model.errors import OperatorMistake, PosthouseError
from posthouse.model.relay import BotState
from posthouse.settings.settings import Settings
from posthouse.store.sql.store import SqlStore
from posthouse.wakeup.local import LocalWakeup
from posthouse.world import World

LOOK_EVERY_S = 5.0

log = structlog.get_logger("posthouse.relay")


class Station:
    """Everything that a relay runs, opened and closed in order."""

    has_lease = True  # nobody else keeps for these bots in this directory

    def __init__(
        self,
        settings: Settings,
        world: World,
        store: SqlStore,
        relay: Relay,
        outposts: Mapping[str, Outpost],
    ) -> None:
        self.settings = settings
        self.store = store
        self.relay = relay
        self.wakeup = LocalWakeup()
        self.started_at = world.clock()
        self.is_stopping = False
        self._clock = world.clock
        self._sleep = world.sleep
        self._outposts = dict(outposts)
        self._states: dict[str, BotState] = {}
        self._unfetched: frozenset[str] = frozenset()
        self._loops: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Begin to keep."""
        await self._look()
        room = room_of(self.settings)
        keeping = Housekeeping(self.store.upkeep, self.relay.room, room, self._clock, self._sleep)
        loops = (keeping.measure, keeping.prune, self._look_on, self._forget)
        self._loops = [asyncio.ensure_future(forever(loop, self._sleep)) for loop in loops]

    def stop(self) -> None:
        """Let nobody wait for messages any longer: the doors are about to close."""
        self.is_stopping = True
        self.relay.close()

    async def close(self) -> None:
        """Close the book; everything that was acknowledged is in it."""
        self.stop()
        await cancel(self._loops)
        await self.store.close()

    # --- doors --------------------------------------------------------------------------------

    def routes(self) -> Sequence[BaseRoute]:
        """Return where platforms knock."""
        return [route for outpost in self._outposts.values() for route in outpost.routes()]

    def door(self) -> RelayDoor:
        """Return where houses knock."""
        callers = Callers(self.store.access, self._clock)
        return RelayDoor(self.relay, self._outposts, callers, self._clock)

    # --- how it is ----------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether the store is above its quota."""
        return self.relay.room.is_full

    def vitals_of_bots(self) -> tuple[BotVitals, ...]:
        """Return every bot; it counts as connected while a house fetches for it."""
        bots = self.settings.bots
        return tuple(
            BotVitals(name=name, channel=bots[name].channel, status=self._status(name))
            for name in self._outposts
        )

    def _status(self, bot: str) -> Status:
        state = self._states.get(bot, BotState(bot=bot))
        if state.is_held:
            kind = ConnectionState.CONNECTED
        else:
            kind = ConnectionState.WAITING if is_unfetched(state) else ConnectionState.OFF
        return Status(state=kind, since_at=self.started_at, is_alarming=is_unfetched(state))

    def broken_scenes(self) -> tuple[str, ...]:
        """Return nothing: there are none."""
        return ()

    def relayed(self) -> tuple[BotState, ...]:
        """Return what waits, as it was a few seconds ago."""
        return tuple(self._states.values())

    def totals(self) -> Mapping[tuple[str, str], float]:
        """Return what was counted since the start."""
        return dict(self.relay.tally)

    # --- loops --------------------------------------------------------------------------------

    async def _look_on(self) -> None:
        while True:
            await self._sleep(LOOK_EVERY_S)
            try:
                await self._look()
            except PosthouseError as problem:
                log.warning("measuring_postponed", problem=str(problem))

    async def _look(self) -> None:
        self._states = {state.bot: state for state in await self.relay.states()}
        unfetched = frozenset(state.bot for state in self._states.values() if is_unfetched(state))
        for bot in unfetched - self._unfetched:
            state = self._states[bot]
            minutes = round(state.oldest_s / 60)
            log.error("nobody_fetches", bot=bot, waiting=state.waiting, minutes=minutes)
        for bot in self._unfetched - unfetched:
            log.warning("somebody_fetches", bot=bot)
        self._unfetched = unfetched

    async def _forget(self) -> None:
        """Forget the keys of what houses have had for long."""
        seen_s = room_of(self.settings).retention.seen_s
        while True:
            try:
                count = await self.store.parcels.prune(self._clock() - seen_s)
            except PosthouseError as problem:
                log.warning("prune_postponed", problem=str(problem))
                count = 0
            await self._sleep(PRUNE_PAUSE_S if count else PRUNE_EVERY_S)


def build_station(settings: Settings, world: World | None = None) -> Station:
    """Build a relay that is ready to be opened; its book is opened here.

    Raises:
        OperatorMistake: the database cannot be used, a bot cannot have an outpost or has a setting
            that is wrong, or a secret that has no business here.
    """
    world = world or World()
    if settings.store.is_shared:
        raise OperatorMistake(
            "A relay keeps what it gets in a file of its own: leave store.url out, or write"
            ' role = "house".',
            zh='中转站用自己的文件保存消息：请去掉 store.url，或改回 role = "house"。',
        )
    if "bots" not in settings.model_fields_set:
        raise OperatorMistake(
            'role = "relay" needs a bot: write a table [bots.<name>] with the secrets of its'
            " callbacks.",
            zh='role = "relay" 需要至少一个机器人：写一张 [bots.<名字>] 表，里面是回调的密钥。',
        )
    store = open_store(settings, world)
    relay = Relay(store.parcels, tuple(settings.bots), settings.words, world.clock)
    outposts = {
        name: build_outpost(name, settings, world, relay.inlet(name)) for name in settings.bots
    }
    _refuse_shared_paths(outposts)
    return Station(settings, world, store, relay, outposts)


def _refuse_shared_paths(outposts: Mapping[str, Outpost]) -> None:
    """Make sure that every bot has its callbacks for itself."""
    owners: dict[str, str] = {}
    for name, each in outposts.items():
        for route in each.routes():
            path = str(getattr(route, "path", ""))
            if path in owners:
                raise OperatorMistake(
                    f"[bots.{owners[path]}] and [bots.{name}] both have their callbacks at {path}:"
                    " give one of them another webhook_path.",
                    zh=f"[bots.{owners[path]}] 和 [bots.{name}] 的回调地址都是 {path}："
                    "请给其中一个另设 webhook_path。",
                )
            owners[path] = name


def build_outpost(name: str, settings: Settings, world: World, inlet: Inlet) -> Outpost:
    """Build what a bot leaves on this machine.

    Raises:
        OperatorMistake: its channel cannot be relayed, or one of its settings is wrong.
    """
    bot = settings.bots[name]
    channel = load(bot.channel)
    if not isinstance(channel, Relayable):
        raise OperatorMistake(
            f'[bots.{name}] channel = "{bot.channel}" cannot be relayed: it has no webhooks, so'
            " its messages come to the house by themselves. Take it off the relay.",
            zh=f'[bots.{name}] channel = "{bot.channel}" 不需要中转：它没有 Webhook，'
            "消息会自己到驿站。请从中转站的配置里删掉它。",
        )
    tools = channel_tools(name, settings, world, LocalWakeup())
    return channel.build_outpost(name, bot.model_extra or {}, tools, inlet)
