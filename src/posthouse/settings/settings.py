"""Every setting of the house, typed. ``mistakes.py`` puts what is wrong with one into words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from posthouse.model.address import ChatKind
from posthouse.settings.store_address import is_shared

Language = Literal["zh", "en"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Level = Literal["debug", "info", "warning", "error"]

_LEVELS = {"warn": "warning", "critical": "error", "fatal": "error", "notset": "debug"}


def _level(value: object) -> object:
    """Take the levels that other programs know as well, in capitals or not."""
    if not isinstance(value, str):
        return value
    return _LEVELS.get(value.lower(), value.lower())


class Section(BaseModel):
    """A table of the config file; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class ServerSettings(Section):
    """``[server]``: where the house listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8350  # 0: any free one
    public_url: str = ""  # the address people use, with a sub-path if there is one
    trusted_proxies: tuple[str, ...] = ()
    body_bytes_max: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    upload_bytes_max: Annotated[int, Field(ge=1024)] = 50 * 1024 * 1024
    connections_max: Annotated[int, Field(ge=10)] = 4000  # more get 503
    receive_within_s: Annotated[float, Field(gt=0)] = 20.0  # silence inside a request ends it

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and (
            urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc
        ):
            raise PydanticCustomError("not_an_address", "not an address")
        return value.rstrip("/")


class StoreSettings(Section):
    """``[store]``: where the book lies and how long it remembers."""

    url: Annotated[str, Field(repr=False)] = ""  # "" = SQLite in the data directory
    quota_bytes: Annotated[int, Field(ge=10 * 1024**2)] = 10 * 1024**3
    keep_messages_days: Annotated[float, Field(gt=0)] = 90.0
    keep_seen_days: Annotated[float, Field(ge=7)] = 14.0
    keep_raw_days: Annotated[float, Field(gt=0)] = 14.0

    @field_validator("url")
    @classmethod
    def _is_a_store(cls, value: str) -> str:
        if value and not value.startswith("sqlite:///") and not is_shared(value):
            raise PydanticCustomError("not_a_store", "not a store")
        return value

    @property
    def is_shared(self) -> bool:
        """Whether the book is a PostgreSQL database, which other gateways may use as well."""
        return is_shared(self.url)


class GatewaySettings(Section):
    """``[gateway]``: how much this process does at once."""

    name: str = "gateway-1"
    lease_s: Annotated[float, Field(ge=2)] = 15.0
    turns_max: Annotated[int, Field(ge=1)] = 200  # running at once
    sends_max: Annotated[int, Field(ge=1)] = 200  # calls to platforms at once
    stop_within_s: Annotated[float, Field(gt=0)] = 10.0


class LogSettings(Section):
    """``[log]``: what is written to standard error."""

    level: Annotated[Level, BeforeValidator(_level)] = "info"
    format: Literal["auto", "text", "json"] = "auto"  # auto: text on a terminal, else json


class WordsSettings(Section):
    """``[words]``: what people say to steer the bot, without a handler."""

    recall: tuple[str, ...] = ("撤回", "豆哥撤回", "recall")
    recall_contains: bool = False
    recall_within_s: Annotated[float, Field(gt=0)] = 24 * 3600.0
    stop: tuple[str, ...] = ("停", "停止", "stop")
    prefixes: tuple[str, ...] = ("/", "／")


class EndpointSettings(Section):
    """``[embedding]`` and ``[reranking]``: where a model is, and how it is reached."""

    base_url: str
    model: Annotated[str, Field(min_length=1)]  # what the other side calls it
    api_key: Annotated[str, Field(repr=False)] = ""
    within_s: Annotated[float, Field(gt=0)] = 60.0  # silence that ends a call
    proxy: str = ""
    ca_file: Path | None = None

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc:
            raise PydanticCustomError("not_an_address", "not an address")
        return value.rstrip("/")

    @field_validator("proxy")
    @classmethod
    def _is_a_proxy(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise PydanticCustomError("not_an_address", "not an address")
        return value


class ModelSettings(EndpointSettings):
    """``[models.<name>]``: a language model that speaks OpenAI's protocol."""

    retries_max: Annotated[int, Field(ge=0, le=10)] = 2  # while it is busy
    calls_max: Annotated[int, Field(ge=1)] = 16  # at once
    fallbacks: tuple[Name, ...] = ()  # other models, asked when this one gives no answer
    sees_pictures: bool = False
    prompt_tokens_max: Annotated[int, Field(ge=1000)] = 32_000
    answer_tokens_max: Annotated[int, Field(ge=16)] = 1024
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.2
    price_prompt: Annotated[float, Field(ge=0)] = 0.0  # of a million tokens told
    price_answer: Annotated[float, Field(ge=0)] = 0.0  # of a million tokens answered


