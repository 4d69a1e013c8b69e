"""``posthouse reload``: let a running house work with changed settings."""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.api.desk import Nothing
from posthouse.api.push_tasks import RELOAD, RELOAD_SCENES, Read
from posthouse.cli.house import counter_of
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.settings.reload import Change, Effect, ScenesRead
from posthouse.settings.settings import Settings


async def reload(settings: Settings, *, is_rehearsal: bool, as_json: bool) -> int:
    """Have settings and scenes read again, and say what is different; 1 when a scene is broken."""
    async with counter_of(settings) as house:
        found = await house.ask(RELOAD, Read(is_rehearsal))
        scenes = () if is_rehearsal else await house.ask(RELOAD_SCENES, Nothing())
    terminal = Terminal()
    if as_json:
        terminal.json({"settings": found, "scenes": scenes})
    else:
        _show_settings(terminal, found, is_rehearsal=is_rehearsal)
        for each in scenes:
            _show_scenes(terminal, each)
    return PROBLEM_FOUND if any(each.problems for each in scenes) else OK


def _show_settings(terminal: Terminal, found: Sequence[Change], *, is_rehearsal: bool) -> None:
    for change in found:
        terminal.line(_line(terminal, change))
    if not found:
        terminal.say("配置没有变化。", "Nothing is different.")
    elif is_rehearsal:
        terminal.say("只是查看，没有生效。", "This was a look; nothing has changed.")


def _show_scenes(terminal: Terminal, read: ScenesRead) -> None:
    names = ", ".join(read.names) or "—"
    terminal.say(f"{read.handler} 的场景：{names}", f"scenes of {read.handler}: {names}")
    for scene, trace in read.problems.items():
        why = "".join(trace.strip().splitlines()[-1:])
        is_old = scene in read.kept or not read.is_in_force
        terminal.warn(
            f"场景 {scene or '*'} 加载失败{'，保持原样' if is_old else ''}：{why}",
            f"scene {scene or '*'} does not load{', and stays as it was' if is_old else ''}: {why}",
        )


def _line(terminal: Terminal, change: Change) -> str:
    none = terminal.words("（无）", "(none)")
    line = f"{change.key}: {change.before or none} → {change.after or none}"
    if change.effect is Effect.RESTART:
        line += terminal.words("  （重启后生效）", "  (counts after a restart)")
    return line
