"""The entrance ``relay``: fetch what waits on a public machine, by a connection that goes outward.

A third entrance in front of the same door. What is fetched stays on the relay until the book has
it, so a death at any moment only means that it is fetched once more, and the keys of the codec
tell the book that it knows it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import aiohttp
import structlog
from msgspec.structs import replace

from posthouse.channels.channel import Door
from posthouse.channels.finding import Finding, Mark
from posthouse.channels.keep_connected import BadCredentials, Policy, Pulse
from posthouse.channels.relay_client import LeaseOver, RelayClient
from posthouse.model.address import Entrance
from posthouse.model.errors import PosthouseError
from posthouse.model.event import Event
from posthouse.model.relay import (
    Acknowledged,
    Acknowledgement,
    BotState,
    Leased,
    LeaseWish,
    RelayState,
)
from posthouse.settings.language import Said

WAIT_S = 20.0  # proxies on the way often cut silence at 30 or 60
TRUST_SHARE = 0.8  # of a lease: what takes longer may be somebody else's by now
CLOCK_OFF_S = 60.0
WAITED_LONG_S = 300.0
HOLDER_FILE = "relay-holder"
POLICY = Policy(  # a relay has a few houses, not a million: it may be asked often
    wait_first_s=0.5,
    wait_max_s=3.0,
    superseded_wait_s=15.0,
    refused_wait_s=60.0,
    idle_s=4 * WAIT_S,
)

_HOLDER = re.compile(r"[0-9a-f]{32}")

log = structlog.get_logger("posthouse.relay")


class Relay(Protocol):
    """What a line needs of ``RelayClient``."""

    async def lease(self, wish: LeaseWish) -> Leased: ...

    async def acknowledge(self, done: Acknowledgement) -> Acknowledged: ...


class RelayLine:
    """One bot's line to its relay, while there is one.

    Args:
        bot: what the relay calls the bot.
        holder: tells this house from every other one, also after a restart.
        relay: where its messages wait.
        read: makes events of payloads.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        bot: str,
        holder: str,
        relay: Relay,
        read: Callable[[Sequence[bytes]], Awaitable[Sequence[Event]]],
        clock: Callable[[], float],
    ) -> None:
        self._bot = bot
        self._holder = holder
        self._relay = relay
        self._read = read
        self._clock = clock

    async def connect_and_read(
        self, pulse: Pulse, door: Door, on_empty: Callable[[], None] = lambda: None
    ) -> None:
        """Fetch until something goes wrong.

        Args:
            pulse: told of every answer of the relay.
            door: where events go.
            on_empty: called whenever nothing waits any more.

        Raises:
            BadCredentials, Superseded, NoRelay, aiohttp.ClientError, TimeoutError, OSError: as
                the relay answers.
            TryLater: the book took nothing; what was fetched stays on the relay.
        """
        wait_s = 0.0  # the first answer says that the line stands, so it comes at once
        while True:
            asked_at = self._clock()
            wish = LeaseWish(bot=self._bot, holder=self._holder, wait_s=wait_s)
            leased = await self._relay.lease(wish)
            pulse.connected()
            pulse.heard()
            if leased.parcels:
                await self._hand_over(leased, asked_at, door)
            else:
                on_empty()
            wait_s = 0.0 if leased.parcels else WAIT_S

    async def _hand_over(self, leased: Leased, asked_at: float, door: Door) -> None:
        """Write a batch into the book, and only then let the relay forget it."""
        events = await self._read([parcel.payload for parcel in leased.parcels])
        if not 0 <= self._clock() - asked_at < leased.lease_s * TRUST_SHARE:
            log.warning("relay_lease_over", bot=self._bot)  # the process slept: ask again
            return
        if events:
            await door.accept(events, Entrance.RELAY)
        ids = tuple(parcel.id for parcel in leased.parcels)
        done = Acknowledgement(bot=self._bot, lease=leased.lease, ids=ids)
        try:
            await self._relay.acknowledge(done)
        except LeaseOver:
            log.warning("relay_lease_over", bot=self._bot)


def holder_of(data_dir: Path, new_key: Callable[[], str]) -> str:
    """Return what tells this house from others; made once, then kept in the data directory."""
    path = data_dir / HOLDER_FILE
    try:
        found = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        found = ""
    if _HOLDER.fullmatch(found):
        return found
    made = new_key()
    data_dir.mkdir(parents=True, exist_ok=True)
    path.write_text(made + "\n", "ascii")
    return made


