"""What a running house can take over from changed settings, and what needs a restart. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from posthouse.settings.load import Loaded
from posthouse.settings.settings import Settings

# Places, sizes and names that are taken once, when the house starts.
NEEDS_RESTART = ("role", "data", "source_roots", "timezone", "server", "store", "gateway", "log")
CHANGES_MAX = 500  # shown


class Effect(StrEnum):
    """When a changed setting counts."""

    NOW = "now"
    RESTART = "restart"


class Change(Struct, frozen=True):
    """One setting that is not what it was; secrets are masked."""

    key: str
    before: str  # empty where it was not set
    after: str
    effect: Effect


class ScenesRead(Struct, frozen=True):
    """What the scenes of one handler are after they were read again."""

    handler: str
    is_in_force: bool  # otherwise all that were before stay
    names: tuple[str, ...]
    problems: dict[str, str]  # a broken scene, or "" for all of them → its traceback
    kept: tuple[str, ...] = ()  # of the broken ones, those that stay as they were


def changes(old: Loaded, new: Loaded) -> tuple[Change, ...]:
    """Return what is different, by key."""
    before, after = _shown(old), _shown(new)
    raw_before, raw_after = _raw(old.settings), _raw(new.settings)
    keys = sorted(
        key
        for key in raw_before.keys() | raw_after.keys()
        if raw_before.get(key) != raw_after.get(key)
    )
    return tuple(
        Change(key, before.get(key, ""), after.get(key, ""), _effect(key))
        for key in keys[:CHANGES_MAX]
    )


def taken_over(old: Settings, new: Settings) -> Settings:
    """Return the new settings, except for what counts from the next start on."""
    return new.model_copy(update={name: getattr(old, name) for name in NEEDS_RESTART})


def _effect(key: str) -> Effect:
    return Effect.RESTART if key.partition(".")[0] in NEEDS_RESTART else Effect.NOW


def _shown(loaded: Loaded) -> dict[str, str]:
    return {key: value for key, value, _ in loaded.sources()}


def _raw(settings: Settings) -> dict[str, object]:
    return dict(_leaves(settings.model_dump(mode="json", exclude_none=True), ""))


def _leaves(table: dict[str, object], above: str) -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
