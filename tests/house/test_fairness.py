"""A chat that floods the house costs the others nothing; a recall overtakes what is queued."""

import asyncio
from collections.abc import AsyncGenerator

from posthouse.channels.channel import Part, Verb
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Send
from posthouse.model.address import Chat
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Outcome
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from posthouse.settings.settings import GatewaySettings
from posthouse.testing.null_channel import ScriptedChannel
from tests.house.kit import HouseKit, Scripted, opened, simulated
from tests.house.people import BOT

OTHERS = 50
FLOOD_PER_S, FLOOD_S = 100, 10
CALL_S = 0.05
QUEUED = 1000


class Timed(ScriptedChannel):
    """A platform that takes its time, and remembers when it was asked."""

    def __init__(self) -> None:
        super().__init__(capabilities=Capabilities(can_recall=True, resend_key_window_s=3600.0))
        self.asked_at: list[tuple[float, Verb, str]] = []

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        at = asyncio.get_running_loop().time()
        self.asked_at.append((at, part.verb, part.body.decode()))
        await asyncio.sleep(CALL_S)
        return await super().perform(part, chat)

    def first(self, verb: Verb, since_at: float) -> float:
        return min(at for at, seen, _ in self.asked_at if seen is verb and at >= since_at)


async def talk(house: HouseKit, room: str, messages: int, each_s: float) -> None:
    for number in range(messages):
        await house.say(f"{room}/{number}@{house.clock()}", room=room, who=room)
        await asyncio.sleep(each_s)


async def p99_s(*, is_flooded: bool) -> float:
    """Return the 99th percentile of how long others wait from asking to being answered."""
    platform = Timed()
    house = await opened(
        bots={BOT: platform},
        handler=Scripted(echo, session_queue_max=10_000),
        gateway=GatewaySettings(turns_max=12, sends_max=12),
    )
    people = [talk(house, f"room{number}", FLOOD_S, 1.0) for number in range(OTHERS)]
    if is_flooded:
        people.append(talk(house, "flooded", FLOOD_S * FLOOD_PER_S, 1 / FLOOD_PER_S))
    await asyncio.gather(*people)
    await house.quiet(60.0)
    waits_s = sorted(
        at - float(words.rpartition("@")[2].rstrip('"}'))
        for at, _, words in platform.asked_at
        if "re room" in words
    )
    assert len(waits_s) == OTHERS * FLOOD_S
    return waits_s[int(len(waits_s) * 0.99)]


async def echo(turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
    await context.sleep(0.1)
    yield Send(Content(f"re {turn.text}"))


@simulated
async def test_others_wait_no_longer_beside_a_flooding_chat() -> None:
    quiet_s = await p99_s(is_flooded=False)
    assert await p99_s(is_flooded=True) <= 1.2 * quiet_s


@simulated
async def test_a_recall_overtakes_a_thousand_messages_of_its_chat() -> None:
    async def many(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        for number in range(QUEUED):
            yield Send(Content(f"{number}"))

    platform = Timed()
    house = await opened(bots={BOT: platform}, handler=Scripted(many))
    await house.say("go on")
    await asyncio.sleep(1.0)
    sent = len(platform.asked_at)
    assert 0 < sent < QUEUED / 2
    asked_at = house.clock()
    await house.say("撤回")
    await house.quiet()
    assert platform.first(Verb.RECALL, asked_at) - asked_at <= 0.2
    (report,) = await house.texts()
    assert report.startswith("Took back")
    assert len([1 for _, verb, _ in platform.asked_at if verb is Verb.RECALL]) <= sent + 1


@simulated
async def test_after_a_restart_a_recall_reaches_everything_that_was_said() -> None:
    async def many(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        for number in range(100):
            yield Send(Content(f"{turn.text} {number}"))

    platform = Timed()
    house = await opened(bots={BOT: platform}, handler=Scripted(many))
    for words in ("a", "b"):
        await house.say(words)
        await house.quiet(60.0)
        await house.restart()
    assert len(await house.texts()) == 200
    await house.say("撤回")
    await house.quiet(300.0)
    assert await house.texts() == ("Took back 200.",)
    await house.check()
