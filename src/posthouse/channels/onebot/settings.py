"""The options of a QQ bot behind OneBot v11: ``[bots.<name>]`` with ``channel = "onebot"``."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from posthouse.channels.options import ChannelOptions
from posthouse.model.capabilities import Capabilities, SendsFrom

RECALL_WINDOW_S = 120.0  # what QQ allows to everybody; administrators of a group have longer


class OneBotOptions(ChannelOptions):
    """How an implementation (NapCat, Lagrange, …) and the house find each other."""

    url: str = ""  # connect to the implementation there; empty: it connects to ``path``
    path: str = "/onebot/v11/ws"
    self_id: Annotated[str, Field(pattern=r"^[0-9]*$")] = ""  # its QQ number; empty: any
    token: SecretStr = SecretStr("")
    insecure: bool = False  # without a token: let anybody in who reaches the port
    files: Literal["base64", "path"] = "base64"  # path: it sees the same disk
    history: bool = True  # after a gap, ask for what came meanwhile
    reactions: bool = False  # it knows set_msg_emoji_like (NapCat)
    approve_friends: bool = False
    approve_groups: bool = False
    text_max: Annotated[int, Field(ge=100)] = 3000
    recall_window_s: Annotated[float, Field(gt=0)] = RECALL_WINDOW_S
    answer_within_s: Annotated[float, Field(gt=0)] = 20.0  # longer calls are unclear
    file_bytes_max: Annotated[int, Field(ge=1024)] = 30 * 1024 * 1024

    @field_validator("url")
    @classmethod
    def _is_a_websocket(cls, url: str) -> str:
        if url and (urlsplit(url).scheme not in {"ws", "wss"} or not urlsplit(url).hostname):
            raise ValueError('must look like "ws://127.0.0.1:3001"')
        return url

    @field_validator("path")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/?", path):
            raise ValueError('must look like "/onebot/v11/ws"')
        return path

    def capabilities(self) -> Capabilities:
        """Return what a QQ account can do; nobody tells a repeat from a second message there."""
        return Capabilities(
            can_recall=True,
            recall_window_s=self.recall_window_s,
            can_react=self.reactions,
            sends_from=SendsFrom.CONNECTION,
            has_one_connection=bool(self.url),  # else it goes to whom it finds
            text_max=self.text_max,
            has_media=True,
        )
