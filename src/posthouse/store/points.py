"""The moments at which a process may die, by name, for those who try every one of them.

A store calls its ``at`` hook with one of ``POINTS`` at that moment; by default nothing listens.
"""

from __future__ import annotations

# What is written, in the order in which a message meets it on the road, then the rest.
STEPS: tuple[str, ...] = (
    "accept",
    "claim",
    "start",
    "put",
    "once",
    "finish",
    "retry",
    "claim-send",
    "sending",
    "settle",
    "claim-amend",
    "amend",
    "recall",
    "stop",
    "notice",
    "gateway",
    "chat",
    "decide",
    "prune",
    "room",
    "grant",
    "access",
    "push",
    "knowledge",
    "asked",
    "conduct",
    "parcel",
    "parcel-lease",
    "parcel-take",
)

MOMENTS: tuple[str, ...] = (
    "before-commit",  # everything is written, nothing of it is durable
    "after-commit",  # it is durable, and nobody knows yet
)

WAKING = "waking"  # the last moment before those who wait are told

POINTS: tuple[str, ...] = (
    *(f"{step}:{moment}" for step in STEPS for moment in MOMENTS),
    WAKING,
)

URGENT: frozenset[str] = frozenset({"accept", "parcel"})  # a platform waits for its answer
