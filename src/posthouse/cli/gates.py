"""``posthouse kb train``, ``gates`` and ``use-gate``: teaching a base when to be silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from posthouse.api.gate_tasks import (
    GATE_LOOKING,
    GATES,
    STOP_TRAINING,
    TRAIN_GATE,
    USE_GATE,
    OfBase,
    TrainGate,
    UseGate,
)
from posthouse.cli.files import bytes_of
from posthouse.cli.house import Counter, counter_of
from posthouse.cli.progress import progressing
from posthouse.cli.terminal import OK, Terminal
from posthouse.knowledge.gate.measures import Quality
from posthouse.knowledge.labels import Labelled, labelled, messages
from posthouse.knowledge.teaching import KeptGate, Lesson, Looking, Stage
from posthouse.model.errors import OperatorMistake, TryLater
from posthouse.settings.settings import Settings
from posthouse.settings.zone import zone_of

ASK_EVERY_S = 0.2
_STAGES = (
    (Stage.SEARCHING, "检索", "searching"),
    (Stage.TRAINING, "训练", "training"),
)


class Lessons(Struct, frozen=True, kw_only=True):
    """What is to be taught: files of labels beside what the house knows already."""

    base: str
    good: tuple[Path, ...] = ()
    bad: tuple[Path, ...] = ()
    labels: tuple[Path, ...] = ()
    precision: float
    is_used: bool = False


async def train(settings: Settings, lessons: Lessons, *, as_json: bool) -> int:
    """Train a gate and print how well it does, beside the shipped one; interrupted, it is given up.

    Raises:
        OperatorMistake: a file cannot be read, or there is hardly anything to learn from.
        TryLater: somebody else has stopped the training.
    """
    wanted = TrainGate(
        base=lessons.base,
        labels=tuple(_told(lessons)),
        precision=lessons.precision,
        is_used=lessons.is_used,
    )
    terminal = Terminal()
    async with counter_of(settings) as house:
        await house.ask(TRAIN_GATE, wanted)
        try:
            lesson = await _awaited(house, wanted.base, terminal)
        except asyncio.CancelledError:
            await house.ask(STOP_TRAINING, OfBase(wanted.base))
            raise
    if as_json:
        terminal.json(lesson)
    else:
        _show_lesson(terminal, lesson)
    return OK


async def _awaited(house: Counter, base: str, terminal: Terminal) -> Lesson:
    """Wait for what comes of a training, and show how far it is."""
    look = Looking()
    for stage, zh, en in _STAGES:
        with progressing(terminal, 100, zh, en) as advance:
            look = await _past(stage, house, base, advance)
    if look.problem is not None:
        raise OperatorMistake(look.problem("en"), zh=look.problem("zh"))
    if look.lesson is None:
        raise TryLater(
            "The training was stopped; nothing of it was kept.", zh="训练已停止，什么也没有保存。"
        )
    return look.lesson


async def _past(stage: Stage, house: Counter, base: str, advance: Callable[[int], None]) -> Looking:
    """Look until a stage is over; count it in percent."""
    shown = 0
    while True:
        look = await house.ask(GATE_LOOKING, OfBase(base))
        if look.progress is None or look.progress.stage is not stage:
            return look
        advance(look.progress.percent - shown)
        shown = look.progress.percent
        await asyncio.sleep(ASK_EVERY_S)


async def show(settings: Settings, base: str, *, as_json: bool) -> int:
    """List the gates of a base."""
    async with counter_of(settings) as house:
        kept = await house.ask(GATES, OfBase(base))
    terminal, zone = Terminal(), zone_of(settings.timezone)
    if as_json:
        terminal.json(kept)
        return OK
    if not any(gate.is_used for gate in kept):
        terminal.say("* 0  自带的判断", "* 0  the shipped gate")
    for gate in kept:
        when = f"{datetime.fromtimestamp(gate.at, zone):%Y-%m-%d %H:%M}"
        terminal.line(f"{'*' if gate.is_used else ' '} {gate.id}  {when}  {_how_well(gate)}")
    return OK


async def use(settings: Settings, base: str, gate: int) -> int:
    """Decide with a gate from now on; 0 for the shipped one."""
    async with counter_of(settings) as house:
        await house.ask(USE_GATE, UseGate(base, gate))
    Terminal().say(
        f"{base} 现在使用{f'编号 {gate} 的' if gate else '自带的'}判断。",
        f"{base} now decides with {f'gate {gate}' if gate else 'the shipped gate'}.",
    )
    return OK


def _told(lessons: Lessons) -> Iterator[Labelled]:
    for file in lessons.labels:
        yield from labelled(bytes_of(file), file.name)
    for file in lessons.good:
        yield from messages(bytes_of(file), file.name, is_wanted=True)
    for file in lessons.bad:
        yield from messages(bytes_of(file), file.name, is_wanted=False)


def _show_lesson(terminal: Terminal, lesson: Lesson) -> None:
    before, after = lesson.figures.before, lesson.figures.after
    terminal.say(
        f"用 {after.labels} 条标注训练，其中 {after.wanted} 条该回答。训练前 → 训练后：",
        f"Trained with {after.labels} messages, {after.wanted} of them want an answer."
        " Before → after:",
    )
    for name, one, other in _pairs(terminal, before, after):
        terminal.line(f"  {name}: {one:.3f} → {other:.3f}")
    if lesson.is_used:
        terminal.say(f"现在使用编号 {lesson.gate}。", f"Gate {lesson.gate} decides from now on.")
    else:
        terminal.say(
            f"已保存为编号 {lesson.gate}；启用：posthouse kb use-gate {lesson.base} {lesson.gate}",
            f"Kept as gate {lesson.gate}. To use it:"
            f" posthouse kb use-gate {lesson.base} {lesson.gate}",
        )


def _pairs(
    terminal: Terminal, before: Quality, after: Quality
) -> Iterator[tuple[str, float, float]]:
    words = terminal.words
    yield "AUC", before.auc, after.auc
    yield "F1", before.f1, after.f1
    yield words("旁听精确率", "overheard, precision"), before.sure_precision, after.sure_precision
    yield words("旁听召回率", "overheard, recall"), before.sure_recall, after.sure_recall


def _how_well(gate: KeptGate) -> str:
    if gate.figures is None:
        return gate.author
    before, after = gate.figures.before, gate.figures.after
    return f"AUC {before.auc:.3f} → {after.auc:.3f}, F1 {before.f1:.3f} → {after.f1:.3f}"
