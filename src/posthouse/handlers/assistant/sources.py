"""The passages that answers rest on, numbered, as people read them."""

from __future__ import annotations

from collections.abc import Collection

from posthouse.handlers.assistant.sentences import say
from posthouse.handlers.trying import Source
from posthouse.knowledge.passage import Hit, Passage

HEADINGS_SHOWN_MAX = 3
TITLE_CHARACTERS_MAX = 80


def numbered(hits: tuple[Hit, ...]) -> tuple[Source, ...]:
    """Number what was found, best first, from 1."""
    return tuple(_source(number, hit) for number, hit in enumerate(hits, 1))


def fixed(passage: Passage) -> Source:
    """Return the source of a fixed answer."""
    return _source(1, Hit(passage, 1.0), is_cited=True)


def returned(number: int, title: str, result: str) -> Source:
    """Return what a function has said as a source: what rests on it names it."""
    return Source(number=number, base="", title=title, text=result, key="", score=1.0)


def _source(number: int, hit: Hit, *, is_cited: bool = False) -> Source:
    passage = hit.passage
    return Source(
        number=number,
        base=passage.base,
        title=passage.title,
        text=passage.text,
        key=passage.key,
        score=hit.score,
        headings=passage.headings,
        page=passage.page,
        line=passage.line,
        address=passage.address,
        is_cited=is_cited,
    )


def listed(sources: Collection[Source], language: str) -> str:
    """List the sources that are cited, a line each."""
    lines = [
        f"[{source.number}] {place(source, language)}" for source in sources if source.is_cited
    ]
    return "\n".join([say("sources", language), "", *(f"- {line}" for line in lines)])


def place(source: Source, language: str) -> str:
    """Say where a source stands: title › headings, page or line, address."""
    title = " › ".join(_path(source)) or source.address
    words = [shortened(title)]
    if source.page:
        words.append(say("page", language, page=source.page))
    elif source.line:
        words.append(say("line", language, line=source.line))
    if source.address and source.address != title:
        words.append(source.address)
    return " · ".join(words)


def shortened(title: str) -> str:
    """Cut a long title where it can be seen."""
    if len(title) <= TITLE_CHARACTERS_MAX:
        return title
    return f"{title[: TITLE_CHARACTERS_MAX - 1].rstrip()}…"


def _path(source: Source) -> list[str]:
    """Return title and headings, none twice in a row."""
    path = [source.title, *source.headings[:HEADINGS_SHOWN_MAX]]
    return [name for at, name in enumerate(path) if name and (at == 0 or name != path[at - 1])]
