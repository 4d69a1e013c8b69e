"""``/metrics``: the numbers of the house in the Prometheus format."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from posthouse import __version__
from posthouse.api.vitals import Vitals
from posthouse.channels.channel import ConnectionState
from posthouse.model.relay import BotState
from posthouse.settings.zone import midnight
from posthouse.store.asked import Asked, Spent
from posthouse.store.upkeep import Upkeep

MICRO = 1_000_000
KEEP_S = 1.0  # scrapes closer together see the same numbers of the store


class Number(Struct, frozen=True):
    """One metric: its name without the prefix, its label, and what it says."""

    name: str
    label: str
    help: str


GAUGES = (
    Number("info", "version", "Always 1; the version stands in the label."),
    Number("started_at_seconds", "", "When the house was opened, seconds since the epoch."),
    Number(
        "lease_held", "", "1 while this process may work on lanes and the store can be written."
    ),
    Number("store_full", "", "1 while nothing is accepted because the store is full."),
    Number("store_bytes", "", "Room that the database takes on disk."),
    Number("book", "what", "What is in the book now: waiting turns, queued deliveries and so on."),
    Number("model_tokens_today", "use", "Tokens of models told and answered since midnight."),
    Number("model_cost_today", "use", "What that cost, by the prices in the settings."),
    Number("bot_connected", "bot", "1 while the bot is connected, or needs no connection."),
    Number("bot_failures", "bot", "Failed attempts to connect since the last success."),
    Number("relay_waiting", "bot", "On a relay: messages that no house has yet, leased ones too."),
    Number("relay_leased", "bot", "On a relay: messages that a house was given and has not taken."),
    Number("relay_oldest_seconds", "bot", "On a relay: how long the oldest has waited."),
    Number("relay_fetched_seconds", "bot", "On a relay: how long ago a house last asked."),
)

TOTALS = (
    Number(
        "events_total", "state", "Events accepted, by what became of them; repeats count as such."
    ),
    Number("turns_total", "state", "Turns that ended, by how."),
    Number("deliveries_total", "state", "Calls to platforms, by outcome."),
)

_FINE = {ConnectionState.OFF, ConnectionState.CONNECTED}


class Metrics:
    """Collects the numbers when somebody asks, and not before."""

    def __init__(
        self,
        vitals: Vitals,
        upkeep: Upkeep,
        asked: Asked,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._vitals = vitals
        self._upkeep = upkeep
        self._asked = asked
        self._clock = clock
        self._counts: Mapping[str, int] = {}
        self._bytes = 0
        self._spent: Mapping[str, Spent] = {}
        self._counted_at = float("-inf")
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def routes(self) -> Sequence[BaseRoute]:
        """Return where it answers."""
        return (Route("/metrics", self._show, methods=["GET"]),)

    def collect(self) -> Iterable[Metric]:
        """Yield everything at hand; the registry calls this."""
        values = self._gauges()
        for number in GAUGES:
            yield _gauge(number, values[number.name])
        totals = self._vitals.totals()
        for number in TOTALS:
            yield _total(number, totals)

    async def _show(self, _request: Request) -> Response:
        now = self._clock()
        if abs(now - self._counted_at) >= KEEP_S:
            self._counts = await self._upkeep.counts()
            self._bytes = await self._upkeep.size_bytes()
            today = midnight(now)
            self._spent = {
                "people": await self._asked.spent(today),
                "trials": await self._asked.spent_on_trials(today),
            }
            self._counted_at = now
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    def _gauges(self) -> Mapping[str, Mapping[str, float]]:
        """Return metric → label value → number; ``""`` where there is no label."""
        vitals = self._vitals
        bots = vitals.vitals_of_bots()
        return {
            "info": {__version__: 1},
            "started_at_seconds": {"": vitals.started_at},
            "lease_held": {"": vitals.has_lease},
            "store_full": {"": vitals.is_full},
            "store_bytes": {"": self._bytes},
            "book": self._counts,
            "model_tokens_today": {
                use: spent.prompt_tokens + spent.answer_tokens for use, spent in self._spent.items()
            },
            "model_cost_today": {
                use: spent.cost_micro / MICRO for use, spent in self._spent.items()
            },
            "bot_connected": {bot.name: bot.status.state in _FINE for bot in bots},
            "bot_failures": {bot.name: bot.status.failures for bot in bots},
            **_relayed(vitals.relayed()),
        }


def _relayed(states: Sequence[BotState]) -> Mapping[str, Mapping[str, float]]:
    return {
        "relay_waiting": {state.bot: state.waiting for state in states},
        "relay_leased": {state.bot: state.leased for state in states},
        "relay_oldest_seconds": {state.bot: state.oldest_s for state in states},
        "relay_fetched_seconds": {
            state.bot: state.fetched_s for state in states if state.fetched_s is not None
        },
    }


def _gauge(number: Number, values: Mapping[str, float]) -> Metric:
    labels = [number.label] if number.label else []
    family = GaugeMetricFamily(f"posthouse_{number.name}", number.help, labels=labels)
    for label, value in values.items():
        family.add_metric([label] if number.label else [], float(value))
    return family


def _total(number: Number, totals: Mapping[tuple[str, str], float]) -> Metric:
    name = f"posthouse_{number.name}".removesuffix("_total")
    family = CounterMetricFamily(name, number.help, labels=[number.label])
    for (metric, label), value in totals.items():
        if metric == number.name:
            family.add_metric([label], value)
    return family
