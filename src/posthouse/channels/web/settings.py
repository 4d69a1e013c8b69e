"""The options of a web bot: ``[bots.<name>]`` with ``channel = "web"``."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from posthouse.channels.options import ChannelOptions

MEMBERS_MAX = 200
ROOMS_PER_PERSON_MAX = 200
NAME_CHARS_MAX = 40
TITLE_CHARS_MAX = 60
TEXT_CHARS_MAX = 20_000  # of a person's message
ANSWER_CHARS_MAX = 30_000  # of a bot's
CHOICES_MAX = 10
FILES_PER_MESSAGE_MAX = 10
BODY_BYTES_MAX = 256 * 1024  # of a JSON request
STREAMS_PER_PERSON_MAX = 8
PRESSES_SHOWN_MAX = 50
NUMBER_MAX = 2**53  # of a message: what a script can count to


class WebOptions(ChannelOptions):
    """How the chat page looks, who may enter, and how much it takes."""

    title: str = "Posthouse · 驿站"  # what stands above the list of rooms
    bot_name: Annotated[str, Field(min_length=1, max_length=NAME_CHARS_MAX)] = "驿站"
    path: str = "/chat"  # where the pages are; another for a second web bot
    welcome_zh: str = "你好，我在。有什么要问的？"
    welcome_en: str = "Hello. What would you like to know?"
    suggestions: Annotated[tuple[str, ...], Field(max_length=4)] = ()  # first words to click on
    anonymous: Literal["loopback", "never"] = "loopback"  # who may enter without a link
    join_link_s: Annotated[float, Field(gt=0)] = 7 * 86400.0  # how long an invitation is good
    upload_bytes_max: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    streams_max: Annotated[int, Field(gt=0)] = 1000  # pages that are kept up to date at once
    posts_per_minute: Annotated[int, Field(gt=0)] = 40  # of one person, with bursts of half of it

    @field_validator("path")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        if not re.fullmatch(r"(/[a-z0-9][a-z0-9_-]*)+", path):
            raise ValueError('must look like "/chat": small letters, digits, "-" and "_"')
        return path
