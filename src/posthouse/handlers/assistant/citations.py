"""Whether every claim of an answer names where it stands, and what it is when it does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from posthouse.handlers.assistant.framing import (
    is_label,
    matter,
    matter_of_remains,
    matter_of_title,
)
from posthouse.handlers.assistant.ignorance import at_a_loss, is_sorry, only_points
from posthouse.handlers.assistant.paragraphs import (
    CITED,
    ITEM,
    RULER,
    TITLE,
    is_head,
    numbers,
    parts,
    sentences,
    units,
)
from posthouse.handlers.assistant.support import Ground, Held, content

CARRIED_MAX: Final = 2  # sentences that a later citation may stand for; then a reader loses track
BENEATH_ROWS: Final = 3  # below a title, of which one names a source

_LEADS = (":", "：", "?", "？")  # what ends so introduces something


def cited(text: str) -> tuple[int, ...]:
    """Return the numbers an answer names, in the order of their first mention."""
    prose, _ = parts(text)
    return tuple(dict.fromkeys(number for unit in units(prose) for number in numbers(unit)))


def tidy(text: str) -> str:
    """Write all citations alike: ``[1]``, a pair of brackets per number."""
    return CITED.sub(
        lambda found: "".join(f"[{number}]" for number in re.findall(r"\d+", found[1])), text
    )


def objection(text: str, ground: Ground) -> str:
    """Say what is wrong with an answer; empty where every claim names an existing source.

    A sentence names its own, or has words of the source that is named next in its paragraph, two
    sentences on at most. Code has words of a source that the answer names, and links lead where
    one of these sources says. What only introduces
    has words of these sources, or of the sentences that name them.

    Args:
        text: the answer, in Markdown.
        ground: the sources that it may name.
    """
    prose, fences = parts(text)
    rows = units(prose)
    if not any(map(_says_something, (*rows, *fences))):
        return "empty"
    named = cited(text)
    if any(not 1 <= number <= ground.sources for number in named):
        return "cites_unknown"
    if _admits_ignorance(rows):
        return "does_not_know"
    said = Held.of("\n".join(_cited_part(each) for row in rows for each in sentences(row)))
    known = ground.held(named) | said
    check = _Check(ground, known, known | ground.given)
    is_cited = named and not any(check.is_uncited(claim) for claim in _claims(rows))
    is_grounded = all(ground.bears_code(code, named, said) for code in fences)
    is_linked = ground.bears_links(text, named)
    return "" if is_cited and is_grounded and is_linked else "uncited"


def _admits_ignorance(rows: Sequence[str]) -> bool:
    """Whether the first that an answer says of the matter is that it does not know."""
    for row in rows:
        for sentence in () if TITLE.match(row) and not numbers(row) else sentences(row):
            bare = CITED.sub("", sentence).strip()
            if at_a_loss(bare) or (is_sorry(bare) and not content(matter(bare))):
                return True
            if content(matter(bare)) and not bare.endswith(_LEADS):
                return False
    return False


class _Claim(Struct, frozen=True):
    """A paragraph, an item, a row or a title; ``lead`` are the sources named above an item."""

    text: str
    is_title: bool = False
    is_above: bool = False  # what stands beneath names a source
    lead: tuple[int, ...] = ()


class _Check(Struct, frozen=True):
    """Tells what of an answer names no source.

    Args:
        ground: the sources.
        known: what stands in those that the answer names, and in the sentences that name one.
        asked: that, and what was asked.
    """

    ground: Ground
    known: Held
    asked: Held

    def is_uncited(self, claim: _Claim) -> bool:
        """Whether a sentence names no source, and has no words of the one that is named next."""
        carrying, carried = claim.lead, 0
        parted = sentences(ITEM.sub("", claim.text))
        for at, sentence in reversed(list(enumerate(parted))):
            if own := numbers(sentence):
                carrying, carried = own, 0
                if not self.ground.bears_remark(matter(_uncited_part(sentence)), own):
                    return True
            elif claim.is_title or _introduces(sentence) or at_a_loss(sentence):
                is_above = claim.is_above if at == len(parted) - 1 else bool(carrying) and at == 0
                if not (is_above and is_label(sentence)) and not self._introduces_truly(sentence):
                    return True
            elif content(matter(sentence)) or (ITEM.match(claim.text) and not carrying):
                carried += not claim.lead
                is_near = carrying and carried <= CARRIED_MAX
                if not is_near or not self.ground.bears(matter(sentence), carrying):
                    return True
        return False

    def _introduces_truly(self, sentence: str) -> bool:
        """Whether a title or a lead speaks of what the answer rests on."""
        if loss := at_a_loss(sentence):
            rest = f"{sentence[: loss[0]]} {sentence[loss[1] :]}"
            return self.asked.bears(matter_of_remains(rest))
        return self.known.bears(matter_of_title(sentence))


def _introduces(sentence: str) -> bool:
    bare = sentence.rstrip().rstrip("*_").rstrip()
    return bare.endswith(_LEADS) or TITLE.match(sentence) is not None


def _claims(rows: Sequence[str]) -> list[_Claim]:
    claims: list[_Claim] = []
    lead: tuple[int, ...] = ()
    for at, row in enumerate(rows):
        if RULER.match(row):
            lead = ()
        elif TITLE.match(row) or is_head(rows, at):
            lead = ()
            claims.append(_Claim(row, is_title=True, is_above=_is_above(rows, at)))
        elif ITEM.match(row) and lead:
            claims.append(_Claim(row, lead=lead))
        else:
            is_lead = CITED.sub("", row).rstrip("* ").endswith((":", "："))
            lead = numbers(row) if is_lead else ()
            claims.append(_Claim(row, is_above=_is_above(rows, at)))
    return claims


def _is_above(rows: Sequence[str], at: int) -> bool:
    """Whether one of the next rows names a source; what is beneath an item is indented."""
    beneath = rows[at + 1 : at + 1 + BENEATH_ROWS]
    if ITEM.match(rows[at]) and not (beneath and beneath[0][0].isspace()):
        return False
    return any(map(numbers, beneath))


def _cited_part(sentence: str) -> str:
    return sentence[: len(sentence) - len(_uncited_part(sentence))] if numbers(sentence) else ""


def _uncited_part(sentence: str) -> str:
    ends = [found.end() for found in CITED.finditer(sentence)]
    return sentence[ends[-1] :] if ends else sentence


def _says_something(text: str) -> bool:
    bare = CITED.sub("", ITEM.sub("", text))
    return any(map(str.isalnum, bare)) and not only_points(bare)