class KnowledgeSettings(Section):
    """``[knowledge.<base>]``: where the documents of a knowledge base come from."""

    sources: tuple[str, ...] = ()  # folders, files, git checkouts, addresses of pages
    include: tuple[str, ...] = ()  # patterns as in .gitignore; none: all that can be read
    exclude: tuple[str, ...] = ()
    columns: dict[str, Literal["answer", "show", "never"]] = Field(default={})
    masked: bool = True  # phone numbers, e-mails, identity numbers, VINs, bank cards
    pages: Annotated[int, Field(ge=1, le=5000)] = 1  # of a site that an address leads to
    depth: Annotated[int, Field(ge=0, le=100)] = 5  # links away from the first of them
    private: bool = False  # whether pages may be on this machine or network
    check_every_s: Annotated[float, Field(ge=15)] = 300.0  # pages: an hour at least


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

    @field_validator("pattern")
    @classmethod
    def _is_a_regular_expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise PydanticCustomError("not_a_pattern", "{why}", {"why": str(error)}) from None
        return value

    @model_validator(mode="after")
    def _leads_to_one_thing(self) -> Self:
        if sum(map(bool, (self.handler, self.ignore, self.refuse))) != 1:
            raise PydanticCustomError("not_one_end", "not one end")
        return self


class HandlerSettings(BaseModel):
    """``[handlers.<name>]``: what answers; further keys belong to the handler's kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = ""  # defaults to the table's name
    access: Literal["open", "granted"] = "open"  # granted: only who was allowed


class BotSettings(BaseModel):
    """``[bots.<name>]``: one identity on one platform; further keys belong to its channel."""

    model_config = ConfigDict(extra="allow", frozen=True)

    channel: str
    language: Language | None = None
    send_only: bool = False

    @field_validator("channel")
    @classmethod
    def _is_a_channel_of_this_version(cls, value: str) -> str:
        if value in CHANNELS_TO_COME:
            raise PydanticCustomError("channel_not_yet", "{channel}", {"channel": value})
        return value


# Platforms the design names whose channel is not written yet; whoever writes one takes it out.
CHANNELS_TO_COME = frozenset({"dingtalk", "wecom", "telegram", "qq"})


def _default_handlers() -> dict[str, HandlerSettings]:
    return {
        "commands": HandlerSettings(kind="commands"),
        "assistant": HandlerSettings(kind="assistant"),
    }


class Settings(Section):
    """The whole of ``posthouse.toml``."""

    role: Literal["house", "relay"] = "house"  # relay: keeps messages for a house elsewhere
    data: Path = Path("data")
    source_roots: tuple[Path, ...] = ()  # folders below which knowledge may come from
    language: Language = "zh"
    timezone: str = ""  # "" = the machine's
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    gateway: GatewaySettings = GatewaySettings()
    log: LogSettings = LogSettings()
    words: WordsSettings = WordsSettings()
    bots: dict[Name, BotSettings] = Field(
        default_factory=lambda: {"web": BotSettings(channel="web")}
    )
    handlers: dict[Name, HandlerSettings] = Field(default_factory=_default_handlers)
    models: dict[Name, ModelSettings] = Field(default_factory=dict)
    knowledge: dict[Name, KnowledgeSettings] = Field(default_factory=dict)
    embedding: EndpointSettings | None = None  # finds what says the same in other words
    reranking: EndpointSettings | None = None  # puts what was found in a better order
    routes: tuple[RouteRule, ...] = ()

    _secret_variables: frozenset[str] = frozenset()

    @property
    def secret_variables(self) -> frozenset[str]:
        """Return the variables that secrets came from, ``{ env = "NAME" }``."""
        return self._secret_variables

    def hide(self, variables: Iterable[str]) -> None:
        """Remember which variables secrets came from: whoever reads the settings knows it."""
        self._secret_variables = frozenset(variables)

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, value: str) -> str:
        if not value:
            return value
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise PydanticCustomError("not_a_timezone", "not a timezone") from None
        return value

    @field_validator("handlers")
    @classmethod
    def _has_commands(cls, value: dict[Name, HandlerSettings]) -> dict[Name, HandlerSettings]:
        """Keep the built-in commands whatever else answers."""
        return {"commands": HandlerSettings(kind="commands"), **value}

    @model_validator(mode="after")
    def _fallbacks_exist(self) -> Self:
        for model in self.models.values():
            for other in model.fallbacks:
                if other not in self.models:
                    names = ", ".join(sorted(self.models))
                    raise PydanticCustomError(
                        "no_such_model", "{model}", {"model": other, "names": names}
                    )
        return self

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        for rule in self.routes:
            if rule.handler and rule.handler not in self.handlers:
                names = ", ".join(sorted(self.handlers))
                raise PydanticCustomError(
                    "no_such_handler", "{handler}", {"handler": rule.handler, "names": names}
                )
            if rule.bot and rule.bot not in self.bots:
                names = ", ".join(sorted(self.bots))
                raise PydanticCustomError("no_such_bot", "{bot}", {"bot": rule.bot, "names": names})
        return self
