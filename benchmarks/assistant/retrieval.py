"""What the search in documents finds, how long it takes, and what an index costs.

Run: ``.venv/bin/python benchmarks/assistant/retrieval.py CORPUS [--messages FILE] [--large N]``;
with ``--embedding URL --model NAME`` everything is measured once more with the vectors of a model.

CORPUS: JSON lines (also ``.gz``) with ``repo``, ``path`` and ``text`` of documents in Markdown.
FILE: JSON lines with ``text``, messages of a chat; times are taken with them.

Questions are headings that stand once in the corpus; to be found is a passage of the text below
them, of 200 characters at least. No heading or title is in the index. The weights of
``knowledge/ranking.py`` were chosen on the documents of half A; half B is the measurement. A page
and its translation are in one half.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import md5
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from posthouse.knowledge.chunks import Chunk, chunks
from posthouse.knowledge.index import CANDIDATES, Index, Learned, Meaning
from posthouse.knowledge.passage import Block, Extract
from posthouse.llm.connection import Line
from posthouse.llm.embeddings import TEXTS_AT_ONCE, OpenAiEmbedder

QUESTIONS = 600  # of each language
SECTION_CHARACTERS_MIN = 200
HEADING_CHARACTERS_MIN = 4
AT = (1, 5, 10)
HITS = 40  # passages, of ten sections at least
BASE = "corpus"

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_MARKS = re.compile(r"\[([^\]]*)\]\([^)]*\)|<[^>]+>|`")
_HAN = re.compile("[\u4e00-\u9fff]")


class Document(Struct, frozen=True):
    """A document of the corpus."""

    repo: str
    path: str
    text: str


class Section(Struct, frozen=True):
    """A heading with the text below it."""

    number: int
    document: int
    heading: str
    text: str


class Question(Struct, frozen=True):
    """A heading, and the section that is meant."""

    heading: str
    section: int
    is_chinese: bool
    is_half_b: bool


def lines(path: Path) -> Iterator[dict[str, str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    yield from (json.loads(line) for line in text.split("\n") if line)


def sections(documents: Sequence[Document]) -> list[Section]:
    made: list[Section] = []
    for document, one in enumerate(documents):
        for heading, text in below_headings(one.text):
            if len(text) >= SECTION_CHARACTERS_MIN:
                made.append(Section(len(made), document, heading, text))
    return made


def below_headings(text: str) -> Iterator[tuple[str, str]]:
    heading, is_code = "", False
    below: list[str] = []
    for line in text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
        found = None if is_code else _HEADING.match(line)
        if found is None:
            below.append(line)
            continue
        yield heading, "\n".join(below).strip()
        heading, below = _MARKS.sub(r"\1", found[2]).strip(), []
    yield heading, "\n".join(below).strip()


def cut(section: Section) -> tuple[Chunk, ...]:
    """Make passages that have the number of their section in place of a path."""
    extract = Extract("", (Block(section.text),))
    return chunks(extract, BASE, section.document, str(section.number))


def questions(documents: Sequence[Document], all_sections: Sequence[Section]) -> list[Question]:
    headings = Counter(section.heading.lower() for section in all_sections)
    texts = Counter(section.text for section in all_sections)
    wanted = [
        Question(
            section.heading,
            section.number,
            is_chinese=_HAN.search(section.heading) is not None,
            is_half_b=is_half_b(documents[section.document]),
        )
        for section in all_sections
        if len(section.heading) >= HEADING_CHARACTERS_MIN
        and headings[section.heading.lower()] == texts[section.text] == 1
    ]
    chance = random.Random(7)
    chosen: list[Question] = []
    for is_chinese in (True, False):
        several = [question for question in wanted if question.is_chinese == is_chinese]
        chosen += chance.sample(several, min(QUESTIONS, len(several)))
    return chosen


def is_half_b(document: Document) -> bool:
    name = document.repo + document.path.replace("zh_cn", "en")
    return int(md5(name.encode()).hexdigest(), 16) % 2 == 1  # noqa: S324 - only a coin


def recall(
    index: Index,
    several: Sequence[Question],
    meanings: Mapping[str, Meaning],
    *,
    by_pairs: bool = False,
) -> str:
    """Count the questions whose section is among the first.

    Args:
        index: of all sections.
        several: the questions.
        meanings: of headings, where a model has seen them.
        by_pairs: leave the order to BM25 over words and pairs of characters, to compare with.
    """
    found = Counter[int]()
    for question in several:
        most = 2 * CANDIDATES if by_pairs else HITS
        hits = index.search(question.heading, most, meaning=meanings.get(question.heading)).hits
        ordered = sorted(hits, key=lambda hit: -hit.bigram) if by_pairs else hits
        places = list(dict.fromkeys(hit.passage.path for hit in ordered))
        found.update(at for at in AT if str(question.section) in places[:at])
    return " ".join(f"@{at} {100 * found[at] / len(several):.1f}" for at in AT)


def times(index: Index, asked: Sequence[str], meanings: Mapping[str, Meaning]) -> str:
    """Ask everything twice, and time the second round: a house that has just started is rare."""
    wall, cpu = [], []
    for is_timed in (False, True):
        for text in asked:
            began, began_cpu = time.perf_counter(), time.thread_time()
            index.search(text, meaning=meanings.get(text))
            if is_timed:
                wall.append(1000 * (time.perf_counter() - began))
                cpu.append(1000 * (time.thread_time() - began_cpu))
    return f"{spread(wall)} ms, CPU {spread(cpu)} ms"


def spread(several: Sequence[float]) -> str:
    hundred = statistics.quantiles(several, n=100)
    return f"p50 {statistics.median(several):.1f} p99 {hundred[98]:.1f} max {max(several):.1f}"


def enlarged(made: Sequence[Chunk], number: int) -> Iterator[Learned]:
    """Make passages of halves of others, so that words stay as common as they are."""
    chance = random.Random(5)
    texts = [chunk.passage.text for chunk in made]
    for at in range(number):
        one, other = chance.choice(texts), chance.choice(texts)
        text = f"{one[: len(one) // 2]}\n{other[len(other) // 2 :]}"
        yield Learned(at, chunks(Extract("", (Block(text),)), BASE, at, ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--messages", type=Path, help="times are taken with these, not headings")
    parser.add_argument("--large", type=int, default=100_000, help="passages of the large base")
    parser.add_argument("--embedding", metavar="URL", help="an endpoint as in [embedding]")
    parser.add_argument("--model", default="model", help="what that endpoint calls it")
    options = parser.parse_args()
    documents = [
        Document(line["repo"], line["path"], line["text"])
        for line in lines(options.corpus)
        if line["path"].endswith(".md")
    ]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # a real disk, not a tmpfs
        measure(documents, options, Path(folder))


def measure(documents: Sequence[Document], options: argparse.Namespace, folder: Path) -> None:
    corpus = sections(documents)
    asked = questions(documents, corpus)
    said = [line["text"] for line in lines(options.messages)] if options.messages else []
    said = said or [question.heading for question in asked]
    index = indexed(folder / "kb-corpus.db", corpus)
    report(index, asked, said, {})
    if options.embedding:
        embedder = OpenAiEmbedder("embedding", options.model, Line(base_url=options.embedding))
        headings = [question.heading for question in asked]
        print("with vectors:")
        report(index, asked, said, asyncio.run(seen(index, embedder, {*headings, *said})))
    index.close()
    if options.large:
        large = Index.open(folder / "kb-large.db", BASE)
        large.learn(enlarged([one for section in corpus for one in cut(section)], options.large), 1)
        print(f"search in {large.counts()[1]}: {times(large, said, {})} ({len(said)} messages)")
        large.close()


def report(
    index: Index,
    asked: Sequence[Question],
    said: Sequence[str],
    meanings: Mapping[str, Meaning],
) -> None:
    for language in ("zh", "en"):
        spoken = [one for one in asked if one.is_chinese == (language == "zh")]
        for half, wanted in (("A, tuned on", {False}), ("B", {True}), ("both", {False, True})):
            several = [one for one in spoken if one.is_half_b in wanted]
            if several:
                found = recall(index, several, meanings)
                print(f"recall {language}, half {half}: {found} ({len(several)})")
        if spoken and not meanings:
            found = recall(index, spoken, {}, by_pairs=True)
            print(f"recall {language}, both, pairs alone: {found}")
    took = times(index, said, meanings)
    print(f"search in {index.counts()[1]}: {took} ({len(said)} messages)")


async def seen(index: Index, embedder: OpenAiEmbedder, texts: set[str]) -> dict[str, Meaning]:
    """Let a model see all passages and some texts; return what the texts mean to it."""
    ordered = sorted(texts)
    vectors = await embedder.embed(tuple(ordered))
    dimensions, count = len(vectors[0]), 0
    began = time.perf_counter()
    while missing := index.vectors.missing(embedder.name, dimensions, TEXTS_AT_ONCE):
        made = await embedder.embed(tuple(text for _, text in missing))
        hashes = [text_hash for text_hash, _ in missing]
        index.vectors.keep(embedder.name, dict(zip(hashes, made, strict=True)))
        count += len(missing)
    await embedder.close()
    print(f"vectors: {count} in {time.perf_counter() - began:.0f} s")
    meant = zip(ordered, vectors, strict=True)
    return {text: Meaning(embedder.name, vector) for text, vector in meant if vector}


def indexed(path: Path, corpus: Sequence[Section]) -> Index:
    """Make the index, and say what that took, cutting included."""
    index = Index.open(path, BASE)
    began, began_cpu = time.perf_counter(), time.thread_time()
    of_documents = groupby(corpus, key=lambda section: section.document)
    index.learn(
        (
            Learned(number, tuple(chunk for section in several for chunk in cut(section)))
            for number, several in of_documents
        ),
        revision=1,
    )
    megabytes = sum(len(section.text.encode()) for section in corpus) / 1e6
    took, took_cpu = time.perf_counter() - began, time.thread_time() - began_cpu
    print(f"{index.counts()[1]} passages of {megabytes:.2f} MB")
    print(f"indexing: {took / megabytes:.2f} s/MB, CPU {took_cpu / megabytes:.2f} s/MB")
    return index


if __name__ == "__main__":
    main()
