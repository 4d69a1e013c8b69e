"""Addresses of databases, which may hold a password."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit, urlunsplit

_SHARED = frozenset({"postgres", "postgresql"})
_STARS = "****"


def is_shared(url: str) -> bool:
    """Whether a database is one that several gateways can share."""
    return urlsplit(url).scheme in _SHARED


def password_of(url: str) -> str:
    """Return the password that stands in an address, if any."""
    return urlsplit(url).password or ""


def without_password(url: str) -> str:
    """Return an address that may be shown."""
    split = urlsplit(url)
    if not split.password:
        return url
    user, _, host = split.netloc.rpartition("@")
    shown = f"{user.partition(':')[0]}:{_STARS}@{host}"
    return urlunsplit(SplitResult(split.scheme, shown, *split[2:]))
