"""What was said can be taken back: by a word, or by taking back the question."""

import pytest

from posthouse.model.address import ChatKind, Role
from posthouse.model.capabilities import Capabilities
from posthouse.settings.settings import WordsSettings
from posthouse.testing.null_channel import ARRIVED_UNKNOWN, LOST_UNKNOWN, REFUSED
from tests.house.kit import HouseKit, Scripted, opened, simulated, thinking
from tests.house.people import recalled, said

RECALLABLE = Capabilities(can_recall=True, resend_key_window_s=3600.0)
FORGETFUL = Capabilities(can_recall=True)  # no key: what is unclear stays so


async def taken_back(house: HouseKit, **who: object) -> str:
    """Say the recall word; returns what the house reports."""
    before = set(await house.texts())
    await house.say("撤回", **who)
    await house.quiet()
    (report,) = set(await house.texts()) - before
    return report


# --- by a word ----------------------------------------------------------------------------


@simulated
async def test_what_was_sent_is_taken_back_and_counted() -> None:
    house = await opened(can=RECALLABLE)
    await house.say("1")
    await house.say("2")
    await house.quiet()
    assert await taken_back(house) == "Took back 2."
    assert await house.texts() == ("Took back 2.",)
    await house.check()


@simulated
async def test_in_chinese_as_well() -> None:
    house = await opened(can=RECALLABLE)
    chat = await house.chat()
    await house.store.chats.set_language(chat.id, "zh")
    await house.say("1")
    await house.quiet()
    assert await taken_back(house) == "已撤回 1 条。"


@simulated
async def test_what_waits_to_be_sent_is_dropped() -> None:
    house = await opened(can=RECALLABLE)
    bot = house.bots["b"]
    bot.hold()
    await house.say("1")
    await house.say("2")
    await house.say("3")
    await house.quiet(1.0)
    assert len(bot.in_flight) == 1
    await house.say("撤回")
    await house.quiet(1.0)
    bot.release()
    await house.quiet()
    # The one on its way arrives first, and is then taken back.
    assert await house.texts() == ("Took back 1, dropped 2 before sending.",)
    await house.check()


@simulated
async def test_what_is_being_answered_is_stopped() -> None:
    house = await opened(can=RECALLABLE, handler=Scripted(thinking(10.0)))
    await house.say("1")
    await house.quiet(5.0)
    assert await taken_back(house) == "Stopped 1 answers in the making."


@simulated
async def test_what_the_platform_keeps_is_named_with_its_reason() -> None:
    house = await opened(can=RECALLABLE, script=[None, REFUSED])
    await house.say("1")
    await house.quiet()
    report = await taken_back(house)
    assert report == "1 could not be taken back (the platform refused it)."
    assert await house.texts() == ("re 1", report)


@pytest.mark.parametrize(
    ("can", "report"),
    [
        (RECALLABLE, "Took back 2."),
        (Capabilities(resend_key_window_s=3600.0), "2 could not be taken back"),
    ],
)
@simulated
async def test_the_report_comes_as_soon_as_the_last_outcome_is_known(
    can: Capabilities, report: str
) -> None:
    house = await opened(can=can)
    bot = house.bots["b"]
    await house.say("1")
    await house.quiet(5.0)
    bot.hold()
    await house.say("2")
    await house.quiet(0.2)
    await house.say("撤回")
    await house.quiet(5.0)
    bot.release()
    await house.quiet(0.5)
    assert (await house.texts())[-1].startswith(report)


@simulated
async def test_what_cannot_be_taken_back_at_all_is_said() -> None:
    house = await opened(can=Capabilities(resend_key_window_s=3600.0))
    await house.say("1")
    await house.quiet()
    assert "cannot take messages back" in await taken_back(house)


@simulated
async def test_what_is_too_old_for_the_platform_is_said() -> None:
    can = Capabilities(can_recall=True, recall_window_s=120.0)
    house = await opened(can=can)
    await house.say("1")
    await house.quiet(200.0)
    assert "too late" in await taken_back(house)


@simulated
async def test_what_may_or_may_not_have_arrived_is_named() -> None:
    house = await opened(can=FORGETFUL, script=[LOST_UNKNOWN, LOST_UNKNOWN])
    await house.say("1")
    await house.quiet(300.0)
    assert "1 may or may not have arrived" in await taken_back(house)


@simulated
async def test_of_a_message_that_may_be_doubled_the_unclear_copy_is_named() -> None:
    house = await opened(can=FORGETFUL, script=[ARRIVED_UNKNOWN])
    await house.say("1")
    await house.quiet(300.0)
    assert await house.texts() == ("re 1", "re 1")
    report = await taken_back(house)
    assert report.startswith("Took back 1, 1 may or may not have arrived")
    assert await house.texts() == ("re 1", report)


@simulated
async def test_what_is_unclear_at_that_moment_is_acted_on_when_it_is_clear() -> None:
    house = await opened(can=RECALLABLE, script=[ARRIVED_UNKNOWN])
    await house.say("1")
    await house.quiet(0.5)
    assert await house.texts() == ("re 1",)
    await house.say("撤回")
    await house.quiet()
    assert await house.texts() == ("Took back 1.",)


@simulated
async def test_everybody_takes_back_what_was_said_to_them() -> None:
    house = await opened(can=RECALLABLE)
    await house.say("a", who="ann")
    await house.say("b", who="ben")
    await house.quiet()
    await taken_back(house, who="ann")
    assert "re b" in await house.texts()
    assert "re a" not in await house.texts()


