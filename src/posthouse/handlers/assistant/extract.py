"""An answer without a model: the blocks of the passages that say most about the question."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from posthouse.handlers.assistant.sentences import say
from posthouse.handlers.assistant.sources import listed
from posthouse.handlers.trying import Source
from posthouse.knowledge.words import normalise, tokens

QUOTES_MAX: Final = 3
FIRST_CHARACTERS_MAX: Final = 700
OTHER_CHARACTERS_MAX: Final = 350
NEAR_SHARE: Final = 0.75  # of the best passage's score: what is further away is not quoted
SAME_SHARE: Final = 0.8  # of a quotation's words in one before: it would say nothing new

_FENCE = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)
_PARAGRAPHS = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"(?<=[。！？!?；;])|(?<=\.)\s")


def extracted(
    query: str, sources: tuple[Source, ...], language: str, opening: str = ""
) -> tuple[str, tuple[Source, ...]]:
    """Quote what was found.

    Args:
        query: the question, with what it refers to.
        sources: what was found, best first.
        language: of the few words around the quotations.
        opening: stands before them; empty for a few words of ours.

    Returns:
        the answer in Markdown, and the sources, those first that it quotes.
    """
    wanted = frozenset(tokens(normalise(query)))
    quoted: list[tuple[Source, str]] = []
    for source in _near(sources):
        room = OTHER_CHARACTERS_MAX if quoted else FIRST_CHARACTERS_MAX
        quote = best_blocks(source.text, wanted, room)
        if quote and not any(_says_the_same(quote, other) for _, other in quoted):
            quoted.append((source, quote))
        if len(quoted) == QUOTES_MAX:
            break
    numbers = {source.number: at for at, (source, _) in enumerate(quoted, 1)}
    cited = tuple(
        replace(source, number=numbers[source.number], is_cited=True) for source, _ in quoted
    )
    rest = (source for source in sources if source.number not in numbers)
    others = tuple(replace(source, number=at) for at, source in enumerate(rest, len(cited) + 1))
    pieces = [_quotation(source, quote) for source, (_, quote) in zip(cited, quoted, strict=True)]
    answer = "\n\n".join([opening or say("quoted", language), *pieces, listed(cited, language)])
    return answer, (*cited, *others)


def _near(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """Return those that were found about as well as the best."""
    best = max((source.score for source in sources), default=0.0)
    return tuple(source for source in sources if source.score >= best * NEAR_SHARE)


def best_blocks(text: str, wanted: frozenset[str], characters_max: int) -> str:
    """Return the neighbouring blocks of a passage that hold most of the wanted words."""
    blocks = _blocks(text)
    if not blocks:
        return ""
    weights = [_weight(block, wanted) for block in blocks]
    start = end = max(range(len(blocks)), key=lambda at: (weights[at], -at))
    size = len(blocks[start])
    while size < characters_max:  # first what follows: instructions go on below
        if end + 1 < len(blocks) and size + len(blocks[end + 1]) <= characters_max:
            end += 1
            size += len(blocks[end])
        elif start > 0 and weights[start - 1] and size + len(blocks[start - 1]) <= characters_max:
            start -= 1
            size += len(blocks[start])
        else:
            break
    return _cut("\n\n".join(blocks[start : end + 1]), characters_max)


def _blocks(text: str) -> list[str]:
    """Cut a passage at empty lines, but never inside a fence."""
    blocks: list[str] = []
    for paragraph in _PARAGRAPHS.split(text):
        if blocks and len(_FENCE.findall(blocks[-1])) % 2:
            blocks[-1] += f"\n\n{paragraph}"
        elif paragraph.strip():
            blocks.append(paragraph.strip("\n"))
    return blocks


def _weight(block: str, wanted: frozenset[str]) -> float:
    """Say how much of what is wanted stands in a block; long ones have it easier."""
    held = frozenset(tokens(normalise(block)))
    return len(held & wanted) / float((8 + len(held)) ** 0.25)


def _cut(text: str, characters_max: int) -> str:
    """Shorten a text behind a sentence; an open fence is closed."""
    if len(text) <= characters_max:
        return text
    kept = ""
    for sentence in _SENTENCE_END.split(text):
        if len(kept) + len(sentence or "") > characters_max:
            break
        kept += sentence or ""
    kept = (kept or text[:characters_max]).rstrip() + " …"
    return f"{kept}\n```" if len(_FENCE.findall(kept)) % 2 else kept


def _says_the_same(quote: str, other: str) -> bool:
    words = frozenset(tokens(normalise(quote)))
    return len(words & frozenset(tokens(normalise(other)))) >= SAME_SHARE * len(words)


def _quotation(source: Source, quote: str) -> str:
    """Show a quotation with its heading and number; code keeps its own form."""
    heading = source.headings[-1] if source.headings else source.title
    shown = (
        quote
        if _FENCE.search(quote)
        else "\n".join(f"> {line}".rstrip() for line in quote.splitlines())
    )
    return f"**{heading}** [{source.number}]\n\n{shown}"
