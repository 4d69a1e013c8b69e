"""``posthouse why``: what became of a message, and what needs somebody's attention."""

from __future__ import annotations

from posthouse.api.desk import TROUBLE, WHY, Found, Nothing, Trouble, Why
from posthouse.cli.house import counter_of
from posthouse.cli.roads import STATES, describe, verdict
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.model.reasons import explain
from posthouse.settings.settings import Settings
from posthouse.settings.zone import zone_of


async def why(settings: Settings, what: str, limit: int, *, as_json: bool) -> int:
    """Show the road of a message or the newest of a chat; without ``what``, what is in trouble."""
    async with counter_of(settings) as house:
        if not what:
            return _show_trouble(await house.ask(TROUBLE, Nothing()), as_json=as_json)
        found = await house.ask(WHY, Why(what, limit))
    if as_json:
        Terminal().json({"roads": found.roads, "verdicts": tuple(map(verdict, found.roads))})
    else:
        _show(found, what, settings)
    return OK if found.roads else PROBLEM_FOUND


def _show(found: Found, what: str, settings: Settings) -> None:
    terminal = Terminal()
    zone = zone_of(settings.timezone)
    for road in reversed(found.roads):  # the newest stands last, where the eye is
        chat = found.chats.get(road.event.chat)
        terminal.line("\n".join(describe(road, chat, terminal.language, zone)))
    if not found.roads:
        terminal.say(
            f"册子里没有“{what}”。可用：消息编号、平台的消息 id、群名，或 chat:3。"
            "若消息根本没有到达，请看 posthouse doctor。",
            f"The book knows no “{what}”. Give a number, the platform's message id, a chat's title,"
            " or chat:3. If nothing arrived at all, see `posthouse doctor`.",
        )


def _show_trouble(trouble: Trouble, *, as_json: bool) -> int:
    terminal = Terminal()
    if as_json:
        terminal.json(trouble)
    elif not (trouble.deliveries or trouble.turns):
        terminal.say("没有需要处理的消息。", "Nothing needs attention.")
    for turn in () if as_json else trouble.turns:
        reason = explain(turn.reason, terminal.language)
        terminal.say(
            f"第 {turn.id} 轮（{turn.handler}）：{reason} · 修复后：posthouse db revive {turn.id}",
            f"turn {turn.id} ({turn.handler}): {reason} · mended? posthouse db revive {turn.id}",
        )
    for row in () if as_json else trouble.deliveries:
        delivery = row.delivery
        state = STATES[delivery.state](terminal.language)
        reason = explain(delivery.reason, terminal.language)
        terminal.line(f"{delivery.bot} · chat:{delivery.chat} · {state}: {reason} · “{row.text}”")
    return PROBLEM_FOUND if trouble.deliveries or trouble.turns else OK
