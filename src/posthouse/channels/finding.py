"""What somebody who looks for mistakes finds: one line each, and what to do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Protocol, runtime_checkable

from msgspec import Struct

from posthouse.settings.language import Said


class Mark(StrEnum):
    """How a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(Struct, frozen=True):
    """One line: what was looked at, how it is, and what to do."""

    mark: Mark
    subject: str
    said: Said
    remedy: Said = Said("", "")


@runtime_checkable
class Examined(Protocol):
    """A channel that can look at its platform's side: rights, settings, other programs."""

    def examine(self) -> AsyncIterator[Finding]:
        """Look, without changing anything or taking the bot's connection; never raises."""
        ...
