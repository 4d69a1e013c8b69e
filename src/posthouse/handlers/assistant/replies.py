"""What a model answered besides plain words: a JSON object as the whole of it."""

from __future__ import annotations

import re

import msgspec

_FENCED = re.compile(r"^```[a-z]*\s*(\{.*\})\s*```$", re.DOTALL)
QUESTION_CHARACTERS_MAX = 1000


def control(text: str) -> str:
    """Return ``unknown`` or ``handoff`` where just that is the whole answer, else nothing.

    A word inside a text means nothing: whoever is quoted in it must not steer the house.
    """
    fields = _object(text)
    return next((name for name in ("handoff", "unknown") if fields.get(name) is True), "")


def may_be_control(text: str) -> bool:
    """Whether an answer that is being written may turn out to be an object."""
    return text.lstrip()[:1] in {"", "{", "`"}


def question(text: str) -> str:
    """Return the question that a model has rewritten; empty where it wrote something else."""
    said = _object(text).get("question")
    return said.strip()[:QUESTION_CHARACTERS_MAX] if isinstance(said, str) else ""


def _object(text: str) -> dict[str, object]:
    bare = text.strip()
    fenced = _FENCED.match(bare)
    try:
        return msgspec.json.decode(fenced[1] if fenced else bare, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
