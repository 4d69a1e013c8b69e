"""``posthouse kb eval``: how well a gate knows when to be silent, by documents and labels given.

Nothing of the house is touched: the corpus becomes a folder in a place of its own, is read, masked,
indexed and searched by the code that answers people, and is gone afterwards.
"""

from __future__ import annotations

import contextlib
import gzip
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.cli.files import bytes_of
from posthouse.cli.progress import at_work, progressing
from posthouse.cli.terminal import OK, Terminal
from posthouse.knowledge.evaluation import Evaluation, Find, cases_of, evaluation
from posthouse.knowledge.gate.gate import Gate, shipped
from posthouse.knowledge.gate.measures import Decided
from posthouse.knowledge.gate.training import (
    BLOCKS,
    FITS,
    WANTED_PRECISION,
    Case,
    decided,
    learn,
    nested,
)
from posthouse.knowledge.ingest import Ingest
from posthouse.knowledge.labels import Labelled, labelled
from posthouse.knowledge.library import Library
from posthouse.knowledge.own_process import in_own_process
from posthouse.knowledge.sources.catalogue import enter
from posthouse.knowledge.teaching import TRAINED_WITHIN_S
from posthouse.model.errors import OperatorMistake
from posthouse.store.documents import Documents, SourceKind
from posthouse.store.sqlite.store import open_memory_store

