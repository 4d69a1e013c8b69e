"""Whether every claim of an answer names where it stands, and what it is when it does not."""

from __future__ import annotations

import re
from typing import Final

CLAIM_LETTERS_MIN: Final = 4  # fewer behind a citation are no claim: "[1] etc."

_NUMBERS = r"\d{1,3}(?:\s*[,，、]\s*\d{1,3})*"
_CITED = re.compile(rf"[\[【〔]\s*({_NUMBERS})\s*[\]】〕]")
_FENCE = re.compile(r"^\s*(```|~~~)")
_CODE = re.compile(r"`[^`\n]*`")  # what is quoted within a line; a number in it is an index
_SENTENCE = re.compile(r"[。；;]|(?<!\d)\.(?=\s|$)")
TITLE_LETTERS_MAX: Final = 80  # what is longer claims something, whatever it looks like
SENTENCE_LETTERS_MIN: Final = 12  # "**Note.**" claims nothing
_HEADING = re.compile(r"^\s*#{1,6}\s|^\s*\*\*[^*]+\*\*\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)、])\s+")
_RULER = re.compile(r"^\s*[-*_|:\s]{3,}$")
_OPENING_CHARACTERS: Final = 24  # where an answer says of itself that it is none
_AT_A_LOSS = re.compile(
    r"不知道|不清楚|不确定|无法(?:回答|确定|得知)|抱歉|对不起|很遗憾"
    r"|\bI\s+(?:do\s+not|don['’]t)\s+(?:know|have)\b|\bI(?:['’]m|\s+am)\s+not\s+sure\b"
    r"|\b(?:cannot|can['’]t|could\s*n[o'’]t|unable\s+to)\s+(?:find|answer|determine)\b|\bsorry\b",
    re.IGNORECASE,
)
_NOT_IN_SOURCES = re.compile(
    r"(?:资料|文档|来源|知识库|上下文|材料)[^。.\n]{0,16}"
    r"(?:没有|未|并未|无)(?:找到|提供|提到|提及|包含|涉及|说明|相关)"
    r"|没有(?:找到|足够|相关)[^。.\n]{0,10}(?:信息|资料|内容|答案)"
    r"|\b(?:sources?|documents?|documentation|context|passages?|knowledge\s+base)\b"
    r"[^.\n]{0,30}\b(?:do(?:es)?\s+not|don['’]t|doesn['’]t|has\s+no|have\s+no)\b"
    r"[^.\n]{0,20}\b(?:mention|contain|provide|say|include|cover|answer|enough|information)",
    re.IGNORECASE,
)


def cited(text: str) -> tuple[int, ...]:
    """Return the numbers an answer names, in the order of their first mention."""
    numbers: dict[int, None] = {}
    for unit in _units(text):
        for found in _CITED.findall(unit):
            numbers |= dict.fromkeys(int(number) for number in re.findall(r"\d+", found))
    return tuple(numbers)


def tidy(text: str) -> str:
    """Write all citations alike: ``[1]``, a pair of brackets per number."""
    return _CITED.sub(
        lambda found: "".join(f"[{number}]" for number in re.findall(r"\d+", found[1])), text
    )


def objection(text: str, sources: int) -> str:
    """Say what is wrong with an answer; empty where every claim names an existing source.

    Args:
        text: the answer, in Markdown.
        sources: how many there are; they are numbered from 1.
    """
    if not text.strip():
        return "empty"
    numbers = cited(text)
    if any(not 1 <= number <= sources for number in numbers):
        return "cites_unknown"
    if admits_ignorance(text):
        return "does_not_know"
    return "uncited" if not numbers or any(map(_is_uncited, _claims(text))) else ""


def admits_ignorance(text: str) -> bool:
    """Whether an answer says that it is none."""
    bare = _CITED.sub("", text).strip()
    return bool(_AT_A_LOSS.search(bare[:_OPENING_CHARACTERS]) or _NOT_IN_SOURCES.search(bare))


def _claims(text: str) -> list[str]:
    """Return what has to name its source: not headings, nor what leads to something that does."""
    units = _units(text)
    claims: list[str] = []
    leads = False  # a line before, ending in a colon, has named the source of the items below it
    for at, unit in enumerate(units):
        if _HEADING.match(unit) or _RULER.match(unit):
            leads = False
            if _says_something(unit):
                claims.append(unit)
            continue
        if _ITEM.match(unit) and leads:
            continue
        is_lead = _CITED.sub("", unit).rstrip("* ").endswith((":", "："))
        leads = is_lead and _CITED.search(unit) is not None
        if is_lead and at + 1 < len(units) and not _says_something(unit):
            continue
        claims.append(unit)
    return claims


def _is_uncited(unit: str) -> bool:
    """Whether something is claimed behind the last citation, or without any."""
    letters_min = CLAIM_LETTERS_MIN if _CITED.search(unit) else 1
    return _letters(_uncited_part(unit)) >= letters_min


def _says_something(unit: str) -> bool:
    """Whether what looks like a heading, or leads to a list, holds a sentence without a source."""
    rest = _uncited_part(unit).lstrip("。；;. ").strip("*# ")
    letters = _letters(rest)
    is_sentence = letters >= SENTENCE_LETTERS_MIN and _SENTENCE.search(rest) is not None
    return is_sentence or letters > TITLE_LETTERS_MAX


def _uncited_part(unit: str) -> str:
    ends = [found.end() for found in _CITED.finditer(unit)]
    return unit[ends[-1] :] if ends else unit


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _units(text: str) -> list[str]:
    """Cut an answer into paragraphs, items and rows; what stands in fences is quoted code.

    A fence that is never closed holds nothing: the rest of an answer cannot hide behind it.
    """
    units: list[str] = []
    is_open = False
    for line in _without_fences(text):
        bare = _CODE.sub(lambda found: re.sub(r"[\[\]【】〔〕]", " ", found[0]), line)
        if not bare.strip():
            is_open = False
        elif is_open and not (_ITEM.match(bare) or _HEADING.match(bare) or "|" in bare):
            units[-1] += f"\n{bare}"
        else:
            units.append(bare)
            is_open = not _HEADING.match(bare)
    return units


def _without_fences(text: str) -> list[str]:
    """Leave out what stands between two fences of a kind; an empty line stays in its place."""
    lines: list[str] = []
    fenced: list[str] = []
    mark = ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if mark:
            fenced.append(line)
            if fence and fence[1] == mark:
                mark, fenced = "", []
        elif fence:
            mark = fence[1]
            lines.append("")
        else:
            lines.append(line)
    return [*lines, *fenced]
