"""A restored house listens and says nothing before an operator has looked; a bot may only send."""

from posthouse.handlers.handler import Handler
from posthouse.settings.settings import BotSettings
from posthouse.store.holding import Decision
from tests.house.kit import HouseKit, Scripted, closed, echo, opened, simulated
from tests.house.people import pressed, said


async def restored(handler: Handler | None = None) -> HouseKit:
    """A house on a snapshot that was taken just now."""
    house = closed(handler=handler)
    house.store._reading.connection.execute(
        "UPDATE house SET is_held = 1, snapshot_at = ?", (house.clock(),)
    )
    await house.open()
    await house.quiet(1.0)
    return house


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
