"""``posthouse reload``: let a running house work with changed settings."""

from __future__ import annotations

from posthouse.api.push_tasks import RELOAD, Read
from posthouse.cli.house import counter_of
from posthouse.cli.terminal import OK, Terminal
from posthouse.settings.reload import Change, Effect
from posthouse.settings.settings import Settings


async def reload(settings: Settings, *, is_rehearsal: bool, as_json: bool) -> int:
    """Have the settings read again, and say what is different."""
    async with counter_of(settings) as house:
        found = await house.ask(RELOAD, Read(is_rehearsal))
    terminal = Terminal()
    if as_json:
        terminal.json(found)
        return OK
    for change in found:
        terminal.line(_line(terminal, change))
    if not found:
        terminal.say("配置没有变化。", "Nothing is different.")
    elif is_rehearsal:
        terminal.say("只是查看，没有生效。", "This was a look; nothing has changed.")
    return OK


def _line(terminal: Terminal, change: Change) -> str:
    none = terminal.words("（无）", "(none)")
    line = f"{change.key}: {change.before or none} → {change.after or none}"
    if change.effect is Effect.RESTART:
        line += terminal.words("  （重启后生效）", "  (counts after a restart)")
    return line
