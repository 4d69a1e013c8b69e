"""A restored house listens and says nothing before an operator has looked; a bot may only send."""

from collections.abc import AsyncGenerator

import pytest

from posthouse.handlers.handler import Handler, TurnContext
from posthouse.model.action import Action, Send, Typing
from posthouse.model.delivery import NotSent
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from posthouse.settings.settings import BotSettings
from posthouse.store.holding import Decision
from posthouse.testing.null_channel import Answer
from tests.house.kit import HouseKit, Scripted, closed, echo, opened, simulated
from tests.house.people import edited, pressed, said
from tests.house.test_drafts import aloud

DAY_S = 24 * 3600.0


async def restored(handler: Handler | None = None) -> HouseKit:
    """A house on a snapshot that was taken just now."""
    house = closed(handler=handler)
    await open_held(house)
    return house


async def open_held(house: HouseKit) -> None:
    house.store._reading.connection.execute(
        "UPDATE house SET is_held = 1, snapshot_at = ?", (house.clock(),)
    )
    await house.open()
    await house.quiet(1.0)


@simulated
async def test_nothing_is_said_until_somebody_releases_the_house() -> None:
    house = await restored()
    await house.say("1")
    await house.say("2", room="other")
    await house.quiet(3600.0)
    assert house.bots["b"].calls == []
    held = await house.store.holding.held()
    assert [row.text for row in held] == ["re 1", "re 2"]
    await house.store.holding.release()
    await house.quiet()
    assert await house.texts() == ("re 1",)
    assert await house.texts("other") == ("re 2",)
    await house.check()


@simulated
async def test_a_held_house_shows_no_typing_sign() -> None:
    async def types(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        yield Typing()
        yield Send(Content(f"re {turn.text}"))

    house = await restored(Scripted(types))
    await house.say("1")
    await house.quiet(60.0)
    assert house.bots["b"].calls == []
    await house.store.holding.release()
    await house.say("2")
    await house.quiet()
    assert len(house.bots["b"].calls) == 3
    assert await house.texts() == ("re 1", "re 2")


@simulated
async def test_a_held_house_takes_nothing_back_and_rewrites_nothing() -> None:
    house = await opened()
    await house.say("1")
    second = await house.say("2", room="other")
    await house.quiet(60.0)
    await house.crash()
    before = len(house.bots["b"].calls)
    await open_held(house)
    await house.say("撤回")
    await house.accept(edited(second, "two", at=house.clock()))
    await house.quiet(3600.0)
    assert len(house.bots["b"].calls) == before
    await house.store.holding.release()
    await house.quiet()
    assert await house.texts() == ("Took back 1.",)
    assert await house.texts("other") == ("re two",)


@pytest.mark.parametrize(
    ("decision", "texts"), [(Decision.SEND, ("the answer",)), (Decision.DROP, ())]
)
@simulated
async def test_a_growing_answer_is_one_message_to_decide_about(
    decision: Decision, texts: tuple[str, ...]
) -> None:
    house = await restored(Scripted(aloud))
    await house.say("1")
    await house.quiet(60.0)
    (held,) = await house.store.holding.held()
    assert held.text == "the answer"
    assert await house.store.holding.decide(decision, (held.id,), house.clock()) == 1
    assert not (await house.store.holding.house()).is_held
    await house.quiet()
    assert await house.texts() == texts
    await house.check()


@simulated
async def test_what_was_tried_before_an_old_backup_is_sent_when_an_operator_says_so() -> None:
    cannot_reach = Answer(NotSent("cannot_reach", retry_after_s=60.0))
    house = await opened(script=[cannot_reach])
    await house.say("1")
    await house.quiet(5.0)
    await house.crash()
    await house.quiet(2 * DAY_S)
    await open_held(house)
    assert await house.store.holding.decide(Decision.SEND, None, house.clock()) == 1
    await house.quiet()
    assert await house.texts() == ("re 1",)


@simulated
async def test_an_operator_decides_about_each_of_them() -> None:
    house = await restored()
    for number in range(3):
        await house.say(str(number))
    await house.quiet(60.0)
    first, second, third = [row.id for row in await house.store.holding.held()]
    await house.store.holding.decide(Decision.SENT, (first,), house.clock())
    await house.store.holding.decide(Decision.DROP, (second,), house.clock())
    await house.store.holding.decide(Decision.SEND, (third,), house.clock())
    await house.quiet()
    assert await house.texts() == ("re 2",)
    await house.check()


@simulated
async def test_what_is_delivered_again_from_before_the_snapshot_is_not_answered() -> None:
    handler = Scripted(echo)
    house = await restored(handler=handler)
    old = said("old", at=house.clock() - 60.0)
    await house.accept(old, pressed("nonsense00", at=house.clock() - 60.0))
    await house.say("new")
    await house.quiet(60.0)
    assert handler.seen == ["new"]
    assert await house.reason(old) == "restored"


@simulated
async def test_a_held_house_does_not_ask_the_store_again_and_again() -> None:
    house = await restored()
    await house.say("1")
    await house.quiet(60.0)
    calls = 0

    async def count(_: str) -> None:
        nonlocal calls
        calls += 1

    house.troubles = count
    await house.quiet(60.0)
    assert calls < 200


@simulated
async def test_a_bot_that_only_sends_answers_nothing() -> None:
    house = closed()
    bots = {"b": BotSettings(channel="scripted", send_only=True)}
    house.settings = house.settings.model_copy(update={"bots": bots})
    await house.open()
    message = await house.say("hello")
    await house.quiet()
    assert await house.texts() == ()
    assert await house.reason(message) == "send_only"


@simulated
async def test_what_nobody_puts_into_a_group_is_kept_with_its_reason() -> None:
    house = await opened()
    message = await house.say("gossip", is_addressed=False)
    await house.quiet()
    assert await house.reason(message) == "not_addressed"
