"""Limits lengthen the wait, never drop: per chat, per bot, and what the platform asks for."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise

from msgspec.structs import replace

from posthouse.channels.channel import Part, Verb
from posthouse.gateway.deliverer import TYPING_MAX
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Send, Typing
from posthouse.model.address import Chat
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import NotSent, Outcome, Sent
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from posthouse.testing.null_channel import Answer, ScriptedChannel
from tests.house.kit import HouseKit, Scripted, opened, simulated
from tests.house.people import edited

KEYED = Capabilities(resend_key_window_s=3600.0, can_recall=True)


class Timed(ScriptedChannel):
    """Remembers when it was called."""

    def __init__(self, script: tuple[Answer, ...], capabilities: Capabilities) -> None:
        super().__init__(script, capabilities)
        self.at: list[float] = []

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        self.at.append(asyncio.get_running_loop().time())
        return await super().perform(part, chat)


async def timed(can: Capabilities, *script: Answer) -> tuple[HouseKit, Timed]:
    platform = Timed(script, can)
    return await opened(bots={"b": platform}), platform


@simulated
async def test_a_chat_is_not_written_to_faster_than_its_platform_allows() -> None:
    house, platform = await timed(replace(KEYED, chat_sends_per_s=0.5))
    for number in range(5):
        await house.say(str(number))
    await house.quiet()
    gaps = [after - before for before, after in pairwise(platform.at)]
    assert len(gaps) == 4
    assert min(gaps) >= 2.0
    assert await house.texts() == tuple(f"re {number}" for number in range(5))


@simulated
async def test_a_chat_that_was_idle_is_still_paced() -> None:
    house, platform = await timed(replace(KEYED, chat_sends_per_s=0.1))
    await house.say("1")
    await house.quiet(2.0)
    await house.say("2")
    await house.quiet()
    assert platform.at[1] - platform.at[0] >= 10.0


@simulated
async def test_a_bot_is_not_faster_than_its_platform_allows_in_all_chats_together() -> None:
    house, platform = await timed(replace(KEYED, bot_sends_per_s=5.0))
    for number in range(50):
        await house.say("x", room=f"room{number}")
    await house.quiet(4.0)
    assert 15 <= len(platform.at) <= 26
    await house.quiet()
    assert len(platform.at) == 50


@simulated
async def test_chats_are_paced_side_by_side() -> None:
    house, platform = await timed(replace(KEYED, chat_sends_per_s=1.0))
    for number in range(50):
        await house.say("x", room=f"room{number}")
    await house.quiet(1.0)
    assert len(platform.at) == 50


@simulated
async def test_a_platform_that_says_wait_is_obeyed_by_the_whole_bot() -> None:
    house, platform = await timed(KEYED, Answer(NotSent("rate_limited", retry_after_s=30.0)))
    await house.say("1")
    await house.quiet(1.0)
    await house.say("2", room="other")
    await house.quiet(25.0)
    assert len(platform.at) == 1
    await house.quiet(10.0)
    assert await house.texts() == ("re 1",)
    assert await house.texts("other") == ("re 2",)


@simulated
async def test_a_platform_may_ask_to_slow_down_for_a_day_and_gets_the_message_then() -> None:
    slow_down = Answer(NotSent("rate_limited", retry_after_s=600.0))
    house, platform = await timed(KEYED, *[slow_down] * 150)
    await house.say("1")
    await house.quiet(26 * 3600.0)
    assert len(platform.at) == 151
    assert await house.texts() == ("re 1",)


@simulated
async def test_a_withdrawal_may_be_slowed_down_for_hours_as_well() -> None:
    slow_down = Answer(NotSent("rate_limited", retry_after_s=60.0))
    house, _ = await timed(KEYED, Answer(Sent(("p0",))), *[slow_down] * 60)
    await house.say("1")
    await house.quiet(5.0)
    await house.say("撤回")
    await house.quiet(2 * 3600.0)
    assert await house.texts() == ("Took back 1.",)


@simulated
async def test_an_edit_may_be_slowed_down_for_hours_as_well() -> None:
    slow_down = Answer(NotSent("rate_limited", retry_after_s=60.0))
    can = replace(KEYED, can_edit=True)
    house, _ = await timed(can, Answer(Sent(("p0",))), *[slow_down] * 60)
    message = await house.say("1")
    await house.quiet(5.0)
    await house.accept(edited(message, "one", at=house.clock()))
    await house.quiet(6 * 3600.0)
    assert await house.texts() == ("re one",)


@simulated
async def test_typing_signs_that_hang_do_not_pile_up() -> None:
    async def types(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
        yield Typing()
        yield Send(Content("done"))

    house = await opened(handler=Scripted(types), can=KEYED)
    house.bots["b"].hold()
    for number in range(TYPING_MAX + 50):
        await house.say("x", room=f"room{number}")
    await house.quiet(5.0)
    signs = [part for part in house.bots["b"].in_flight if part.verb is Verb.TYPING]
    assert len(signs) == TYPING_MAX


@simulated
async def test_the_wait_of_a_chat_outlives_the_process() -> None:
    house, platform = await timed(KEYED, Answer(NotSent("rate_limited", retry_after_s=60.0)))
    await house.say("1")
    await house.quiet(1.0)
    await house.restart()
    await house.quiet(50.0)
    assert len(platform.at) == 1
    await house.quiet(15.0)
    assert await house.texts() == ("re 1",)
