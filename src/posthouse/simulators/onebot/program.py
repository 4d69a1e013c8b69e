"""The platform as a program: started with options, says where it is, runs until interrupted."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.interruption import interrupted
from posthouse.simulators.onebot.accounts import (
    FIRST_SELF_ID,
    Account,
    IdStyle,
    MessageFormat,
    parse_accounts,
)
from posthouse.simulators.onebot.faults import FaultPlan, FaultSettings
from posthouse.simulators.onebot.server import OneBotServer
from posthouse.simulators.onebot.state import Network
from posthouse.simulators.onebot.talk import converse

_FOR_ONE = re.compile(r"([A-Za-z_][\w-]*)=(.*)", re.DOTALL)

E = TypeVar("E", MessageFormat, IdStyle)
Say = Callable[[str], None]


class Options(Struct, frozen=True, kw_only=True):
    """What a person can choose when starting the platform."""

    accounts: str = f"a={FIRST_SELF_ID}"
    urls: tuple[str, ...] = ()  # bot servers to dial; name=url for one account only
    forwards: tuple[str, ...] = ()  # name=port
    tokens: tuple[str, ...] = ()  # a token for all, or name=token
    message_format: str = "array"
    ids: str = "int32"
    heartbeat_s: float = 30.0
    reconnect_s: float = 3.0
    reports_self: bool = False
    port: int = 0  # of the control surface; 0: any free one
    seed: int | None = None  # a new one each time
    faults: Path | None = None  # a fault plan as JSON
    talk: str = ""  # "" no conversation, "text" or "json"


async def run(options: Options, say: Say) -> None:
    """Run a platform until SIGINT or SIGTERM; ``say`` gets its address and seed in a line.

    Raises:
        OperatorMistake: an option makes no sense.
        OSError: a port is taken, or the fault plan cannot be read.
    """
    seed = secrets.randbits(32) if options.seed is None else options.seed
    network = Network(seed, accounts=accounts_of(options))
    server = OneBotServer(network, faults=_fault_plan(options.faults), port=options.port)
    has_ended = interrupted()
    async with server:
        say(_announcement(server, seed))
        if options.talk:
            await converse(server, say, has_ended, is_json=options.talk == "json")
        else:
            await has_ended.wait()


def accounts_of(options: Options) -> tuple[Account, ...]:
    """Put together what the options say of each account.

    Raises:
        OperatorMistake: an option makes no sense.
    """
    pattern = Account(
        name="a",
        self_id=FIRST_SELF_ID,
        message_format=_one_of(MessageFormat, options.message_format),
        ids=_one_of(IdStyle, options.ids),
        heartbeat_s=options.heartbeat_s,
        reconnect_s=options.reconnect_s,
        reports_self=options.reports_self,
    )
    found = {each.name: each for each in parse_accounts(options.accounts, pattern)}
    for name, url in _for_each(options.urls, found):
        found[name] = replace(found[name], urls=(*found[name].urls, url))
    for name, token in _for_each(options.tokens, found):
        found[name] = replace(found[name], token=token)
    for name, port in _for_each(options.forwards, found):
        found[name] = replace(found[name], forward_port=_port(port))
    return tuple(found.values())


def _for_each(texts: tuple[str, ...], names: dict[str, Account]) -> list[tuple[str, str]]:
    """Split ``name=value``; a value alone is for all."""
    pairs = []
    for text in texts:
        found = _FOR_ONE.fullmatch(text)
        if found is not None and found[1] in names:
            pairs.append((found[1], found[2]))
        else:
            pairs += [(name, text) for name in names]
    return pairs


def _port(text: str) -> int:
    if not text.isdecimal() or not int(text) < 2**16:
        raise OperatorMistake(f"forward {text!r}: write name=port with an account declared before")
    return int(text)


def _one_of(kinds: type[E], text: str) -> E:
    try:
        return kinds(text)
    except ValueError:
        raise OperatorMistake(f"no {text!r}; choose one of {', '.join(kinds)}") from None


def _announcement(server: OneBotServer, seed: int) -> str:
    accounts = server.network.accounts.values()
    forwards = [
        f"{each.name}={server.forward_url(each.name)}"
        for each in accounts
        if each.forward_port is not None
    ]
    return " ".join((server.address, f"seed={seed}", *forwards))


def _fault_plan(path: Path | None) -> FaultPlan:
    if path is None:
        return FaultPlan()
    try:
        return FaultPlan(msgspec.json.decode(path.read_bytes(), type=FaultSettings))
    except msgspec.MsgspecError as error:
        raise OperatorMistake(f"{path} is no fault plan: {error}") from None
