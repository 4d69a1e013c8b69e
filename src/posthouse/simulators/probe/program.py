"""The platform as a program: started with options, says where it is, runs until interrupted."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.interruption import interrupted
from posthouse.simulators.probe.bots import Bot, parse_bots
from posthouse.simulators.probe.faults import FaultPlan, FaultSettings
from posthouse.simulators.probe.pusher import Patience
from posthouse.simulators.probe.server import ProbeServer
from posthouse.simulators.probe.state import ProbePlatform


class Options(Struct, frozen=True, kw_only=True):
    """What a person can choose when starting the platform."""

    bots: str = "a=keyed"
    port: int = 0  # any free one
    seed: int | None = None  # a new one each time
    webhooks: tuple[str, ...] = ()  # bot=url
    faults: Path | None = None  # a fault plan as JSON
    back_off_max_s: float = 30.0  # the longest pause between two pushes of an event


async def run(options: Options, announce: Callable[[str], None]) -> None:
    """Run a platform until SIGINT or SIGTERM; ``announce`` gets its address and seed in a line.

    Raises:
        OperatorMistake: an option makes no sense.
        OSError: the port is taken, or the fault plan cannot be read.
    """
    seed = secrets.randbits(32) if options.seed is None else options.seed
    bots = parse_bots(options.bots)
    server = ProbeServer(
        ProbePlatform(seed, bots=bots),
        faults=_fault_plan(options.faults),
        patience=Patience(back_off_max_s=options.back_off_max_s),
        port=options.port,
    )
    for bot, url in _webhooks(options.webhooks, bots):
        server.set_webhook(bot, url)
    has_ended = interrupted()
    async with server:
        announce(f"{server.address} seed={seed}")
        await has_ended.wait()


def _webhooks(texts: tuple[str, ...], bots: tuple[Bot, ...]) -> list[tuple[Bot, str]]:
    by_name = {bot.bot: bot for bot in bots}
    pairs = [text.partition("=") for text in texts]
    for name, _, url in pairs:
        if name not in by_name or not url:
            raise OperatorMistake(f"webhook {name}={url}: write bot=url with a bot declared before")
    return [(by_name[name], url) for name, _, url in pairs]


def _fault_plan(path: Path | None) -> FaultPlan:
    if path is None:
        return FaultPlan()
    try:
        return FaultPlan(msgspec.json.decode(path.read_bytes(), type=FaultSettings))
    except msgspec.MsgspecError as error:
        raise OperatorMistake(f"{path} is no fault plan: {error}") from None
