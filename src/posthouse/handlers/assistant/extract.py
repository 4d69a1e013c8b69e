"""An answer without a model: the blocks of the passages that say most about the question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import log
from typing import Final

from msgspec.structs import replace

from posthouse.handlers.assistant.sources import listed
from posthouse.handlers.trying import Source
from posthouse.knowledge.chunks import TABLE_HEAD
from posthouse.knowledge.passage import Found
from posthouse.knowledge.words import normalise, tokens

Weights = Mapping[str, float]  # of words and pairs of characters, as ``knowledge.words`` cuts them

QUOTES_MAX: Final = 3
FIRST_CHARACTERS_MAX: Final = 700
OTHER_CHARACTERS_MAX: Final = 350
NEAR_SHARE: Final = 0.5  # of the best passage's score: what is further away is not quoted
HELD_SHARE: Final = 0.8  # of the weight of the question's words that the best passage holds
LONG_CHARACTERS: Final = 80  # from about here on a block counts as long
LETTERS_OF_A_CHARACTER: Final = 4  # Latin letters say as much as one Chinese character
SAME_SHARE: Final = 0.8  # of a quotation's words in one before: it would say nothing new

_FENCE = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"[。！？!?；;]|[.:]\s|\n")


def weights_of(found: Found) -> dict[str, float]:
    """Weigh the words of a question: the rarer in the base, the more they say."""
    among = max(found.passages, 1)
    return {word: log(1 + (among - count + 0.5) / (count + 0.5)) for word, count in found.words}


def extracted(
    weights: Weights, sources: tuple[Source, ...], language: str
) -> tuple[str, tuple[Source, ...]]:
    """Quote what was found.

    Args:
        weights: of the words of the question, with what it refers to.
        sources: what was found, best first.
        language: of the answer: of what a page says in two languages, this one is quoted.

    Returns:
        the quotations in Markdown, and the sources, those first that it quotes.
    """
    quoted: list[tuple[Source, str]] = []
    for source in _near(sources, weights):
        room = OTHER_CHARACTERS_MAX if quoted else FIRST_CHARACTERS_MAX
        quote = best_blocks(source.text, weights, room, language)
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
    return "\n\n".join([*pieces, listed(cited, language)]), (*cited, *others)


def _near(sources: tuple[Source, ...], weights: Weights) -> tuple[Source, ...]:
    """Return those that were found about as well as the best, and say about as much."""
    best = max((source.score for source in sources), default=0.0)
    near = [source for source in sources if source.score >= best * NEAR_SHARE]
    held = [_held(whole((source,)), weights) for source in near]
    most = max(held, default=0.0)  # of these: what is further away may not shut all of them out
    return tuple(
        source for source, weight in zip(near, held, strict=True) if weight >= most * HELD_SHARE
    )


def whole(sources: tuple[Source, ...]) -> str:
    """Put everything that sources say together, with what stands above it."""
    return "\n".join("\n".join((source.title, *source.headings, source.text)) for source in sources)


def _held(text: str, weights: Weights) -> float:
    """Add up the weights of the words that a text holds."""
    return sum(weights.get(word, 0.0) for word in frozenset(tokens(normalise(text))))


def best_blocks(text: str, weights: Weights, characters_max: int, language: str = "") -> str:
    """Return the neighbouring blocks of a passage that say most about the question.

    Of a table that is too long, its best rows are left below its head.
    """
    blocks = _in_language(_blocks(text), weights, language)
    if not blocks:
        return ""
    chosen = _best_neighbours(blocks, weights, characters_max)
    if len(chosen) == 1 and len(chosen[0]) > characters_max:
        chosen = [_best_rows(chosen[0], weights, characters_max)]
    return _cut("\n\n".join(chosen), characters_max)


def _in_language(blocks: list[str], weights: Weights, language: str) -> list[str]:
    """Leave out what the block beside it says about as well in the language wanted."""
    spoken = [_language(block) for block in blocks]
    held = [_held(block, weights) for block in blocks]

    def is_said_beside(at: int) -> bool:
        beside = (other for other in (at - 1, at + 1) if 0 <= other < len(blocks))
        return any(
            spoken[other] == language and held[other] >= held[at] * HELD_SHARE for other in beside
        )

    return [
        block
        for at, block in enumerate(blocks)
        if spoken[at] in {"", language} or not is_said_beside(at)
    ]


def _language(block: str) -> str:
    """Tell the language of a paragraph; code, tables and headings have none of their own."""
    if _FENCE.search(block) or block.startswith(("|", "#")):
        return ""
    chinese, latin = len(_HAN.findall(block)), len(_LATIN.findall(block))
    return "zh" if chinese * LETTERS_OF_A_CHARACTER >= latin else "en"


def _best_neighbours(pieces: list[str], weights: Weights, characters_max: int) -> list[str]:
    """Return the piece that says most about the question, with what fits around it."""
    worth = [_worth(piece, weights) for piece in pieces]
    start = end = max(range(len(pieces)), key=lambda at: (worth[at], -at))
    size = len(pieces[start])
    while size < characters_max:  # first what follows: instructions go on below
        if end + 1 < len(pieces) and size + len(pieces[end + 1]) <= characters_max:
            end += 1
            size += len(pieces[end])
        elif start > 0 and worth[start - 1] and size + len(pieces[start - 1]) <= characters_max:
            start -= 1
            size += len(pieces[start])
        else:
            break
    return pieces[start : end + 1]


def _best_rows(block: str, weights: Weights, characters_max: int) -> str:
    """Shorten a table to its head and some neighbouring rows; other blocks stay as they are."""
    head = TABLE_HEAD.match(block)
    if head is None:
        return block
    rows = block[head.end() :].split("\n")
    room = characters_max - len(head[0]) - len(rows)  # their line ends
    return head[0] + "\n".join(_best_neighbours(rows, weights, room))


def _blocks(text: str) -> list[str]:
    """Cut a passage at empty lines, but never inside a fence."""
    blocks: list[str] = []
    for paragraph in _PARAGRAPHS.split(text):
        if blocks and len(_FENCE.findall(blocks[-1])) % 2:
            blocks[-1] += f"\n\n{paragraph}"
        elif paragraph.strip():
            blocks.append(paragraph.strip("\n"))
    return blocks


def _worth(block: str, weights: Weights) -> float:
    """Say how much a block holds of what is asked; long ones have it easier."""
    return _held(block, weights) / float((LONG_CHARACTERS + len(block)) ** 0.25)


def _cut(text: str, characters_max: int) -> str:
    """Shorten a text behind a line or a sentence; an open fence is closed."""
    if len(text) <= characters_max:
        return text
    end = text.rfind("\n", characters_max // 2, characters_max)
    if end < 0:
        ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, characters_max)]
        end = ends[-1] if ends else characters_max
    kept = text[:end].rstrip() + " …"
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
