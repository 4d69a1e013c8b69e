"""``posthouse bench crash`` for people: how it goes on, what was found, what counts as kept."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import tempfile
from pathlib import Path

import msgspec

from posthouse.cli.laboratory.judgement import Judgement
from posthouse.cli.laboratory.kills import FIRST_REPLY_S_MAX, Kills, Plan, Report
from posthouse.cli.progress import progressing
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.model.errors import OperatorMistake

KILLS_MAX, EVENTS_MAX = 10_000, 1_000_000

COLUMNS: tuple[tuple[str, str], ...] = (
    ("已收", "taken"),
    ("丢失", "lost"),
    ("存疑", "unsure"),
    ("致歉", "excused"),
    ("未标记的重复", "repeats untold"),
    ("已标记的重复", "repeats told"),
    ("乱序", "inversions"),
    ("同时存疑", "overlaps"),
    ("未送达", "fallen"),
)


def crash(kills: int, events: int, seed: int | None, *, as_json: bool) -> int:
    """Kill a house of its own at random; 1 when the promise was broken or it was slow to return.

    Raises:
        OperatorMistake: the numbers make no run.
    """
    if not (1 <= kills <= KILLS_MAX and kills < events <= EVENTS_MAX):
        raise OperatorMistake(
            f"--kills {kills} --events {events}: choose 1 to {KILLS_MAX} kills, and more events "
            f"than kills, at most {EVENTS_MAX}.",
            zh=f"--kills {kills} --events {events}：kills 应为 1 到 {KILLS_MAX}，"
            f"events 要多于 kills，最多 {EVENTS_MAX}。",
        )
    plan = Plan(seed=secrets.randbits(32) if seed is None else seed, kills=kills, events=events)
    terminal = Terminal()
    folder = Path(tempfile.mkdtemp(prefix="posthouse-crash-"))
    terminal.warn(f"种子 {plan.seed}，文件在 {folder}", f"seed {plan.seed}, files in {folder}")
    report = _run(folder, plan, terminal)
    if report.is_kept:
        shutil.rmtree(folder)
    _show(report, terminal, as_json=as_json)
    is_reached = report.is_kept and report.first_reply_max_s <= FIRST_REPLY_S_MAX
    return OK if is_reached else PROBLEM_FOUND


def _run(folder: Path, plan: Plan, terminal: Terminal) -> Report:
    # A killed house leaves the platform's answers half written, which is no news here.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with progressing(terminal, plan.kills, "反复杀死驿站", "killing the house") as done:
        return asyncio.run(Kills(folder, plan, lambda: done(1)).run())


def _show(report: Report, terminal: Terminal, *, as_json: bool) -> None:
    if as_json:
        shown = msgspec.to_builtins(report)
        terminal.json({**shown, "is_kept": report.is_kept, "acknowledged": report.acknowledged})
        return
    words = [terminal.words(zh, en) for zh, en in COLUMNS]
    terminal.line(_row("", words))
    for name, judgement in report.judgements.items():
        terminal.line(_row(name, [str(count) for count in _counts(judgement)]))
    replies = f"p50 {report.first_reply_p50_s:.2f} s, max {report.first_reply_max_s:.2f} s"
    mark = "ok" if report.first_reply_max_s <= FIRST_REPLY_S_MAX else "MISS"
    terminal.say(
        f"杀死 {report.kills} 次（处理中 {report.turns_caught}，发送中 {report.sends_caught}），"
        f"用时 {report.took_s:.0f} 秒；"
        f"重启后第一条回复 {replies}（≤ {FIRST_REPLY_S_MAX:g} s {mark}）",
        f"{report.kills} kills (in {report.turns_caught} turns, {report.sends_caught} sends), "
        f"{report.took_s:.0f} s; first reply after a start {replies} "
        f"(≤ {FIRST_REPLY_S_MAX:g} s {mark})",
    )
    for problem in (*report.problems, *(each.problems for each in report.judgements.values())):
        if problem:
            terminal.line(problem)
    if report.is_kept:
        terminal.say("承诺守住了。", "The promise was kept.")
    else:
        terminal.say(
            f"承诺没有守住：请带上种子 {report.seed} 和保留的文件夹报告这个缺陷。",
            f"The promise was broken: report this with seed {report.seed} and the folder, "
            "which is kept.",
        )


def _counts(judgement: Judgement) -> tuple[int, ...]:
    return (
        judgement.acknowledged,
        len(judgement.lost),
        len(judgement.unsure),
        len(judgement.excused),
        len(judgement.forbidden) + len(judgement.strangers),
        len(judgement.repeats),
        len(judgement.inversions),
        len(judgement.overlaps),
        len(judgement.fallen),
    )


def _row(name: str, cells: list[str]) -> str:
    from rich.cells import cell_len

    return f"{name:<11}" + "".join(" " * (15 - cell_len(cell)) + cell for cell in cells)
