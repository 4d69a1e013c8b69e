"""How the platform says no."""

from __future__ import annotations

from msgspec import Struct


class Refusal(Exception):
    """The platform refuses a call; the page's table says what each code means."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.body = RefusalBody(code, message or code.replace("_", " "))


class RefusalBody(Struct, frozen=True):
    """A stable code, and words for people."""

    code: str
    message: str
