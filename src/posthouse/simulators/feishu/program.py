"""The tenant as a program: started with options, says where it is, runs until interrupted."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.feishu.apps import App, Hears, parse_apps
from posthouse.simulators.feishu.faults import FaultPlan, FaultSettings
from posthouse.simulators.feishu.server import FeishuServer
from posthouse.simulators.feishu.settings import REDELIVERY_S, TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from posthouse.simulators.interruption import interrupted


class Options(Struct, frozen=True, kw_only=True):
    """What a person can choose when starting the tenant."""

    apps: str = "a"
    port: int = 0  # any free one
    seed: int | None = None  # a new one each time
    encrypt_key: str = ""
    hears_everything: bool = False
    webhooks: tuple[str, ...] = ()  # app=url, without a challenge
    speed: float = 1.0  # redelivery is so many times faster
    is_queued: bool = False  # events wait while nobody is connected
    faults: Path | None = None  # a fault plan as JSON


async def run(options: Options, say: Callable[[str], None]) -> None:
    """Run a tenant until SIGINT or SIGTERM; ``say`` gets its address, seed and apps in a line.

    Raises:
        OperatorMistake: an option makes no sense.
        OSError: the port is taken, or the fault plan cannot be read.
    """
    seed = secrets.randbits(32) if options.seed is None else options.seed
    server = FeishuServer(
        Tenant(seed, _apps(options)),
        settings=_settings(options),
        faults=_fault_plan(options.faults),
        port=options.port,
    )
    _set_webhooks(server, options.webhooks)
    has_ended = interrupted()
    async with server:
        apps = server.tenant.apps.values()
        named = " ".join(f"{each.name}={each.app_id}:{each.app_secret}" for each in apps)
        say(f"{server.address} seed={seed} {named}")
        await has_ended.wait()


def _apps(options: Options) -> tuple[App, ...]:
    hears = Hears.EVERYTHING if options.hears_everything else Hears.MENTIONS
    return tuple(
        replace(each, encrypt_key=options.encrypt_key, hears=hears)
        for each in parse_apps(options.apps)
    )


def _settings(options: Options) -> TenantSettings:
    if options.speed <= 0:
        raise OperatorMistake(f"--speed {options.speed}: choose a number above 0")
    return TenantSettings(
        redelivery_s=tuple(pause_s / options.speed for pause_s in REDELIVERY_S),
        offline="queue" if options.is_queued else "schedule",
    )


def _set_webhooks(server: FeishuServer, texts: tuple[str, ...]) -> None:
    for text in texts:
        name, _, url = text.partition("=")
        if name not in server.switches or not url:
            raise OperatorMistake(f"--webhook {text}: write app=url with an app declared before")
        server.switches[name].webhook = server.switches[name].card_webhook = url


def _fault_plan(path: Path | None) -> FaultPlan:
    if path is None:
        return FaultPlan()
    try:
        return FaultPlan(msgspec.json.decode(path.read_bytes(), type=FaultSettings))
    except msgspec.MsgspecError as error:
        raise OperatorMistake(f"{path} is no fault plan: {error}") from None
