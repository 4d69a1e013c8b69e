"""The options of a bot: the keys of ``[bots.<name>]`` that belong to its channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from posthouse.settings.mistakes import section
from posthouse.settings.settings import Section


class ChannelOptions(Section):
    """Base of every channel's settings. Secrets are ``SecretStr``, so no log shows them."""


OptionsT = TypeVar("OptionsT", bound=ChannelOptions)


def read_options(kind: type[OptionsT], bot: str, options: Mapping[str, object]) -> OptionsT:
    """Return the options of ``bot`` as ``kind`` describes them.

    Raises:
        OperatorMistake: names each key that is unknown, missing or wrong, and the remedy.
    """
    return section(kind, options, f"bots.{bot}")
