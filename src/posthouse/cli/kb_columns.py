"""Which columns of tables will leave the house, shown before they are taken over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from posthouse.cli.terminal import Terminal
from posthouse.knowledge.formats import excel, separated
from posthouse.knowledge.formats.catalogue import format_of
from posthouse.knowledge.formats.columns import Column, Mark, columns_of, is_list
from posthouse.knowledge.formats.rows import Sheet
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.sources.catalogue import place_of
from posthouse.knowledge.sources.place import Fetched, Gone, Options, Unavailable
from posthouse.model.errors import OperatorMistake
from posthouse.store.documents import Source, SourceKind

TABLES_SHOWN = 20
SUFFIXES = (".csv", ".tsv", ".xlsx", ".xlsm")

_SAID: Mapping[Mark, tuple[str, str]] = {
    Mark.ANSWER: ("用于回答", "answered from"),
    Mark.SHOW: ("只随引用显示", "shown beside a quotation"),
    Mark.NEVER: ("不保存", "never stored"),
}


def chosen(columns: Sequence[str]) -> dict[str, str]:
    """Read ``NAME=answer``, as the command line gives it.

    Raises:
        OperatorMistake: it is written otherwise, or the mark is none.
    """
    found: dict[str, str] = {}
    for text in columns:
        name, equals, mark = text.rpartition("=")
        if not equals or not name:
            raise OperatorMistake(
                f'"{text}" is no column with a mark; write it like --column Notes=never.',
                zh=f"“{text}”不是“列名=标记”；请写成 --column 备注=never。",
            )
        found[name] = mark
    columns_of(list(found), found)
    return found


async def show_columns(
    terminal: Terminal, source: Source, options: Options, *, as_json: bool
) -> None:
    """Show the columns of the first tables of a place on this machine."""
    if as_json or source.kind is SourceKind.URL:
        return
    place = place_of(replace(source, options=msgspec.json.encode(options).decode()))
    try:
        items = [item for item in await place.items() if item.path.lower().endswith(SUFFIXES)]
        for item in items[:TABLES_SHOWN]:
            for sheet in _sheets(await place.fetch(item)):
                columns = columns_of(sheet.head, options.columns)
                _show(terminal, f"{item.path} {sheet.name}".rstrip(), columns)
    except (Gone, Unavailable) as problem:
        raise OperatorMistake(str(problem), zh=problem.zh) from problem


def _sheets(fetched: Fetched) -> Iterator[Sheet]:
    """Yield the sheets of a table; a file that cannot be read is told of later, with the others."""
    try:
        kind = format_of(fetched.data, fetched.name).name
        yield from (excel if kind == "xlsx" else separated).sheets(fetched.data)
    except Unreadable:
        return


def _show(terminal: Terminal, title: str, columns: Sequence[Column]) -> None:
    what = (
        terminal.words("每行一条问答", "each row is a question with its answer")
        if is_list(columns)
        else terminal.words("表格", "a table")
    )
    terminal.line(f"{title}: {what}")
    for column in columns:
        terminal.line(f"  {column.mark:<7} {column.name}  {terminal.words(*_SAID[column.mark])}")
    terminal.say(
        "  要改动：--column 列名=answer|show|never",
        "  to change one: --column NAME=answer|show|never",
    )
