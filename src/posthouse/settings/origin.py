"""Where a setting came from, so that ``doctor`` and every error can say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

SHOWN_TAIL = 4  # characters of a secret that may be shown …
SHOWN_FROM = 16  # … when it has at least this many

_SECRET_WORDS = frozenset(
    {
        "apikey",
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "key",
        "passphrase",
        "passwd",
        "password",
        "secret",
        "secrets",
        "token",
        "tokens",
    }
)


class Layer(StrEnum):
    """The places a setting can come from; a later one wins."""

    DEFAULT = "default"
    LOCALE = "locale"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


class Origin(Struct, frozen=True):
    """A layer, and its name for the setting: a file, a variable, a flag."""

    layer: Layer
    name: str = ""
    reference: str = ""  # "env X" or "file x" where the value stands behind a reference

    def __str__(self) -> str:
        if self.reference:
            return f"from {self.reference}"
        return f"from {self.name}" if self.name else str(self.layer)


Origins = Mapping[str, Origin]


def origin_of(key: str, origins: Origins) -> Origin:
    """Return where ``key`` came from: it may stand inside a table that came as one piece."""
    path = key
    while path:
        if path in origins:
            return origins[path]
        path = path.rpartition(".")[0]
    return Origin(Layer.DEFAULT)


def is_secret_name(name: str) -> bool:
    """Whether a value under this name, such as ``app_secret``, must not be shown."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return not _SECRET_WORDS.isdisjoint(re.split(r"[^a-z0-9]+", spaced.lower()))


def masked(secret: str) -> str:
    """Show at most the last characters of a secret, enough to tell two of them apart."""
    return "****" + (secret[-SHOWN_TAIL:] if len(secret) >= SHOWN_FROM else "")