BASE: Final = "eval"
GZIP: Final = b"\x1f\x8b"


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be measured."""

    corpus: Path
    labels: Path
    train: Path | None = None
    is_nested: bool = False
    precision: float = WANTED_PRECISION


async def measure(wanted: Wanted, *, as_json: bool) -> int:
    """Measure and print.

    Raises:
        OperatorMistake: a file cannot be read, or holds something else.
    """
    terminal = Terminal()
    tested = labelled(bytes_of(wanted.labels), wanted.labels.name)
    taught = labelled(bytes_of(wanted.train), wanted.train.name) if wanted.train else ()
    async with searching(wanted.corpus, terminal) as find:
        result = await _result(wanted, tested, taught, find, terminal)
    if as_json:
        terminal.json(result)
    else:
        _show(terminal, result)
    return OK


async def _result(
    wanted: Wanted,
    tested: Sequence[Labelled],
    taught: Sequence[Labelled],
    find: Find,
    terminal: Terminal,
) -> Evaluation:
    total = len(tested) + len(taught)
    with progressing(terminal, total, "检索", "searching") as progress:
        cases = await cases_of(tested, find, progress)
        lessons = await cases_of(taught, find, progress)
    if wanted.is_nested:
        return evaluation("nested", await _nested(wanted, cases, terminal), None)
    gate = await _learnt(wanted, lessons, terminal) if lessons else shipped()
    kind = "trained" if lessons else "shipped"
    return evaluation(kind, list(decided(gate, cases)), gate.points)


async def _nested(wanted: Wanted, cases: Sequence[Case], terminal: Terminal) -> list[Decided]:
    work = partial(nested, cases, wanted.precision)
    with progressing(terminal, BLOCKS * FITS, "分块训练", "training by blocks") as progress:
        return await in_own_process(work, progress, TRAINED_WITHIN_S)


async def _learnt(wanted: Wanted, lessons: Sequence[Case], terminal: Terminal) -> Gate:
    work = partial(learn, lessons, wanted.precision)
    with progressing(terminal, FITS, "训练", "training") as progress:
        return await in_own_process(work, progress, TRAINED_WITHIN_S)


@contextlib.asynccontextmanager
async def searching(corpus: Path, terminal: Terminal) -> AsyncIterator[Find]:
    """Read a file of documents into a base of its own, and search in it.

    Raises:
        OperatorMistake: the file cannot be read, or holds something else.
    """
    with tempfile.TemporaryDirectory(prefix="posthouse-eval-") as folder:
        place = Path(folder) / "corpus"
        _unpack(corpus, place)
        store = open_memory_store()
        library = Library(store.documents, Path(folder))
        try:
            with at_work(terminal, "读取文档", "reading documents"):
                await _read(store.documents, place, corpus.name, terminal.language)
                await library.prepare(BASE)
            yield lambda text: library.find((BASE,), text)
        finally:
            await library.close()
            await store.close()


async def _read(documents: Documents, place: Path, name: str, language: str) -> None:
    source = await enter(documents, BASE, SourceKind.FOLDER, str(place), time.time())
    report = await Ingest(documents, time.time, language).sync(source)
    if not report.added:
        why = next(iter(report.problems.values()), "-")
        raise OperatorMistake(
            f"{name} holds no document that can be read: {why}",
            zh=f"{name} 里没有能读的文档：{why}",
        )


def _unpack(corpus: Path, folder: Path) -> None:
    folder.mkdir()
    for document in _documents(_plain(corpus), corpus.name):
        path = folder / _inside(document, corpus.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document.text, "utf-8")
        except OSError as problem:  # a name too long, or that of a folder
            raise OperatorMistake(
                f"{corpus.name} has a document that cannot be a file: {document.path}:"
                f" {problem.strerror}.",
                zh=f"{corpus.name} 里的文档不能写成文件：{document.path}：{problem.strerror}。",
            ) from problem


class _Document(Struct):
    path: str
    text: str
    repo: str = ""


def _documents(data: bytes, name: str) -> Iterator[_Document]:
    decoder = msgspec.json.Decoder(_Document)
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise OperatorMistake(
                f'{name}, line {number} is no document like {{"path": "a.md", "text": "…"}}:'
                f" {problem}",
                zh=f'{name} 第 {number} 行不是 {{"path": "a.md", "text": "…"}}：{problem}',
            ) from problem


def _inside(document: _Document, name: str) -> PurePosixPath:
    path = PurePosixPath(document.repo.strip("/")) / document.path
    if path.is_absolute() or ".." in path.parts or not path.name or "\0" in str(path):
        raise OperatorMistake(
            f"{name} names a document outside of its folder: {path}.",
            zh=f"{name} 里有文件夹以外的文档：{path}。",
        )
    return path


def _plain(file: Path) -> bytes:
    data = bytes_of(file)
    if not data.startswith(GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError) as problem:
        raise OperatorMistake(
            f"{file} is a damaged gzip file: {problem}.",
            zh=f"{file} 是损坏的 gzip 文件：{problem}。",
        ) from problem


def _show(terminal: Terminal, result: Evaluation) -> None:
    say: Callable[[str, str], None] = terminal.say
    say(
        f"{result.labels} 条消息，其中 {result.wanted} 条该回答（{result.gate}）",
        f"{result.labels} messages, {result.wanted} of them want an answer ({result.gate})",
    )
    say(
        f"F1 {result.f1:.3f}（精确率 {result.precision:.3f}，召回率 {result.recall:.3f}）；"
        f"只看长度 {result.length_baseline_f1:.3f}",
        f"F1 {result.f1:.3f} (precision {result.precision:.3f}, recall {result.recall:.3f});"
        f" by length alone {result.length_baseline_f1:.3f}",
    )
    say(
        f"AUC {result.auc:.3f}；只看长度 {result.length_baseline_auc:.3f}",
        f"AUC {result.auc:.3f}; by length alone {result.length_baseline_auc:.3f}",
    )
    say(
        f"旁听时：精确率 {result.sure_precision:.3f}，召回率 {result.sure_recall:.3f}",
        f"overheard: precision {result.sure_precision:.3f}, recall {result.sure_recall:.3f}",
    )
    for band in result.bands:
        say(
            f"{band.characters:>6} 字：AUC {band.auc:.3f}，只看长度 {band.length_auc:.3f}"
            f"（{band.labels} 条，{band.wanted} 条该回答）",
            f"{band.characters:>6} characters: AUC {band.auc:.3f}, by length {band.length_auc:.3f}"
            f" ({band.labels} messages, {band.wanted} wanted)",
        )
