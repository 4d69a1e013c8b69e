"""示例。An example."""

from __future__ import annotations


def cmd_echo(*words: str) -> str:
    """重复。Repeat what was said."""
    return " ".join(words)
