"""The bots of the house: a name, a channel, a language."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from posthouse.channels.channel import Channel
from posthouse.model.capabilities import Capabilities


class Bot(Struct, frozen=True):
    """One identity on one platform."""

    name: str
    channel: Channel
    language: str
    is_send_only: bool = False

    @property
    def title(self) -> str:
        """What people call it: as its channel does (looked for by name), or as the settings do."""
        return str(getattr(self.channel, "title", "")) or self.name

    @property
    def capabilities(self) -> Capabilities:
        """What the bot can do on its platform."""
        return self.channel.capabilities


Bots = Mapping[str, Bot]
