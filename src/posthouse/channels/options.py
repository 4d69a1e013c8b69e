"""The options of a bot: the keys of ``[bots.<name>]`` that belong to its channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from posthouse.model.errors import OperatorMistake


class ChannelOptions(BaseModel):
    """Base of every channel's settings. Secrets are ``SecretStr``, so no log shows them."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )


OptionsT = TypeVar("OptionsT", bound=ChannelOptions)


def read_options(kind: type[OptionsT], bot: str, options: Mapping[str, object]) -> OptionsT:
    """Return the options of ``bot`` as ``kind`` describes them.

    Raises:
        OperatorMistake: names every key that is wrong, the shape it should have, and the remedy.
    """
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        lines = [
            f"[bots.{bot}] {_sentence(kind, problem['loc'], problem['type'], problem['msg'])}"
            for problem in problems
        ]
        raise OperatorMistake("\n".join(lines)) from None  # the cause would quote the secrets


def _sentence(
    kind: type[ChannelOptions], place: Sequence[int | str], problem: str, message: str
) -> str:
    key = ".".join(str(step) for step in place) or "(the table)"
    match problem:
        case "extra_forbidden":
            return f"{key}: no such key; {_known(kind, key)}"
        case "missing":
            return f'{key}: is missing; add it, a secret as {{ env = "…" }} or {{ file = "…" }}'
        case _:
            return f"{key}: {message.removeprefix('Value error, ')}; correct it in the config file"


def _known(kind: type[ChannelOptions], key: str) -> str:
    names = tuple(kind.model_fields)
    close = get_close_matches(key, names, n=1)
    return f"did you mean {close[0]}?" if close else f"known keys: {', '.join(names) or 'none'}"