@simulated
async def test_whoever_runs_the_group_takes_everything_back() -> None:
    house = await opened(can=RECALLABLE)
    await house.say("a", who="ann")
    await house.say("b", who="ben")
    await house.quiet()
    assert await taken_back(house, who="boss", role=Role.OWNER) == "Took back 2."


@simulated
async def test_in_a_private_chat_everything_is_ones_own() -> None:
    house = await opened(can=RECALLABLE)
    await house.say("a", room="private", kind=ChatKind.PRIVATE)
    await house.quiet()
    await house.say("撤回", room="private", kind=ChatKind.PRIVATE)
    await house.quiet()
    assert await house.texts("private") == ("Took back 1.",)


@simulated
async def test_other_chats_are_left_alone() -> None:
    house = await opened(can=RECALLABLE)
    await house.say("a", room="other")
    await house.quiet()
    assert await taken_back(house) == "There is nothing to take back."
    assert await house.texts("other") == ("re a",)


@simulated
async def test_only_what_is_recent_enough() -> None:
    house = await opened(can=RECALLABLE, words=WordsSettings(recall_within_s=3600.0))
    await house.say("old")
    await house.quiet(3600.0)
    await house.say("young")
    await house.quiet(60.0)
    assert await taken_back(house) == "Took back 1."
    assert "re old" in await house.texts()


@simulated
async def test_a_restart_forgets_nothing_of_it() -> None:
    house = await opened(can=RECALLABLE)
    await house.say("1")
    await house.quiet()
    await house.restart()
    assert await taken_back(house) == "Took back 1."


@simulated
async def test_a_crash_in_the_middle_of_a_recall_does_not_end_it() -> None:
    house = await opened(can=RECALLABLE)
    for number in range(5):
        await house.say(str(number))
    await house.quiet()
    house.dies_at = "amend:after"
    await house.say("撤回")
    await house.quiet(5.0)
    await house.restart()
    await house.quiet()
    assert await house.texts() == ("Took back 5.",)
    await house.check()


@simulated
async def test_saying_it_twice_takes_nothing_back_twice() -> None:
    house = await opened(can=RECALLABLE)
    await house.say("1")
    await house.quiet()
    await house.say("撤回")
    await house.say("撤回")
    await house.quiet()
    recalls = [call for call in house.bots["b"].calls if call.part.verb == "recall"]
    assert len(recalls) == 1
    assert "Took back 1." in await house.texts()


# --- by taking back the question ----------------------------------------------------------


@simulated
async def test_a_question_that_waits_is_not_answered() -> None:
    handler = Scripted(thinking(10.0))
    house = await opened(can=RECALLABLE, handler=handler)
    await house.say("1")
    second = await house.say("2")
    await house.accept(recalled(second, at=house.clock()))
    await house.quiet()
    assert handler.seen == ["1"]
    assert await house.texts() == ("re 1",)
    assert await house.reason(second) == "recalled"
    await house.check()


@simulated
async def test_a_question_that_is_being_answered_is_given_up() -> None:
    house = await opened(can=RECALLABLE, handler=Scripted(thinking(10.0)))
    message = await house.say("1")
    await house.quiet(5.0)
    await house.accept(recalled(message, at=house.clock()))
    await house.quiet()
    assert await house.texts() == ()
    assert await house.reason(message) == "recalled"


@simulated
async def test_an_answer_goes_with_its_question() -> None:
    house = await opened(can=RECALLABLE)
    message = await house.say("1")
    await house.say("2")
    await house.quiet()
    await house.accept(recalled(message, at=house.clock()))
    await house.quiet()
    assert await house.texts() == ("re 2",)
    await house.check()


@simulated
async def test_one_of_several_questions_leaves_the_others() -> None:
    handler = Scripted(thinking(0.0), burst_s=5.0)
    house = await opened(can=RECALLABLE, handler=handler)
    first = await house.say("1")
    await house.say("2")
    await house.accept(recalled(first, at=house.clock()))
    await house.quiet()
    assert await house.texts() == ("re 2",)


@simulated
async def test_one_of_several_questions_that_are_being_answered_starts_again_without_it() -> None:
    handler = Scripted(thinking(10.0), burst_s=1.0)
    house = await opened(can=RECALLABLE, handler=handler)
    first = await house.say("1")
    await house.say("2")
    await house.quiet(5.0)
    await house.accept(recalled(first, at=house.clock()))
    await house.quiet()
    assert handler.seen == ["1\n2", "2"]
    assert await house.texts() == ("re 2",)
    await house.check()


@simulated
async def test_a_recall_that_comes_first_keeps_its_message_from_being_answered() -> None:
    house = await opened(can=RECALLABLE)
    message = said("1", at=house.clock())
    await house.accept(recalled(message))
    await house.quiet(5.0)
    await house.accept(message)
    await house.quiet()
    assert await house.texts() == ()
    assert await house.reason(message) == "recalled_early"


@simulated
async def test_an_answer_on_its_way_goes_with_its_question() -> None:
    house = await opened(can=RECALLABLE)
    bot = house.bots["b"]
    bot.hold()
    message = await house.say("1")
    await house.quiet(1.0)
    await house.accept(recalled(message, at=house.clock()))
    await house.quiet(1.0)
    bot.release()
    await house.quiet()
    assert await house.texts() == ()
    await house.check()
