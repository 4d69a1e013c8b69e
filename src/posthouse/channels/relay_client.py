"""The relay, as a house sees it: three questions over HTTP, and how to ask them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec
from pydantic import Field, SecretStr, field_validator, model_validator

from posthouse.channels.body import TooLong, read_answer
from posthouse.channels.keep_connected import BadCredentials, Superseded
from posthouse.channels.options import CaFile, ChannelOptions, Proxy
from posthouse.model.errors import PosthouseError
from posthouse.model.relay import (
    ACK_PATH,
    LEASE_PATH,
    STATE_PATH,
    Acknowledged,
    Acknowledgement,
    Leased,
    LeaseWish,
    RelayState,
)

CONNECT_WITHIN_S = 10.0
ANSWER_WITHIN_S = 15.0  # beside the time that the relay was asked to wait
ANSWER_BYTES_MAX = 64 * 1024 * 1024  # one parcel may be as long as a webhook's body
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

T = TypeVar("T")


class RelayOptions(ChannelOptions):
    """``[bots.<name>.relay]``: where the bot's messages wait."""

    url: str = Field(min_length=1)
    token: SecretStr
    bot: str = Field(default="", max_length=64)  # "" = the same name as here
    ca_file: CaFile = None
    proxy: Proxy = ""
    insecure: bool = False  # http:// beyond this machine: messages and token can be read

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError('must look like "https://relay.example.com"')
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_private(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not self.insecure:
            raise ValueError(
                "an address with http:// shows messages and token to everybody in between; use"
                " https://, or insecure = true inside a network of your own"
                "（http:// 会泄露消息与令牌；请用 https://，自家内网可设 insecure = true）"
            )
        return self


class NoRelay(PosthouseError):
    """What answers at this address is no relay; look at relay.url."""


class LeaseOver(PosthouseError):
    """The lease was over before its parcels were in the book; they are asked for again."""


class RelayClient:
    """Asks the relay.

    Args:
        http: makes a session; it is closed by ``close``.
        options: where the relay is.
    """

    def __init__(self, http: Callable[[], aiohttp.ClientSession], options: RelayOptions) -> None:
        self._http = http
        self._options = options
        self._headers = {"Authorization": f"Bearer {options.token.get_secret_value()}"}
        self._ssl = (
            ssl.create_default_context(cafile=str(options.ca_file)) if options.ca_file else True
        )
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"RelayClient({self._options.url})"  # never the token

    async def lease(self, wish: LeaseWish) -> Leased:
        """Ask for what waits.

        Raises:
            BadCredentials: the relay does not take the token.
            Superseded: another house fetches for this bot.
            NoRelay: it does not answer as a relay does, or does not know the bot.
            aiohttp.ClientError, TimeoutError, OSError: there was no answer.
        """
        return await self._ask("POST", LEASE_PATH, Leased, wish, wish.wait_s)

    async def acknowledge(self, done: Acknowledgement) -> Acknowledged:
        """Say that parcels are in the book.

        Raises:
            LeaseOver: they were given out again since.
            BadCredentials, NoRelay, aiohttp.ClientError, TimeoutError, OSError: as for ``lease``.
        """
        return await self._ask("POST", ACK_PATH, Acknowledged, done)

    async def state(self) -> RelayState:
        """Ask how the relay is.

        Raises:
            BadCredentials, NoRelay, aiohttp.ClientError, TimeoutError, OSError: as for ``lease``.
        """
        return await self._ask("GET", STATE_PATH, RelayState)

    async def close(self) -> None:
        """Let go of the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(
        self, method: str, path: str, kind: type[T], body: object = None, wait_s: float = 0.0
    ) -> T:
        if self._session is None:
            self._session = self._http()
        async with self._session.request(
            method,
            self._options.url + path,
            data=None if body is None else msgspec.json.encode(body),
            headers=self._headers,
            proxy=self._options.proxy or None,
            ssl=self._ssl,
            timeout=aiohttp.ClientTimeout(
                total=wait_s + ANSWER_WITHIN_S, sock_connect=CONNECT_WITHIN_S
            ),
            allow_redirects=False,
        ) as answer:
            try:
                said = await read_answer(answer, ANSWER_BYTES_MAX)
            except TooLong:
                raise NoRelay(
                    "The relay answers more than anybody asked for; look at the machine that"
                    " relay.url names.",
                    "中转站的回答长得不合理；请检查 relay.url 指向的机器。",
                ) from None
            return _read(answer.status, said, kind)


class _Problem(msgspec.Struct, frozen=True):
    code: str = ""
    zh: str = ""
    en: str = ""


def _read(status: int, body: bytes, kind: type[T]) -> T:
    try:
        if status == 200:  # noqa: PLR2004 - everything else is a problem
            return msgspec.json.decode(body, type=kind)
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        problem = _Problem()
    raise _problem(status, problem)


def _problem(status: int, said: _Problem) -> PosthouseError:
    match said.code:
        case "not_authenticated" | "not_allowed":
            return BadCredentials(
                "The relay refuses the token: make one there with"
                " `posthouse tokens add NAME --scope relay` and put it into relay.token.",
                "中转站拒绝令牌：请在中转站上运行 posthouse tokens add 名字 --scope relay，"
                "填入 relay.token。",
            )
        case "leased_elsewhere":
            return Superseded(
                "Another house fetches this bot's messages from the relay; stop it, or give it"
                " a bot of its own.",
                "另一个驿站正在从中转站取这个机器人的消息；请停掉它，或让它用自己的机器人。",
            )
        case "lease_over":
            return LeaseOver(said.en, said.zh)
        case "":
            return NoRelay(
                f"What answers at relay.url is no relay (HTTP {status}); look at the address and"
                ' at role = "relay" there.',
                f"relay.url 那里不是中转站（HTTP {status}）；"
                '请核对地址，以及那边的 role = "relay"。',
            )
        case _:
            return NoRelay(f"the relay says: {said.en}", f"中转站说：{said.zh}")
