"""The options of a bot: the keys of ``[bots.<name>]`` that belong to its channel."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator

from posthouse.settings.mistakes import section
from posthouse.settings.settings import Section


class ChannelOptions(Section):
    """Base of every channel's settings. Secrets are ``SecretStr``, so no log shows them."""


def _has_certificates(path: Path | None) -> Path | None:
    try:
        if path is not None:
            ssl.create_default_context(cafile=str(path))
    except OSError as error:  # of which SSLError is one
        raise ValueError(f"has no certificates that can be read: {error.strerror}") from None
    return path


def _is_a_proxy(proxy: str) -> str:
    if proxy and urlsplit(proxy).scheme not in {"http", "https"}:
        raise ValueError('must look like "http://proxy.example.com:3128"')
    return proxy


CaFile = Annotated[Path | None, AfterValidator(_has_certificates)]  # instead of the machine's own
Proxy = Annotated[str, AfterValidator(_is_a_proxy)]  # empty: none

OptionsT = TypeVar("OptionsT", bound=ChannelOptions)


def read_options(kind: type[OptionsT], bot: str, options: Mapping[str, object]) -> OptionsT:
    """Return the options of ``bot`` as ``kind`` describes them.

    Raises:
        OperatorMistake: names each key that is unknown, missing or wrong, and the remedy.
    """
    return section(kind, options, f"bots.{bot}")
