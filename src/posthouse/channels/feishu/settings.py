"""The options of a Feishu or Lark bot: ``[bots.<name>]`` with ``channel = "feishu"``."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from posthouse.channels.options import CaFile, ChannelOptions, Proxy
from posthouse.channels.relay_client import RelayOptions
from posthouse.model.capabilities import Capabilities, DraftKind, TextUnit

DOMAINS = {"feishu": "https://open.feishu.cn", "lark": "https://open.larksuite.com"}

# Source: open.feishu.cn, "Send message" and "Frequency control", read 2026-05.
KEY_WINDOW_S = 3600.0  # requests with the same ``uuid`` send at most one message this long
CARD_BYTES_MAX = 30 * 1024  # the whole request; the words get less, since JSON writes some twice
TEXT_BYTES_MAX = 13 * 1024
CHAT_SENDS_PER_S = 5.0  # shared by all bots of a group
APP_CALLS_PER_S = 16.0  # 1,000 a minute, and 50 in any second


WebhookPath = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$", max_length=200)]


class FeishuOptions(ChannelOptions):
    """Which app the bot is, and how its events come in."""

    app_id: Annotated[str, Field(min_length=1)]
    app_secret: SecretStr
    domain: str = "feishu"  # feishu, lark, or the address of a private installation
    entrance: Literal["long_connection", "webhook", "relay"] = "long_connection"
    encrypt_key: SecretStr = SecretStr("")
    verification_token: SecretStr = SecretStr("")
    webhook_path: WebhookPath = ""  # "" = /webhooks/<name>
    relay: RelayOptions | None = None
    proxy: Proxy = ""
    ca_file: CaFile = None
    streaming: bool = True  # growing answers as cards; needs the scope cardkit:card:write
    silence_s: Annotated[float, Field(ge=60)] = 3600.0  # without events: connect anew
    body_bytes_max: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    file_bytes_max: Annotated[int, Field(ge=1024)] = 30 * 1024 * 1024
    answer_within_s: Annotated[float, Field(gt=0)] = 15.0  # longer calls are unclear
    text_max: Annotated[int, Field(ge=1000)] = TEXT_BYTES_MAX
    recall_window_s: Annotated[float, Field(gt=0)] = 24 * 3600.0  # what the tenant allows

    @field_validator("domain")
    @classmethod
    def _is_a_domain(cls, domain: str) -> str:
        parts = urlsplit(domain)
        if domain not in DOMAINS and not (parts.scheme in {"http", "https"} and parts.hostname):
            raise ValueError('must be "feishu", "lark" or look like "https://open.example.com"')
        return domain

    @model_validator(mode="after")
    def _can_be_verified(self) -> Self:
        has_secret = (
            self.encrypt_key.get_secret_value() or self.verification_token.get_secret_value()
        )
        if self.entrance == "webhook" and not has_secret:
            raise ValueError(
                'entrance = "webhook" needs encrypt_key (better) or verification_token;'
                " both stand under Events & Callbacks → Encryption Strategy"
                "（事件与回调 → 加密策略）"
            )
        return self

    @model_validator(mode="after")
    def _knows_its_relay(self) -> Self:
        if self.entrance == "relay" and self.relay is None:
            raise ValueError(
                'entrance = "relay" needs a table [bots.<name>.relay] with url and token'
                "（需要一张写有 url 和 token 的 [bots.<名字>.relay] 表）"
            )
        return self

    @property
    def base_url(self) -> str:
        """Where the platform is, without a slash at the end."""
        return DOMAINS.get(self.domain, self.domain).rstrip("/")

    def console_url(self, path: str) -> str:
        """Return a page of the app in the developer console."""
        return f"{self.base_url}/app/{self.app_id}/{path}"

    def capabilities(self) -> Capabilities:
        """Return what a Feishu bot can do."""
        return Capabilities(
            resend_key_window_s=KEY_WINDOW_S,
            can_edit=True,
            can_recall=True,
            can_react=True,
            recall_window_s=self.recall_window_s,
            draft=DraftKind.MESSAGE if self.streaming else DraftKind.NONE,
            has_draft_buttons=self.streaming,
            text_unit=TextUnit.BYTES,
            text_max=self.text_max,
            choices_max=8,
            has_markdown=True,
            has_media=True,
            chat_sends_per_s=CHAT_SENDS_PER_S,
            bot_sends_per_s=APP_CALLS_PER_S,
            has_one_connection=self.entrance == "relay",  # or messages would pass one another
        )


class OutpostOptions(ChannelOptions):
    """What a relay needs of the bot: the secrets of callbacks, and none to speak with."""

    encrypt_key: SecretStr = SecretStr("")
    verification_token: SecretStr = SecretStr("")
    webhook_path: WebhookPath = ""
    body_bytes_max: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024

    @model_validator(mode="before")
    @classmethod
    def _cannot_speak(cls, options: dict[str, object]) -> dict[str, object]:
        if "app_secret" in options:
            raise ValueError(
                "a relay sends nothing: take app_secret (FEISHU_APP_SECRET) off this machine"
                "（中转站不发送：请从这台机器上移走 app_secret）"
            )
        return {key: value for key, value in options.items() if key not in OF_THE_HOUSE}

    @model_validator(mode="after")
    def _can_be_verified(self) -> Self:
        if not (self.encrypt_key.get_secret_value() or self.verification_token.get_secret_value()):
            raise ValueError(
                "a relay needs encrypt_key (better) or verification_token; both stand under"
                " Events & Callbacks → Encryption Strategy（事件与回调 → 加密策略）"
            )
        return self


OF_THE_HOUSE = frozenset({"app_id", "domain", "entrance"})  # say nothing here, and do no harm


def webhook_path(bot: str, given: str) -> str:
    """Return where the platform sends to, below the house's address."""
    return given or f"/webhooks/{bot}"
