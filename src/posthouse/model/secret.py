"""Secrets: those shown once and stored as hashes (sessions, tokens, codes), those replaced."""

from __future__ import annotations

import hashlib
import secrets

from msgspec import Struct

SECRET_BYTES = 32  # 256 random bits
CODE_DIGITS = 6
TOKEN_PREFIX = "ph_"  # noqa: S105 - so that people, and scanners for leaks, know one when they see it


def new_secret() -> str:
    """Make a secret that nobody guesses, fit for a cookie or an address."""
    return secrets.token_urlsafe(SECRET_BYTES)


def new_token() -> str:
    """Make the secret of a token for scripts."""
    return TOKEN_PREFIX + new_secret()


def new_code() -> str:
    """Make a code that people type; it must expire, and be worth nothing after a few tries."""
    return str(secrets.randbelow(10**CODE_DIGITS)).zfill(CODE_DIGITS)


def hashed(secret: str) -> bytes:
    """Return what is stored instead of a secret.

    One round is enough for 256 random bits. Passwords are not random: those go through argon2id.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()  # whatever is typed


class RetiredSecret(Struct, frozen=True):
    """A secret that what is on its way may still be signed with."""

    name: str  # of the setting
    value: str
    until_at: float

    def __repr__(self) -> str:
        return f"RetiredSecret({self.name}, until {self.until_at:.0f})"  # never the value
