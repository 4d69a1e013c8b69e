"""``posthouse kb``: what the house knows, where it comes from, and what is found in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from posthouse.api.knowledge_tasks import (
    KB_ADD,
    KB_LIST,
    KB_LOOKING,
    KB_REMOVE,
    KB_SEARCH,
    KB_SYNC,
    AddSource,
    Numbers,
    Search,
    Stock,
    Which,
)
from posthouse.cli.house import Counter, counter_of
from posthouse.cli.kb_columns import show_columns
from posthouse.cli.progress import progressing
from posthouse.cli.roads import short
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.knowledge.ingest import Report
from posthouse.knowledge.passage import Found, Hit
from posthouse.knowledge.sources.catalogue import kind_of, place_of
from posthouse.knowledge.sources.place import Options, Unavailable
from posthouse.model.errors import OperatorMistake
from posthouse.settings.settings import Settings
from posthouse.settings.zone import zone_of
from posthouse.store.documents import Source

ASK_EVERY_S = 0.2
PROBLEMS_SHOWN = 20
QUOTED_CHARACTERS = 240


async def add(
    settings: Settings,
    base: str,
    place: str,
    options: Options,
    *,
    is_rehearsal: bool,
    as_json: bool,
) -> int:
    """Give a base a source and read it; 1 when something could not be read."""
    kind, full = await asyncio.to_thread(kind_of, place)
    alone = Source(id=0, base=base, kind=kind, place=full)
    terminal = Terminal()
    await show_columns(terminal, alone, options, as_json=as_json)
    if is_rehearsal:
        return await _rehearse(terminal, alone, options, as_json=as_json)
    async with counter_of(settings) as house:
        source = await house.ask(KB_ADD, AddSource(base=base, place=full, options=options))
        reports = await _read(house, (source,))
    return _tell(reports, as_json=as_json)


async def _rehearse(terminal: Terminal, source: Source, options: Options, *, as_json: bool) -> int:
    import msgspec
    from msgspec.structs import replace

    told = replace(source, options=msgspec.json.encode(options).decode())
    try:
        items = await place_of(told).items()
    except Unavailable as problem:
        raise OperatorMistake(str(problem), zh=problem.zh) from problem
    if as_json:
        terminal.json({"files": [item.path for item in items]})
        return OK
    for item in items:
        terminal.line(item.path)
    terminal.say(
        f"共 {len(items)} 个文件；只是查看，没有写入。",
        f"{len(items)} files; this was a look, nothing was written.",
    )
    return OK


async def sync(settings: Settings, which: Which, *, as_json: bool) -> int:
    """Read sources again; 1 when something could not be read."""
    async with counter_of(settings) as house:
        sources = await house.ask(KB_SYNC, which)
        reports = await _read(house, sources)
    return _tell(reports, as_json=as_json)


async def remove(settings: Settings, which: Which) -> int:
    """Forget a base, or one source of it."""
    async with counter_of(settings) as house:
        count = await house.ask(KB_REMOVE, which)
    name = f"#{which.source}" if which.source else which.base
    Terminal().say(f"已移除 {name}（{count} 个来源）。", f"{name} is removed ({count} sources).")
    return OK


async def show(settings: Settings, base: str, *, as_json: bool) -> int:
    """List bases with their sources; 1 when something of theirs could not be read."""
    async with counter_of(settings) as house:
        found = await house.ask(KB_LIST, Which(base=base))
    terminal = Terminal()
    if as_json:
        terminal.json(found)
        return OK
    for stock in found:
        _show_base(terminal, stock, settings)
    if not found:
        terminal.say(
            "还没有知识库：posthouse kb add 文件夹或网址",
            "There is no knowledge base yet: posthouse kb add FOLDER-OR-ADDRESS",
        )
    is_well = not any(stock.problems or _problem_of(stock) for stock in found)
    return OK if is_well else PROBLEM_FOUND


def _problem_of(stock: Stock) -> bool:
    return any(source.problem for source in stock.sources)


def _show_base(terminal: Terminal, stock: Stock, settings: Settings) -> None:
    base, zone = stock.base, zone_of(settings.timezone)
    terminal.say(
        f"{base.name}  {base.documents} 篇，{base.size_bytes / 1024**2:.1f} MB",
        f"{base.name}  {base.documents} documents, {base.size_bytes / 1024**2:.1f} MB",
    )
    for source in stock.sources:
        checked = (
            f"{datetime.fromtimestamp(source.checked_at, zone):%Y-%m-%d %H:%M}"
            if source.checked_at
            else "-"
        )
        terminal.line(f"  #{source.id}  {source.kind}  {source.place}  {checked}")
        if source.problem:
            terminal.line(f"    ! {source.problem}")
    for document in stock.problems[:PROBLEMS_SHOWN]:
        terminal.line(f"    ! {document.path}: {document.problem}")
    if len(stock.problems) > PROBLEMS_SHOWN:
        terminal.line(f"    … +{len(stock.problems) - PROBLEMS_SHOWN}")


async def search(settings: Settings, wanted: Search, *, as_json: bool) -> int:
    """Show what the assistant would find; 1 when there is nothing."""
    async with counter_of(settings) as house:
        found = await house.ask(KB_SEARCH, wanted)
    terminal = Terminal()
    if as_json:
        terminal.json(found)
    else:
        _show_found(terminal, found)
    return OK if found.hits or found.exact else PROBLEM_FOUND


def _show_found(terminal: Terminal, found: Found) -> None:
    if found.exact is not None:
        terminal.say(f"固定回答：{found.exact.text}", f"fixed answer: {found.exact.text}")
    for number, hit in enumerate(found.hits, 1):
        _show_hit(terminal, number, hit)
    if not found.hits and found.exact is None:
        terminal.say("没有找到。", "Nothing was found.")


def _show_hit(terminal: Terminal, number: int, hit: Hit) -> None:
    passage = hit.passage
    where = passage.path
    if passage.page:
        where += terminal.words(f" 第 {passage.page} 页", f" page {passage.page}")
    elif passage.line:
        where += f":{passage.line}"
    terminal.line(f"{number}. {hit.score:.2f}  {passage.base}  {where}")
    if passage.headings:
        terminal.line(f"   {' › '.join(passage.headings)}")
    terminal.line(f"   {short(passage.text, QUOTED_CHARACTERS)}")
    if passage.shown:
        terminal.line(f"   ({short(passage.shown, QUOTED_CHARACTERS)})")


# --- reading goes on in the house; here is looked how far it is -------------------------------


async def _read(house: Counter, sources: Sequence[Source]) -> tuple[Report, ...]:
    numbers = Numbers(tuple(source.id for source in sources))
    terminal = Terminal()
    with progressing(terminal, 1000, "读取文档", "reading documents") as advance:
        shown = 0
        while True:
            looks = await house.ask(KB_LOOKING, numbers)
            reports = tuple(look.report for look in looks if look.report is not None)
            if len(reports) == len(numbers.sources):
                return reports
            progress = [look.progress for look in looks if look.progress is not None]
            done, total = sum(one.done for one in progress), sum(one.total for one in progress)
            share = int(1000 * done / total) if total else 0
            advance(max(0, share - shown))
            shown = max(shown, share)
            await asyncio.sleep(ASK_EVERY_S)


def _tell(reports: Sequence[Report], *, as_json: bool) -> int:
    terminal = Terminal()
    if as_json:
        terminal.json(reports)
    else:
        for report in reports:
            _tell_one(terminal, report)
    is_well = not any(report.problem or report.problems for report in reports)
    return OK if is_well else PROBLEM_FOUND


def _tell_one(terminal: Terminal, report: Report) -> None:
    terminal.say(
        f"{report.base} ← {report.place}：新增 {report.added}，更新 {report.changed}，"
        f"移除 {report.removed}，未变 {report.same}",
        f"{report.base} ← {report.place}: {report.added} new, {report.changed} changed,"
        f" {report.removed} removed, {report.same} as they were",
    )
    if report.problem:
        terminal.warn(report.problem, report.problem)
    for path, problem in list(report.problems.items())[:PROBLEMS_SHOWN]:
        terminal.warn(f"  {path}：{problem}", f"  {path}: {problem}")
    if len(report.problems) > PROBLEMS_SHOWN:
        more = len(report.problems) - PROBLEMS_SHOWN
        terminal.warn(
            f"  还有 {more} 个：posthouse kb list --json", f"  and {more}: posthouse kb list --json"
        )