# --- for the doctor ------------------------------------------------------------------------------


async def examine(
    client: RelayClient, bot: str, clock: Callable[[], float]
) -> AsyncIterator[Finding]:
    """Say how the relay is, and what waits there for ``bot``; never raises."""
    async for finding in _looked(client, bot, clock):
        said = Said(f"{bot}：{finding.said.zh}", f"{bot}: {finding.said.en}")
        yield replace(finding, said=said)


async def _looked(
    client: RelayClient, bot: str, clock: Callable[[], float]
) -> AsyncIterator[Finding]:
    asked_at = clock()
    try:
        state = await client.state()
    except PosthouseError as problem:
        yield Finding(Mark.FAIL, "relay", _said(problem), _remedy(problem))
        return
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        yield _unreachable(error)
        return
    yield Finding(
        Mark.OK,
        "relay",
        Said(
            f"中转站可达，令牌有效（{state.version}）",
            f"the relay answers and takes the token ({state.version})",
        ),
    )
    yield _clock(state.at - (asked_at + clock()) / 2)
    for finding in _about(state, bot):
        yield finding


def _said(problem: PosthouseError) -> Said:
    return Said(problem.sentence("zh"), problem.sentence("en"))


def _remedy(problem: PosthouseError) -> Said:
    if isinstance(problem, BadCredentials):
        return Said(
            "在中转站上看 posthouse tokens list：令牌可能已作废、过期，或没有 relay 权限",
            "`posthouse tokens list` on the relay: it may be revoked, over, or without the scope",
        )
    return Said("", "")


def _unreachable(error: BaseException) -> Finding:
    kind = type(error).__name__
    return Finding(
        Mark.FAIL,
        "relay",
        Said(f"连不上中转站：{kind}", f"the relay cannot be reached: {kind}"),
        Said(
            "核对 relay.url、防火墙和证书；在这台机器上试 curl 中转站的 /livez",
            "look at relay.url, the firewall and the certificate; try its /livez with curl",
        ),
    )


def _clock(off_s: float) -> Finding:
    if abs(off_s) < CLOCK_OFF_S:
        said = Said("两台机器的时钟一致", "the clocks of both machines agree")
        return Finding(Mark.OK, "clock", said)
    zh, en = ("快", "ahead") if off_s > 0 else ("慢", "behind")
    return Finding(
        Mark.WARN,
        "clock",
        Said(
            f"中转站的时钟比这里{zh} {abs(off_s):.0f} 秒",
            f"the relay's clock is {abs(off_s):.0f} s {en}",
        ),
        Said("两台都请校时（NTP）；消息不会因此丢", "set both clocks (NTP); no message is lost"),
    )


def _about(state: RelayState, bot: str) -> list[Finding]:
    found = next((each for each in state.bots if each.bot == bot), None)
    if found is None:
        known = ", ".join(each.bot for each in state.bots) or "-"
        return [
            Finding(
                Mark.FAIL,
                "relay",
                Said(
                    f"中转站没有机器人 {bot}，或令牌不含它；这个令牌可取：{known}",
                    f"the relay has no bot {bot}, or not for this token; it may fetch: {known}",
                ),
                Said("用 relay.bot 填那边的名字", "write its name there into relay.bot"),
            )
        ]
    findings = [_waiting(found)]
    if state.is_full:
        said = Said("中转站已满，平台的消息暂不接收", "the relay is full and takes nothing new")
        remedy = Said("腾出空间或调大 store.quota_bytes", "free space or raise store.quota_bytes")
        findings.append(Finding(Mark.FAIL, "relay", said, remedy))
    return findings


def _waiting(found: BotState) -> Finding:
    count, minutes = found.waiting, found.oldest_s / 60
    if found.oldest_s < WAITED_LONG_S:
        return Finding(
            Mark.OK, "relay", Said(f"{count} 条在等", f"{count} wait" if count else "nothing waits")
        )
    return Finding(
        Mark.FAIL,
        "relay",
        Said(
            f"{count} 条在等，最久 {minutes:.0f} 分钟",
            f"{count} wait, the oldest for {minutes:.0f} minutes",
        ),
        Said("启动这个驿站：posthouse run", "start this house: `posthouse run`"),
    )
