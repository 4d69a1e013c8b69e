"""A reply to the bot speaks to it, also where the platform only names the message."""

from posthouse.model.message import Quote, Text
from tests.house.kit import opened, simulated


async def replied(*, to_the_bot: bool) -> tuple[str, ...]:
    """What a chat shows after somebody replied to a message in it, without a mention."""
    house = await opened()
    hello = await house.say("hello")
    await house.quiet(5.0)
    (answer,) = (await house.road(hello)).deliveries
    (its_id,) = answer.delivery.platform_ids
    await house.restart()  # the book remembers, not the process
    quote = Quote(its_id if to_the_bot else hello.message_id)
    await house.say("and this?", is_addressed=False, parts=(quote, Text("and this?")))
    await house.quiet(5.0)
    await house.check()
    return await house.texts()


@simulated
async def test_a_reply_to_the_bot_is_answered() -> None:
    assert await replied(to_the_bot=True) == ("re hello", "re and this?")


@simulated
async def test_a_reply_to_somebody_else_is_not() -> None:
    assert await replied(to_the_bot=False) == ("re hello",)
