"""What must not be read in a log: secrets, and characters that steer a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from posthouse.settings.origin import is_secret_name

HIDDEN = "****"
SECRET_CHARACTERS_MIN = 6  # shorter ones would turn up everywhere
TEXT_MAX = 4000
DEPTH_MAX = 6
ITEMS_MAX = 50

_IN_TEXT = re.compile(
    r"(?P<before>[?&](?:access_)?(?:token|key|secret|sign|ticket|password|code)=)[^&\s\"']+"
    r"|(?P<bearer>\bBearer\s+)[^\s\"',]+"
    r"|(?P<bot>/bot\d+:)[\w-]{20,}"
    r"|(?P<user>://[^/\s:@]+:)[^/\s@]+(?=@)",
    re.IGNORECASE,
)
# C0, DEL and C1; line and paragraph separators; marks that turn the direction of writing; halves
# of characters, which no stream can encode.
_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def escaped(text: str) -> str:
    r"""Show characters that steer a terminal as what they are: ``\x1b``."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def escaped_json(text: str) -> str:
    r"""The same inside JSON, where every one is written ``\u001b``."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Redaction:
    """Hides secrets by the name they stand under, by their value, and by how they look in URLs.

    Args:
        secrets: values known to be secret.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these as well from now on."""
        self._secrets |= {secret for secret in secrets if len(secret) >= SECRET_CHARACTERS_MIN}
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str, characters_max: int = TEXT_MAX) -> str:
        """Return ``text`` without secrets, as it came otherwise, and not endless."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        if len(text) > characters_max:
            text = f"{text[:characters_max]}… (+{len(text) - characters_max})"
        return _IN_TEXT.sub(lambda found: f"{found[found.lastgroup or 0]}{HIDDEN}", text)

    def value(self, value: object, depth: int = 0) -> object:
        """Return something that can be shown: plain data, without secrets, bounded."""
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case bytes():
                return self.text(value[:TEXT_MAX].decode("utf-8", "backslashreplace"))
            case Mapping() if depth < DEPTH_MAX:
                items = list(value.items())[:ITEMS_MAX]
                return {str(key): self.field(str(key), inner, depth + 1) for key, inner in items}
            case list() | tuple() | set() | frozenset() if depth < DEPTH_MAX:
                return [self.value(inner, depth + 1) for inner in list(value)[:ITEMS_MAX]]
            case _:
                return self.text(str(value))

    def field(self, name: str, value: object, depth: int = 0) -> object:
        """Return what may be shown of ``value`` under ``name``; numbers are counts, not secrets."""
        if is_secret_name(name) and not isinstance(value, int | float | None):
            return HIDDEN
        return self.value(value, depth)
