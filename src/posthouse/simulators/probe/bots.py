"""What a bot of the probe platform is like: declared once, told at ``GET /v1/bots/{bot}``."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from msgspec import Struct

from posthouse.model.errors import OperatorMistake

BOTS_MAX = 64
KEY_WINDOW_S = 3600.0
SLOT_S = 5.0


class BotClass(StrEnum):
    """How a platform treats a message that is sent twice, and which roads it offers."""

    KEYED = "keyed"  # the same key is shown once
    LOOKUP = "lookup"  # shown twice, but a chat can be searched by key
    OVERWRITE = "overwrite"  # the house chooses the message id; writing again overwrites
    NONE = "none"  # shown twice, and nothing helps
    SLOT = "slot"  # none, and an answer may stand inside the webhook's response
    CONNECTION = "connection"  # none, and sends go over the long connection only

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("overwrite") if value == "editable" else None


class Bot(Struct, frozen=True, kw_only=True, rename={"bot_class": "class"}):
    """One bot. A window of None never ends."""

    bot: str
    bot_id: str
    bot_class: BotClass
    token: str
    secret: str
    window_s: float = 0.0  # how long a key is remembered
    slot_s: float = 0.0  # how long the platform waits for an answer inside its request
    can_edit: bool = True
    edit_window_s: float | None = None
    can_recall: bool = True
    recall_window_s: float | None = None
    text_max: int = 4000
    choices_max: int = 8


def bot(name: str, bot_class: BotClass) -> Bot:
    """Make a bot with the usual token, secret and abilities of its class."""
    is_minimal = bot_class is BotClass.NONE
    return Bot(
        bot=name,
        bot_id=f"bot-{name}",
        bot_class=bot_class,
        token=f"{name}-token",
        secret=f"{name}-secret",
        window_s=KEY_WINDOW_S if bot_class is BotClass.KEYED else 0.0,
        slot_s=SLOT_S if bot_class is BotClass.SLOT else 0.0,
        can_edit=not is_minimal,
        can_recall=not is_minimal,
    )


def parse_bots(text: str) -> tuple[Bot, ...]:
    """Read ``a=keyed,b=none``.

    Raises:
        OperatorMistake: not of that form, an unknown class, or a name twice.
    """
    bots = tuple(_parse_bot(part.strip()) for part in text.split(","))
    if len({each.bot for each in bots}) < len(bots):
        raise OperatorMistake(f"a bot is named twice in {text!r}; give each its own name")
    return bots


def _parse_bot(text: str) -> Bot:
    name, _, class_name = text.partition("=")
    if not name.isidentifier():
        raise OperatorMistake(f"{text!r} is not name=class; write for example a=keyed,b=none")
    try:
        return bot(name, BotClass(class_name))
    except ValueError:
        known = ", ".join(BotClass)
        raise OperatorMistake(f"no class {class_name!r}; choose one of {known}") from None
