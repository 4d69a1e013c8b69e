"""Passwords of operators: argon2id, one at a time, away from the event loop."""

from __future__ import annotations

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from posthouse.model.errors import Refused

CHARS_MIN = 12
CHARS_MAX = 256
DIFFERENT_CHARS_MIN = 5

MEMORY_KIB = 64 * 1024  # RFC 9106, for machines with little memory
ROUNDS = 3


class Passwords:
    """Hashes and compares; unknown people cost as much time as known ones.

    Args:
        memory_kib: what one hash needs, and with it a guess.
        rounds: how often it goes through that memory.
    """

    def __init__(self, memory_kib: int = MEMORY_KIB, rounds: int = ROUNDS) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._one_at_a_time = asyncio.Semaphore(1)  # bounds memory, whoever knocks
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._hasher.hash, _as_typed(password))

    async def is_right(self, stored: str, password: str) -> bool:
        """Whether a password is the stored one; as slow for an empty ``stored``."""
        if not self._nobody:
            self._nobody = await self.hash("nobody's password")
        async with self._one_at_a_time:
            is_equal = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return is_equal and bool(stored)

    def _verify(self, stored: str, password: str) -> bool:
        if len(password) > CHARS_MAX:  # nobody has such a one
            return False
        try:
            return self._hasher.verify(stored, _as_typed(password))
        except (VerificationError, InvalidHashError):
            return False


def _as_typed(password: str) -> bytes:
    """Return the same bytes for the same letters, whichever way a keyboard composes them."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


def check_new(password: str, name: str) -> None:
    """Refuse a password that is quickly guessed.

    Raises:
        Refused: it is too short or too long, or too simple.
    """
    if not CHARS_MIN <= len(password) <= CHARS_MAX:
        raise Refused(
            f"A password has {CHARS_MIN} to {CHARS_MAX} characters; a few words do well.",
            zh=f"密码要有 {CHARS_MIN} 到 {CHARS_MAX} 个字符；几个词连起来就很好。",
        )
    if len(set(password)) < DIFFERENT_CHARS_MIN or name.casefold() in password.casefold():
        raise Refused(
            "This password is too easy to guess; take other words, without the name.",
            zh="这个密码太容易猜到；请换几个词，不要包含名字。",
        )
