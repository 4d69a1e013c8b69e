"""Is it alive, is it ready, how is it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from posthouse import __version__
from posthouse.api.answers import as_json
from posthouse.api.vitals import Vitals
from posthouse.channels.channel import ConnectionState
from posthouse.settings.language import Said
from posthouse.store.holding import Holding

STORE_WITHIN_S = 2.0

PROBLEMS = {
    "stopping": Said("正在关门", "the house is closing"),
    "no_lease": Said(
        "没有租约：存储写不了，或另一进程以同名运行",
        "no lease: the store cannot be written, or another process runs under the same name",
    ),
    "store_full": Said(
        "存储已满：请腾出空间或调大 store.quota_bytes",
        "the store is full: free space or raise store.quota_bytes",
    ),
    "store_silent": Said("数据库没有回应", "the database does not answer"),
    "held": Said(
        "恢复备份后暂不发送：posthouse held list", "held after a restore: posthouse held list"
    ),
    "bot_disconnected": Said("有机器人没有连接", "a bot is not connected"),
    "nobody_fetches": Said(
        "有消息在中转站等着，但没有驿站来取：请启动它，或看它的 posthouse doctor",
        "messages wait on this relay and no house fetches them: start it, or ask its doctor",
    ),
    "scenes_broken": Said("有场景加载失败", "a scene does not load"),
}

_TROUBLED = {ConnectionState.WAITING, ConnectionState.SUPERSEDED, ConnectionState.REFUSED}


class Health:
    """Answers the questions of people, load balancers and monitors."""

    def __init__(self, vitals: Vitals, holding: Holding, clock: Callable[[], float]) -> None:
        self._vitals = vitals
        self._holding = holding
        self._clock = clock

    def routes(self) -> Sequence[BaseRoute]:
        """Return where it answers."""
        return (
            Route("/livez", self._alive, methods=["GET"]),
            Route("/readyz", self._ready, methods=["GET"]),
            Route("/api/v1/health", self._health, methods=["GET"]),
        )

    async def problems(self) -> tuple[str, ...]:
        """Return why the house cannot take messages, as codes of ``PROBLEMS``."""
        vitals = self._vitals
        found = {
            "stopping": vitals.is_stopping,
            "no_lease": not vitals.has_lease,
            "store_full": vitals.is_full,
            "store_silent": await self._is_held() is None,
        }
        return tuple(code for code, is_so in found.items() if is_so)

    async def _is_held(self) -> bool | None:
        """Ask the store; None when it does not answer."""
        try:
            async with asyncio.timeout(STORE_WITHIN_S):
                return (await self._holding.house()).is_held
        except Exception:  # noqa: BLE001 - whatever it raises, it does not answer
            return None

    async def _alive(self, _request: Request) -> Response:
        return as_json({"status": "alive"})

    async def _ready(self, _request: Request) -> Response:
        problems = await self.problems()
        content = {"status": "not_ready" if problems else "ready", "problems": _said(problems)}
        return as_json(content, 503 if problems else 200)

    async def _health(self, _request: Request) -> Response:
        problems = await self.problems()
        bots = self._vitals.vitals_of_bots()
        is_held = await self._is_held()
        broken = self._vitals.broken_scenes()
        is_relay = bool(self._vitals.relayed())
        is_silent = any(bot.status.state in _TROUBLED for bot in bots)
        noticed = [
            *problems,
            *(["held"] if is_held else []),
            *(["bot_disconnected"] if is_silent and not is_relay else []),
            *(["nobody_fetches"] if is_silent and is_relay else []),
            *(["scenes_broken"] if broken else []),
        ]
        content = {
            "status": "failing" if problems else "degraded" if noticed else "healthy",
            "version": __version__,
            "pid": os.getpid(),
            "started_at": self._vitals.started_at,
            "up_s": round(self._clock() - self._vitals.started_at, 3),
            "held": bool(is_held),
            "bots": bots,
            "relayed": self._vitals.relayed(),
            "broken_scenes": broken,
            "problems": _said(noticed),
        }
        return as_json(content)


def _said(codes: Sequence[str]) -> list[dict[str, str]]:
    return [{"code": code, "zh": PROBLEMS[code].zh, "en": PROBLEMS[code].en} for code in codes]
