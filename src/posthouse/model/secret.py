"""Secrets that are shown once and stored as hashes: sessions, tokens, codes, links."""

from __future__ import annotations

import hashlib
import secrets

SECRET_BYTES = 32  # 256 random bits
CODE_DIGITS = 6


def new_secret() -> str:
    """Make a secret that nobody guesses, fit for a cookie or an address."""
    return secrets.token_urlsafe(SECRET_BYTES)


def new_code() -> str:
    """Make a code that people type; it must expire, and be worth nothing after a few tries."""
    return str(secrets.randbelow(10**CODE_DIGITS)).zfill(CODE_DIGITS)


def hashed(secret: str) -> bytes:
    """Return what is stored instead of a secret.

    One round is enough for 256 random bits. Passwords are not random: those go through argon2id.
    """
    return hashlib.sha256(secret.encode()).digest()
