"""``posthouse held``: what a restored house would say, and what is done with it."""

from __future__ import annotations

from datetime import datetime

from posthouse.api.desk import DECIDE, HELD, Decide, Held, Nothing
from posthouse.cli.house import counter_of
from posthouse.cli.roads import STATES, short
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.settings.settings import Settings
from posthouse.settings.zone import zone_of
from posthouse.store.holding import Decision


async def show_held(settings: Settings, *, as_json: bool) -> int:
    """List what waits for a decision."""
    async with counter_of(settings) as house:
        held = await house.ask(HELD, Nothing())
    if as_json:
        Terminal().json(held)
    else:
        _show(held, settings)
    return OK


def _show(held: Held, settings: Settings) -> None:
    terminal = Terminal()
    if not held.house.is_held:
        terminal.say("没有扣留：消息照常发送。", "Nothing is held: messages are sent as usual.")
        return
    zone = zone_of(settings.timezone)
    for delivery in held.deliveries:
        at = datetime.fromtimestamp(delivery.queued_at, zone)
        state = STATES[delivery.state](terminal.language)
        where = f"{delivery.bot} · {delivery.chat_title or delivery.chat}"
        terminal.line(
            f"#{delivery.id}  {at:%Y-%m-%d %H:%M:%S %Z}  {where}  {state}  {short(delivery.text)}"
        )
    count = len(held.deliveries)
    terminal.say(
        f"扣留 {count} 条。逐条或 --all：held send（发送）、held drop（丢弃）、"
        "held sent（之前已发过）。全部处理后恢复正常。",
        f"{count} held. One by one or --all: held send, held drop, held sent (it had been sent"
        " before). When none is left, the house goes on as usual.",
    )


async def decide_held(
    settings: Settings, decision: Decision, deliveries: tuple[int, ...] | None
) -> int:
    """Decide about some deliveries, or about all (None)."""
    terminal = Terminal()
    async with counter_of(settings) as house:
        count = await house.ask(DECIDE, Decide(decision=decision, deliveries=deliveries))
        is_held = (await house.ask(HELD, Nothing())).house.is_held
    terminal.say(f"已处理 {count} 条。", f"{count} decided.")
    if is_held:
        terminal.say("还有扣留的消息：posthouse held list", "More are held: posthouse held list")
    else:
        terminal.say("扣留结束，恢复正常。", "The hold is over; the house goes on as usual.")
    return OK if count or deliveries is None else PROBLEM_FOUND
