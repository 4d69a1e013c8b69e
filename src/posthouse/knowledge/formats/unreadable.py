"""A file that cannot be read, said to the person who handed it in."""

from __future__ import annotations

from posthouse.model.errors import PosthouseError


class Unreadable(PosthouseError):
    """This file cannot be read; save it in another format."""


def too_large(what_en: str, what_zh: str, most: int) -> Unreadable:
    """Say that a file is beyond what is read of one."""
    return Unreadable(
        f"It has more than {most:,} {what_en}; split the file.",
        zh=f"{what_zh}超过 {most:,}，请拆分文件。",
    )
