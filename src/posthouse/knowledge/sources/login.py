"""Whether a page only asks who one is, and so says nothing that is worth being read."""

from __future__ import annotations

import re
from typing import Final

BYTES_MAX: Final = 1024**2  # a larger page says something besides
CHARACTERS_MAX: Final = 3000  # of text, likewise

_PASSWORD = re.compile(rb"<input[^>]{1,500}type\s{0,9}=\s{0,9}[\"']?password", re.IGNORECASE)
_PATH = re.compile(
    r"(^|[/._-])(log-?in|sign-?in|sso|passport|oauth2?|authorize|cas|auth)([/._-]|$)", re.IGNORECASE
)


def names_login(address: str) -> bool:
    """Whether an address is called like those where one logs in."""
    return _PATH.search(address) is not None


def is_login(page: bytes, *, is_suspect: bool) -> bool:
    """Whether a page only asks who one is; it is read for that, which takes its time.

    Args:
        page: what came.
        is_suspect: somebody who asked for another page was led here, where one logs in.
    """
    if not is_suspect and not _PASSWORD.search(page):
        return False
    if len(page) > BYTES_MAX or not page[:1000].lstrip().startswith(b"<"):
        return False
    from posthouse.knowledge.formats.html import read

    return sum(len(block.text) for block in read(page, "page.html").blocks) < CHARACTERS_MAX
