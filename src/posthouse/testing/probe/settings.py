"""The options of a probe bot: ``[bots.<name>]`` with ``channel = "probe"``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from posthouse.channels.options import ChannelOptions
from posthouse.model.capabilities import Capabilities, DraftKind, SendsFrom


class ProbeClass(StrEnum):
    """Which kind of platform the probe behaves like."""

    KEYED = "keyed"
    LOOKUP = "lookup"
    OVERWRITE = "overwrite"
    EDITABLE = "editable"  # another word for ``overwrite``
    NONE = "none"
    SLOT = "slot"
    CONNECTION = "connection"


class ProbeOptions(ChannelOptions):
    """Where the platform is, who the bot is there, and how it behaves."""

    class_: Annotated[ProbeClass, Field(alias="class")]
    base_url: str = "http://127.0.0.1:8360"
    bot: str = ""  # its name on the platform; empty: the name of the table
    bot_id: str = ""  # its own person id; empty: "bot-" and its name
    token: SecretStr
    secret: SecretStr
    entrance: Literal["webhook", "long_connection"] = "webhook"
    window_s: Annotated[float, Field(ge=0)] = 3600.0  # of a keyed bot
    slot_s: Annotated[float, Field(gt=0)] = 5.0  # of a slot bot
    text_max: Annotated[int, Field(ge=32)] = 4000
    choices_max: Annotated[int, Field(ge=0)] = 8
    body_bytes_max: Annotated[int, Field(ge=1024)] = 1024 * 1024
    answer_within_s: Annotated[float, Field(gt=0)] = 15.0  # longer calls are unclear

    @property
    def kind(self) -> ProbeClass:
        """The class, by its first name."""
        return ProbeClass.OVERWRITE if self.class_ is ProbeClass.EDITABLE else self.class_

    @property
    def has_long_connection(self) -> bool:
        """Whether the bot must hold a connection: to be told things, or to send at all."""
        return self.entrance == "long_connection" or self.kind is ProbeClass.CONNECTION

    def capabilities(self) -> Capabilities:
        """Return what a bot of this class can do."""
        kind = self.kind
        can_amend = kind is not ProbeClass.NONE
        return Capabilities(
            resend_key_window_s=self.window_s if kind is ProbeClass.KEYED else 0.0,
            can_look_up=kind is ProbeClass.LOOKUP,
            can_overwrite=kind is ProbeClass.OVERWRITE,
            can_edit=can_amend,
            can_recall=can_amend,
            draft=DraftKind.MESSAGE if can_amend else DraftKind.TYPING,
            has_draft_buttons=can_amend and self.choices_max > 0,
            slot_s=self.slot_s if kind is ProbeClass.SLOT else 0.0,
            sends_from=SendsFrom.CONNECTION if kind is ProbeClass.CONNECTION else SendsFrom.ANY,
            has_one_connection=self.has_long_connection,
            text_max=self.text_max,
            choices_max=self.choices_max,
            has_markdown=True,
        )
