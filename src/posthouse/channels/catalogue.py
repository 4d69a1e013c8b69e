"""Which channels there are. A module is imported when a bot asks for it, not before."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import cast

from posthouse.channels.channel import ChannelClass
from posthouse.model.errors import OperatorMistake

CHANNELS: dict[str, str] = {
    "web": "posthouse.channels.web.channel:WebChannel",
    "probe": "posthouse.testing.probe.channel:ProbeChannel",
}


def load(name: str) -> ChannelClass:
    """Return the channel class behind ``channel = "name"``: one of ours, or ``module:Class``.

    Raises:
        OperatorMistake: there is none by that name, or it cannot be imported.
    """
    path = CHANNELS.get(name, name)
    module_name, colon, class_name = path.partition(":")
    if not (module_name and colon and class_name):
        raise OperatorMistake(_unknown(name))
    try:
        found = getattr(import_module(module_name), class_name)
    except ModuleNotFoundError as error:
        raise OperatorMistake(
            f'channel = "{name}": the module {error.name} is not installed; '
            "install the package it belongs to into the environment of Posthouse"
        ) from error
    except AttributeError as error:
        raise OperatorMistake(
            f'channel = "{name}": {module_name} has no {class_name}; '
            'write "package.module:Class" with the name of the channel class'
        ) from error
    if not callable(getattr(found, "build", None)):
        raise OperatorMistake(
            f'channel = "{name}": {class_name} is no channel, it has no build(); '
            "docs/how-to/write-a-channel.md shows what a channel class needs"
        )
    return cast("ChannelClass", found)


def _unknown(name: str) -> str:
    close = get_close_matches(name, CHANNELS, n=1)
    meant = f'; did you mean "{close[0]}"?' if close else ""
    return (
        f'channel = "{name}": there is no such channel{meant} '
        f'Known are {", ".join(CHANNELS)}, or name your own as "package.module:Class".'
    )
