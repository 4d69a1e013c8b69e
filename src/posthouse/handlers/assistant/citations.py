"""Whether every claim of an answer names where it stands, and what it is when it does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from posthouse.handlers.assistant.support import Ground, content

CLAIM_LETTERS_MIN: Final = 4  # fewer behind a citation are no claim: "[1] etc."
CARRIED_MAX: Final = 2  # sentences that a later citation may stand for; then a reader loses track

_NUMBERS = r"\d{1,3}(?:\s*[,，、]\s*\d{1,3})*"
_CITED = re.compile(rf"[\[【〔]\s*({_NUMBERS})\s*[\]】〕]")
_FENCE = re.compile(r"^\s*(```|~~~)")
_CODE = re.compile(r"`[^`\n]*`")  # what is quoted within a line; a number in it is an index
_SENTENCE = re.compile(r"[。；;]|(?<!\d)\.(?=\s|$)")
_SENTENCE_END = re.compile(r"(?:[。！？]+|[.!?]+(?=[\s\"'”’」』）)*_\[【〔]|$))[\"'”’」』）)*_]*")
_CITATIONS = re.compile(rf"(?:\s*[\[【〔]\s*(?:{_NUMBERS})\s*[\]】〕])*\s*")
_ABBREVIATED = re.compile(
    r"\b(?:(?i:e\.g|i\.e|etc|vs|cf|no|nr|fig|mr|mrs|ms|dr|approx|resp|incl)|[A-Z])\.$"
)
TITLE_LETTERS_MAX: Final = 80  # what is longer claims something, whatever it looks like
SENTENCE_LETTERS_MIN: Final = 12  # "**Note.**" claims nothing
_HEADING = re.compile(r"^\s*#{1,6}\s|^\s*\*\*[^*]+\*\*\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)、])\s+")
_RULER = re.compile(r"^\s*[-*_|:\s]{3,}$")
_HAN = re.compile(r"[\u3400-\u9fff]")
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
    prose, _ = _parts(text)
    return tuple(dict.fromkeys(number for unit in _units(prose) for number in _numbers(unit)))


def tidy(text: str) -> str:
    """Write all citations alike: ``[1]``, a pair of brackets per number."""
    return _CITED.sub(
        lambda found: "".join(f"[{number}]" for number in re.findall(r"\d+", found[1])), text
    )


def objection(text: str, ground: Ground) -> str:
    """Say what is wrong with an answer; empty where every claim names an existing source.

    A sentence names its own, or has words of the source that is named next in its paragraph, two
    sentences on at most. Code has words of a source that the answer names.

    Args:
        text: the answer, in Markdown.
        ground: the sources that it may name.
    """
    if not text.strip():
        return "empty"
    numbers = cited(text)
    if any(not 1 <= number <= ground.sources for number in numbers):
        return "cites_unknown"
    if admits_ignorance(text):
        return "does_not_know"
    prose, fences = _parts(text)
    is_cited = numbers and not any(_is_uncited(*claim, ground) for claim in _claims(prose))
    is_grounded = all(ground.bears_code(code, numbers) for code in fences)
    return "" if is_cited and is_grounded else "uncited"


def admits_ignorance(text: str) -> bool:
    """Whether an answer says that it is none."""
    bare = _CITED.sub("", text).strip()
    return bool(_AT_A_LOSS.search(bare[:_OPENING_CHARACTERS]) or _NOT_IN_SOURCES.search(bare))


def _claims(lines: Sequence[str]) -> list[tuple[str, tuple[int, ...]]]:
    """Return what has to name its source: not headings, nor what leads to something that does.

    With each item come the numbers in the line above that leads to it.
    """
    units = _units(lines)
    claims: list[tuple[str, tuple[int, ...]]] = []
    lead: tuple[int, ...] = ()
    for at, unit in enumerate(units):
        if _HEADING.match(unit) or _RULER.match(unit) or _is_header(units, at):
            lead = ()
            if _says_something(unit):
                claims.append((unit, ()))
            continue
        if _ITEM.match(unit) and lead:
            claims.append((unit, lead))
            continue
        is_lead = _CITED.sub("", unit).rstrip("* ").endswith((":", "："))
        lead = _numbers(unit) if is_lead else ()
        if is_lead and at + 1 < len(units) and not _says_something(unit):
            continue
        claims.append((unit, ()))
    return claims


def _is_header(units: Sequence[str], at: int) -> bool:
    """Whether a row of a table names its columns."""
    is_row = "|" in units[at] and at + 1 < len(units)
    return is_row and "|" in units[at + 1] and _RULER.match(units[at + 1]) is not None


def _is_uncited(unit: str, lead: tuple[int, ...], ground: Ground) -> bool:
    """Whether a sentence names no source, and has no words of the one that is named next."""
    carrying, carried = lead, 0
    for sentence in reversed(_sentences(_ITEM.sub("", unit))):
        if own := _numbers(sentence):
            carrying, carried = own, 0
            rest = _uncited_part(sentence)
            if _weight(rest) >= CLAIM_LETTERS_MIN and not ground.bears(rest, own):
                return True
        elif not carrying:
            if _weight(sentence) >= (CLAIM_LETTERS_MIN if _CITED.search(unit) else 1):
                return True
        elif _claims_something(sentence):
            carried += not lead
            if carried > CARRIED_MAX or not ground.bears(sentence, carrying):
                return True
    return False


def _claims_something(sentence: str) -> bool:
    """Whether a sentence is more than "Yes, you can.", a question or a word in bold."""
    bare = sentence.strip()
    is_title = _HEADING.match(bare) and _letters(bare) < SENTENCE_LETTERS_MIN
    return bool(content(bare)) and not is_title and not bare.endswith(("?", "？"))


def _sentences(unit: str) -> list[str]:
    """Cut a paragraph into sentences; citations behind a full stop belong to what is before it."""
    sentences: list[str] = []
    start = 0
    for found in _SENTENCE_END.finditer(unit):
        if found.start() < start or _ABBREVIATED.search(unit[start : found.end()]):
            continue
        citations = _CITATIONS.match(unit, found.end())
        end = citations.end() if citations else found.end()
        sentences.append(unit[start:end])
        start = end
    return [*sentences, unit[start:]]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(
        int(number) for found in _CITED.findall(text) for number in re.findall(r"\d+", found)
    )


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


def _weight(text: str) -> int:
    """Count letters and digits; a Chinese one says as much as two."""
    return _letters(text) + len(_HAN.findall(text))


def _units(lines: Sequence[str]) -> list[str]:
    """Cut the prose of an answer into paragraphs, items and rows."""
    units: list[str] = []
    is_open = False
    for line in lines:
        bare = _CODE.sub(lambda found: re.sub(r"[\[\]【】〔〕]", " ", found[0]), line)
        if not bare.strip():
            is_open = False
        elif is_open and not (_ITEM.match(bare) or _HEADING.match(bare) or "|" in bare):
            units[-1] += f"\n{bare}"
        else:
            units.append(bare)
            is_open = not _HEADING.match(bare)
    return units


def _parts(text: str) -> tuple[list[str], list[str]]:
    """Part an answer into lines of prose, and what stands between two fences of a kind.

    An empty line stays where a fence was. One that is never closed holds nothing: the rest of an
    answer cannot hide behind it.
    """
    lines: list[str] = []
    fences: list[str] = []
    fenced: list[str] = []
    mark = ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if mark and fence and fence[1] == mark:
            fences.append("\n".join(fenced))
            mark, fenced = "", []
        elif mark:
            fenced.append(line)
        elif fence:
            mark = fence[1]
            lines.append("")
        else:
            lines.append(line)
    return [*lines, *fenced], fences
