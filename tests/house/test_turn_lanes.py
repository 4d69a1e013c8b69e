"""Turns of one session run one at a time, in order; different sessions side by side."""

from tests.house.kit import opened, simulated


@simulated
async def test_an_answer() -> None:
    house = await opened()
    message = await house.say("hello")
    await house.quiet()
    assert await house.texts() == ("re hello",)
    assert await house.reason(message) == "answered"
    await house.check()
