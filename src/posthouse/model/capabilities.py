"""What a platform can do, as data.

``advance``, the simulators, ``posthouse doctor`` and the guarantee table in the docs all read
these values, so they cannot disagree.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class DraftKind(StrEnum):
    """What a growing answer looks like while it is written."""

    MESSAGE = "message"  # an ordinary message, edited in place
    PREVIEW = "preview"  # a preview that vanishes by itself; the final message is ordinary
    TYPING = "typing"  # only a typing sign
    NONE = "none"


class SendsFrom(StrEnum):
    """Which gateway may send."""

    ANY = "any"
    CONNECTION = "connection"  # only the gateway that holds the bot's connection


class TextUnit(StrEnum):
    """What a platform counts when it limits the length of a text."""

    CHARACTERS = "characters"
    BYTES = "bytes"
    UTF16 = "utf16"


class Capabilities(Struct, frozen=True, omit_defaults=True):
    """What one bot can do on its platform. The defaults are the least any platform can."""

    resend_key_window_s: float = 0.0  # the platform drops a repeat with the same key this long
    can_look_up: bool = False  # a chat can be searched for a message of ours
    can_overwrite: bool = False  # we choose the message's id, so writing twice shows one message
    can_edit: bool = False
    edit_window_s: float = float("inf")
    can_recall: bool = False
    recall_window_s: float = float("inf")
    can_react: bool = False
    draft: DraftKind = DraftKind.NONE
    has_draft_buttons: bool = False  # they can stand below a message while it grows
    slot_s: float = 0.0  # how long the platform waits for an answer inside its HTTP request
    sends_from: SendsFrom = SendsFrom.ANY
    has_one_connection: bool = False  # it knows one at a time; one gateway holds it
    text_unit: TextUnit = TextUnit.CHARACTERS
    text_max: int = 4000
    choices_max: int = 0  # buttons below one message
    has_markdown: bool = False
    has_media: bool = False
    chat_sends_per_s: float = float("inf")
    bot_sends_per_s: float = float("inf")
