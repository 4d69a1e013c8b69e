"""Chinese and English: what people read exists in both."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Said(Struct, frozen=True):
    """One sentence in both languages."""

    zh: str
    en: str

    def __call__(self, language: str) -> str:
        """Return the sentence in ``language``: ``zh``, or anything else for English."""
        return self.zh if language == "zh" else self.en


def language_of(environ: Mapping[str, str]) -> str | None:
    """Return the language that the surroundings ask for; None where they do not say."""
    for name in ("POSTHOUSE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name, "").lower()
        if value.startswith("zh"):
            return "zh"
        if value:
            return None if value.partition(".")[0] in {"c", "posix"} else "en"
    return None


def speakable(language: str, encoding: str | None) -> str:
    """Return ``language``, or English where Chinese cannot be written in ``encoding``."""
    try:
        "驿站".encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "en"
    return language
