"""Every setting of the house, typed; where a setting is wrong, the error names key, shape, remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from posthouse.model.address import ChatKind

Language = Literal["zh", "en"]


class Section(BaseModel):
    """A table of the config file; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class ServerSettings(Section):
    """``[server]``: where the house listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8350
    public_url: str = ""  # the address people use, with a sub-path if there is one
    trusted_proxies: tuple[str, ...] = ()
    body_bytes_max: int = 4 * 1024 * 1024
    upload_bytes_max: int = 50 * 1024 * 1024


class StoreSettings(Section):
    """``[store]``: where the book lies and how long it remembers."""

    url: str = ""  # "" = SQLite in the data directory
    quota_bytes: int = 10 * 1024**3
    keep_messages_days: Annotated[float, Field(gt=0)] = 90.0
    keep_seen_days: Annotated[float, Field(ge=7)] = 14.0
    keep_raw_days: Annotated[float, Field(gt=0)] = 14.0


class GatewaySettings(Section):
    """``[gateway]``: how much this process does at once."""

    name: str = "gateway-1"
    lease_s: Annotated[float, Field(ge=2)] = 15.0
    turns_max: Annotated[int, Field(ge=1)] = 200  # running at once
    sends_max: Annotated[int, Field(ge=1)] = 200  # calls to platforms at once
    stop_within_s: Annotated[float, Field(gt=0)] = 10.0


class LogSettings(Section):
    """``[log]``: what is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"  # auto: text on a terminal, else json


class WordsSettings(Section):
    """``[words]``: what people say to steer the bot, without a handler."""

    recall: tuple[str, ...] = ("撤回", "豆哥撤回", "recall")
    recall_contains: bool = False
    recall_within_s: float = 24 * 3600.0
    stop: tuple[str, ...] = ("停", "停止", "stop")
    prefixes: tuple[str, ...] = ("/", "／")  # noqa: RUF001 - the full-width slash is meant


class RouteRule(Section):
    """One ``[[routes]]`` entry: every condition given must hold; the first that fits wins."""

    bot: str = ""
    chat: int | None = None  # the house's number of the chat
    chat_kind: ChatKind | None = None
    addressed: bool | None = None
    prefix: str = ""
    person: str = ""
    pattern: str = ""  # a regular expression, searched in the text
    handler: str = ""
    ignore: bool = False
    refuse: str = ""  # a sentence


class HandlerSettings(BaseModel):
    """``[handlers.<name>]``: what answers; further keys belong to the handler's kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = ""  # defaults to the table's name


class BotSettings(BaseModel):
    """``[bots.<name>]``: one identity on one platform; further keys belong to its channel."""

    model_config = ConfigDict(extra="allow", frozen=True)

    channel: str
    language: Language | None = None
    send_only: bool = False


def _default_handlers() -> dict[str, HandlerSettings]:
    return {"commands": HandlerSettings(kind="commands"), "demo": HandlerSettings(kind="demo")}


class Settings(Section):
    """The whole of ``posthouse.toml``."""

    data: Path = Path("data")
    language: Language = "zh"
    timezone: str = ""  # "" = the machine's
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    gateway: GatewaySettings = GatewaySettings()
    log: LogSettings = LogSettings()
    words: WordsSettings = WordsSettings()
    bots: dict[str, BotSettings] = Field(default_factory=lambda: {"web": BotSettings(channel="web")})
    handlers: dict[str, HandlerSettings] = Field(default_factory=_default_handlers)
    routes: tuple[RouteRule, ...] = ()
