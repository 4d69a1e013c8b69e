"""``posthouse import xbot``: the permissions of an XBot become lines of the book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from msgspec import Struct

from posthouse.api.permission_tasks import WRITE, Write
from posthouse.cli.house import counter_of
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.gateway.grant_words import COMMANDS, describe
from posthouse.model.permission import ANY, Effect, Field, Subject, SubjectKind
from posthouse.settings.settings import Settings
from posthouse.settings.zone import zone_of
from posthouse.store.grants import NewGrant
from posthouse.store.xbot import XBotRow, read_permissions

AUTHOR = "import:xbot"
MILLISECONDS_FROM = 1e11  # as seconds, that would be the year 5138


class Read(Struct, frozen=True, kw_only=True):
    """What an import would do."""

    lines: tuple[NewGrant, ...]  # expired ones too: people are then told why, and since when
    expired: tuple[NewGrant, ...]
    unreadable: tuple[XBotRow, ...]  # left out: nobody is allowed anything by mistake


def read(rows: Sequence[XBotRow], bot: str, zone: tzinfo, now: float) -> Read:
    """Turn XBot's lines into ours.

    XBot's rules: ``*`` as command means everything, whatever the sub-command says; ``*`` as
    sub-command means every one of the command. Its dates, which it never looked at, count here.

    Args:
        rows: its table.
        bot: for which bot the lines are.
        zone: where its dates were meant.
        now: tells which are over.
    """
    latest: dict[tuple[Subject, Field], NewGrant] = {}
    unreadable: list[XBotRow] = []
    for row in rows:
        until_at = ends_at(row.valid_until, zone)
        if until_at is None or not (row.username.strip() and row.cmd.strip()):
            unreadable.append(row)
            continue
        line = NewGrant(
            effect=Effect.ALLOW,
            subject=Subject(SubjectKind.PERSON, row.username.strip()),
            field=_field(row, bot),
            until_at=until_at,
            note=f"XBot {row.id}",
        )
        known = latest.get((line.subject, line.field))
        if known is None or known.until_at is None or known.until_at < until_at:
            latest[line.subject, line.field] = line
    lines = tuple(latest.values())
    expired = tuple(line for line in lines if line.until_at is not None and line.until_at <= now)
    return Read(lines=lines, expired=expired, unreadable=tuple(unreadable))


def _field(row: XBotRow, bot: str) -> Field:
    scene, command = row.cmd.strip(), row.subcmd.strip() or ANY
    command = ANY if scene == ANY else command
    return Field(bot=bot, handler=COMMANDS, scene=scene, command=command)


def ends_at(written: object, zone: tzinfo) -> float | None:
    """Read XBot's ``valid_until``: milliseconds, seconds or a date; None when it is none of them.

    A date without a time lasts to its end.
    """
    text = str(written).strip()
    try:
        number = float(text)
    except ValueError:
        return _date_ends_at(text, zone)
    seconds = number / 1000 if number >= MILLISECONDS_FROM else number
    return seconds if 0 < seconds < MILLISECONDS_FROM else None


def _date_ends_at(text: str, zone: tzinfo) -> float | None:
    try:
        at = datetime.fromisoformat(text.replace("/", "-"))
        whole_day = timedelta(days=1) if len(text) <= len("2026-12-01") else timedelta()
        return ((at if at.tzinfo else at.replace(tzinfo=zone)) + whole_day).timestamp()
    except (ValueError, OverflowError):
        return None


async def import_xbot(settings: Settings, path: Path, bot: str, now: float, *, is_dry: bool) -> int:
    """Import the file, or say what that would do."""
    zone = zone_of(settings.timezone)
    found = read(read_permissions(path), bot, zone, now)
    terminal = Terminal()
    if not is_dry:
        async with counter_of(settings) as house:
            await house.ask(WRITE, Write(found.lines, AUTHOR))
    _show(terminal, found, zone, is_dry=is_dry)
    return PROBLEM_FOUND if found.unreadable else OK


def _show(terminal: Terminal, found: Read, zone: tzinfo, *, is_dry: bool) -> None:
    for line in found.lines if is_dry else ():
        terminal.line(f"  {_describe(line, zone)}")
    count = len(found.lines)
    if is_dry:
        terminal.say(f"将导入 {count} 条（未写入）。", f"{count} would be imported (not done).")
    else:
        terminal.say(f"已导入 {count} 条。", f"{count} imported.")
    if found.expired:
        terminal.say(
            f"其中 {len(found.expired)} 条已过期（XBot 从不检查日期），在这里不再有效：",
            f"{len(found.expired)} of them are over (XBot never looked) and allow nothing here:",
        )
    for line in found.expired:
        terminal.line(f"  {_describe(line, zone)}")
    if found.unreadable:
        terminal.warn(
            f"{len(found.unreadable)} 条看不懂，没有导入：",
            f"{len(found.unreadable)} could not be read and were left out:",
        )
    for row in found.unreadable:
        text = f"  {row.id} {row.username} {row.cmd} {row.subcmd} {row.valid_until}"
        terminal.warn(text, text)


def _describe(line: NewGrant, zone: tzinfo) -> str:
    until = datetime.fromtimestamp(line.until_at or 0, zone)
    return f"{line.subject} {describe(line.field)} {until:%Y-%m-%d %H:%M}"
