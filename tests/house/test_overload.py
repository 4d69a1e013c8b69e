"""Above the limit of a session events are accepted, refused, and told about once per episode."""

from tests.house.kit import Scripted, opened, simulated, thinking

TOLD = "Your earlier messages are still being worked on; please send this one again later."


@simulated
async def test_who_floods_is_told_once_and_others_are_served() -> None:
    handler = Scripted(thinking(10.0), session_queue_max=3)
    house = await opened(handler=handler)
    messages = [await house.say(str(number)) for number in range(8)]
    await house.say("x", who="ben")
    await house.quiet(5.0)
    assert [await house.reason(message) for message in messages].count("overload") >= 4
    await house.quiet(300.0)
    texts = await house.texts()
    assert texts.count(TOLD) == 1
    assert "re x" in texts
    answered = [text for text in texts if text not in {TOLD, "re x"}]
    assert answered == ["re 0", "re 1", "re 2", "re 3"]  # one at once, three that waited
    await house.check()


@simulated
async def test_the_sentence_does_not_wait() -> None:
    house = await opened(handler=Scripted(thinking(100.0), session_queue_max=1))
    await house.say("1")
    await house.quiet(1.0)
    await house.say("2")
    await house.say("3")
    await house.quiet(0.5)
    assert await house.texts() == (TOLD,)


@simulated
async def test_the_next_episode_is_told_again() -> None:
    house = await opened(handler=Scripted(thinking(10.0), session_queue_max=2))
    for _ in range(2):
        for number in range(5):
            await house.say(str(number))
        await house.quiet(300.0)
    assert (await house.texts()).count(TOLD) == 2
