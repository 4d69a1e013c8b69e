"""Secrets that were replaced while the house runs: for an hour the old one still counts."""

from __future__ import annotations

from collections.abc import Mapping

from posthouse.model.secret import RetiredSecret
from posthouse.settings.origin import is_secret_name

OVERLAP_S = 3600.0
RETIRED_MAX = 8  # of one bot; the oldest go first


def retired(
    before: Mapping[str, object],
    after: Mapping[str, object],
    earlier: tuple[RetiredSecret, ...],
    now: float,
) -> tuple[RetiredSecret, ...]:
    """Return the secrets that count beside the new ones, the youngest first.

    Args:
        before: a bot's settings until now.
        after: its new ones.
        earlier: what was retired before; what is over is left out.
        now: seconds since the epoch.
    """
    replaced = tuple(
        RetiredSecret(name, value, now + OVERLAP_S)
        for name, value in before.items()
        if isinstance(value, str) and value and is_secret_name(name) and after.get(name) != value
    )
    return (*replaced, *(each for each in earlier if each.until_at > now))[:RETIRED_MAX]
