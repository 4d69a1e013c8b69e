"""Feishu on a public machine: checks and opens callbacks, and hands them over.

It has the secrets of callbacks and no other, so it cannot ask who the bot is. What it reads is
enough to know a repeat and an order; whom a mention means, the house finds out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.routing import BaseRoute

from posthouse.channels.channel import ChannelTools, Inlet
from posthouse.channels.feishu import codec
from posthouse.channels.feishu.codec import Identity
from posthouse.channels.feishu.old_record import old_record
from posthouse.channels.feishu.settings import OutpostOptions, webhook_path
from posthouse.channels.feishu.webhook import Webhook, secrets_of


class FeishuOutpost:
    """One app's callbacks."""

    def __init__(
        self, name: str, options: OutpostOptions, tools: ChannelTools, inlet: Inlet
    ) -> None:
        self._anybody = Identity(bot=name, app_id="", open_id="")
        self._clock = tools.clock
        self._inlet = inlet
        self._webhook = Webhook(
            webhook_path(name, options.webhook_path),
            secrets_of(options.encrypt_key, options.verification_token, tools.retired),
            options.body_bytes_max,
            self._keep,
            tools.clock,
        )

    def routes(self) -> Sequence[BaseRoute]:
        return (self._webhook.route(),)

    def old_record(self, payload: bytes) -> Mapping[str, str] | None:
        return old_record(payload)

    async def _keep(self, payload: bytes) -> None:
        event = codec.decode(payload, self._anybody, self._clock())
        if event is not None:
            await self._inlet.take(payload, (event,))
