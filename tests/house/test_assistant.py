"""The assistant in a house without a model: quotations, honest ignorance, silence."""

import pytest
from msgspec.structs import replace

from posthouse.handlers.trying import Concluded, Stage, Trial, Tries
from posthouse.model.address import ChatMode, Person
from posthouse.model.errors import NotThere, Refused
from posthouse.model.event import ReactionChanged
from posthouse.model.message import Image, Media, Text
from posthouse.store.asked import Verdict
from posthouse.store.conduct import Rule, Scope
from posthouse.testing.null_channel import CAPABILITIES
from tests.house.assisting import BASE, NAME, asked, listen, notes, opened, steps, tried
from tests.house.kit import HouseKit, simulated
from tests.house.people import edited, place, pressed, recalled

NO_BUTTONS = CAPABILITIES.__class__(can_edit=True, can_recall=True, has_markdown=True)
PORT = "Which port does it listen on?"
DOES_NOT_KNOW = "I don't know"


async def answer(house: HouseKit, text: str, **details: object) -> str:
    """Say something and return what the chat shows last."""
    await house.say(text, **details)
    await house.quiet(10.0)
    return ("", *await house.texts())[-1]


@simulated
async def test_an_answer_quotes_and_names_its_source() -> None:
    house = await opened()
    message = await house.say("Which port does it listen on?")
    await house.quiet(10.0)
    (said,) = await house.texts()
    assert "> The house listens on port 8350." in said
    assert "**Where it listens** [1]" in said
    assert "[1] Server › Where it listens · line 12 · https://docs.example/server" in said
    assert await house.reason(message) == "answered"
    (question,) = await asked(house)
    assert (question.reason, question.passages) == ("answered", (f"{BASE}:server.md#p1",))
    assert question.answer == said
    await house.check()


@simulated
async def test_the_language_is_that_of_the_question() -> None:
    house = await opened()
    said = await answer(house, "怎么撤回机器人的回答？")
    assert said.startswith("文档里是这样写的：")
    assert "[1] 撤回 · 第 3 页" in said


@simulated
async def test_a_fixed_answer_is_said_word_for_word() -> None:
    house = await opened()
    assert await answer(house, "how long does a refund take") == "Refunds take *exactly* five days."
    (question,) = await asked(house)
    assert question.passages == (f"{BASE}:faq#p3",)


@simulated
async def test_a_number_in_a_fixed_answer_can_be_called() -> None:
    house = await opened()
    assert await answer(house, "Whom do I call?") == "Call Ann: 13812345678."


@simulated
async def test_who_asks_what_nobody_knows_is_told_so() -> None:
    house = await opened()
    message = await house.say("What does lunch cost?")
    await house.quiet(10.0)
    (said,) = await house.texts()
    assert DOES_NOT_KNOW in said
    assert "“human”" in said
    assert await house.reason(message) == "not_in_knowledge"
    (open_question,) = await house.store.asked.open_questions()
    assert open_question.text == "What does lunch cost?"


@simulated
async def test_what_is_overheard_is_answered_only_when_sure() -> None:
    house = await opened()
    await listen(house)
    idle = await house.say("port of call is where we had lunch", is_addressed=False)
    await house.quiet(10.0)
    assert await house.texts() == ()
    assert (await house.reason(idle)).startswith("unsure 0.")
    assert "<0.60" in await house.reason(idle)
    noted = await notes(house, idle)
    assert noted["gate"].startswith("0.")
    sure = await answer(house, "house listens on port", is_addressed=False)
    assert "8350" in sure


@simulated
async def test_a_burst_is_one_question() -> None:
    house = await opened()
    await house.say("Hello")
    await house.quiet(1.0)
    await house.say("which port does it listen on?")
    await house.quiet(10.0)
    assert len(await house.texts()) == 1
    assert len(await asked(house)) == 1


@pytest.mark.parametrize("text", ["hello", "谢谢", "???", "好的！"])
@simulated
async def test_a_greeting_is_no_question(text: str) -> None:
    house = await opened()
    message = await house.say(text)
    await house.quiet(10.0)
    assert await house.reason(message) == "not_a_question"
    assert len(await house.texts()) == 1
    assert await asked(house) == ()


@simulated
async def test_a_follow_up_is_understood_by_the_question_before() -> None:
    house = await opened()
    await answer(house, "Which port does the house listen on?")
    assert "8350" in await answer(house, "and how do I change it?")


@simulated
async def test_what_is_overheard_leans_on_nothing() -> None:
    house = await opened()
    await answer(house, "house listens on port")
    await listen(house)
    message = await house.say("and then?", is_addressed=False)
    await house.quiet(10.0)
    assert "understood_as" not in await notes(house, message)
    assert len(await house.texts()) == 1


@simulated
async def test_nobody_sees_the_context_of_another() -> None:
    house = await opened()
    await answer(house, "Which port does the house listen on?", who="ann")
    assert DOES_NOT_KNOW in await answer(house, "and then?", who="ben")


@simulated
async def test_a_new_conversation_leans_on_nothing() -> None:
    house = await opened()
    await answer(house, "Which port does the house listen on?")
    await answer(house, "/new")
    assert DOES_NOT_KNOW in await answer(house, "and then?")


@simulated
async def test_an_edited_question_has_its_answer_edited() -> None:
    house = await opened()
    message = await house.say("Which port does it listen on?")
    await house.quiet(10.0)
    await house.accept(edited(message, "怎么撤回机器人的回答？", at=house.clock()))
    await house.quiet(10.0)
    (said,) = await house.texts()
    assert "撤回" in said
    assert "8350" not in said


@simulated
async def test_a_recalled_question_takes_its_answer_along() -> None:
    house = await opened()
    message = await house.say("Which port does it listen on?")
    await house.quiet(10.0)
    await house.accept(recalled(message, at=house.clock()))
    await house.quiet(10.0)
    assert await house.texts() == ()
    (label,) = await house.store.asked.labels(BASE)
    assert not label.is_wanted


@simulated
async def test_a_crash_asks_and_records_nothing_twice() -> None:
    house = await opened()
    await house.say("Which port does it listen on?")
    await house.quiet(1.0)
    await house.restart()
    await house.quiet(10.0)
    assert len(await house.texts()) == 1
    assert len(await asked(house)) == 1
    await house.check()


@simulated
async def test_in_the_shadow_it_decides_and_says_nothing() -> None:
    house = await opened()
    await listen(house, ChatMode.SHADOW)
    message = await house.say("Which port does it listen on?")
    await house.quiet(10.0)
    assert await house.texts() == ()
    assert await house.reason(message) == "shadow"
    assert "8350" in (await notes(house, message))["would_say"]


@simulated
async def test_a_trial_goes_the_same_way_and_leaves_no_trace() -> None:
    house = await opened(questions_per_day=1)
    await answer(house, "Which port does it listen on?")
    handler = house.handlers[NAME]
    assert isinstance(handler, Tries)
    chat = (await house.chat()).id
    before = (await asked(house), await house.store.chats.list(), await house.texts())
    trial = Trial(question="Which port does it listen on?", bot="b", chat=chat, person="ann")
    *stages, end = [each async for each in handler.attempt(trial)]
    assert [each.name for each in stages if isinstance(each, Stage)] == [
        "knowledge",
        "found",
        "gate",
    ]
    assert isinstance(end, Concluded)
    assert (end.reason, end.answer) == ("answered", (await house.texts())[0])
    assert [source.key for source in end.sources if source.is_cited] == [f"{BASE}:server.md#p1"]
    assert (await asked(house), await house.store.chats.list(), await house.texts()) == before


@simulated
async def test_a_trial_can_be_overheard_and_ask_other_bases() -> None:
    house = await opened()
    await house.store.documents.add_base("other", house.clock())
    overheard = Trial(question="port wine", is_addressed=False)
    elsewhere = Trial(question=PORT, bases=("other",), bases_beyond=("other",))
    for trial, reason in ((overheard, "unsure 0."), (elsewhere, "not_in_knowledge")):
        assert (await tried(house, trial)).reason.startswith(reason)


@simulated
async def test_a_trial_looks_only_where_the_rules_of_the_place_let_it() -> None:
    house = await opened(bases=())
    for base in (BASE, "secret"):
        await house.store.documents.add_base(base, house.clock())
    chat = (await house.chat()).id
    scope = Scope(handler=NAME, bot="b", chat=chat)
    await house.store.conduct.set_rule(scope, Rule(bases=(BASE,)), "cli", house.clock())
    here = Trial(question=PORT, bot="b", chat=chat)
    assert (await tried(house, replace(here, bases=(BASE,)))).bases == (BASE,)
    assert (await tried(house, replace(here, bases=()))).bases == (BASE,)
    for base in ("secret", "gone"):
        with pytest.raises(Refused, match=f"scope ask:base={base}") as refused:
            await tried(house, replace(here, bases=(BASE, base)))
        assert not isinstance(refused.value, NotThere), "whether it exists is not told"
    let_in = replace(here, bases=("secret",), bases_beyond=("secret",))
    assert (await tried(house, let_in)).bases == ("secret",)
    nowhere = Trial(question=PORT, bases=("secret",))
    assert (await tried(house, nowhere)).bases == ("secret",), "no rule is in force there"


async def hindrances(house: HouseKit, trial: Trial) -> list[str]:
    found = await steps(house, trial)
    return [each.value for each in found if isinstance(each, Stage) and each.name == "now"]


@simulated
async def test_a_trial_says_what_the_chat_would_not_be_told() -> None:
    house = await opened()
    await answer(house, PORT)
    chat = (await house.chat()).id
    scope = Scope(handler=NAME, bot="b", chat=chat)
    trial = Trial(question=PORT, bot="b", chat=chat, person="ann")
    assert (await tried(house, replace(trial, question="转人工"))).reason == "handed_off"
    assert await house.store.conduct.handoff(NAME, chat, "ann") is None, "nobody is called"
    assert await hindrances(house, trial) == []
    await house.store.conduct.set_rule(scope, Rule(hours="Mon 00:00-00:01"), "cli", house.clock())
    await answer(house, "转人工")
    assert await hindrances(house, trial) == ["handed_off", "out_of_hours"]
    assert (await tried(house, trial)).reason == "answered"


@simulated
async def test_a_base_that_is_not_there_is_said_so() -> None:
    house = await opened(bases=())
    with pytest.raises(NotThere, match="no knowledge base gone"):
        await tried(house, Trial(question=PORT, bases=("gone",)))
    assert (await tried(house, Trial(question=PORT, bases=("posthouse",)))).bases == ("posthouse",)


# --- limits -------------------------------------------------------------------------------------


@simulated
async def test_questions_of_a_day_are_limited() -> None:
    house = await opened(questions_per_day=1)
    await answer(house, "Which port does it listen on?")
    message = await house.say("怎么撤回机器人的回答？")
    await house.quiet(10.0)
    assert "用完" in (await house.texts())[-1]
    assert await house.reason(message) == "questions_used_up"
    await house.quiet(86_400.0)
    assert "撤回" in await answer(house, "怎么撤回机器人的回答？")


@simulated
async def test_outside_working_hours_the_question_is_noted() -> None:
    house = await opened(hours="Mon 00:00-00:01")
    message = await house.say("Which port does it listen on?")
    await house.quiet(10.0)
    assert "Mon 00:00-00:01" in (await house.texts())[-1]
    assert await house.reason(message) == "out_of_hours"
    (noted,) = await house.store.asked.open_questions()
    assert noted.text == "Which port does it listen on?"


@simulated
async def test_rules_of_a_chat_win_over_the_settings() -> None:
    house = await opened()
    chat = (await house.chat()).id
    scope = Scope(handler=NAME, bot="b", chat=chat)
    await house.store.conduct.set_rule(scope, Rule(bases=("other",)), "operator:ann", 0.0)
    assert DOES_NOT_KNOW in await answer(house, "Which port does it listen on?")
    assert "8350" in await answer_elsewhere(house, "Which port does it listen on?")


async def answer_elsewhere(house: HouseKit, text: str) -> str:
    await house.say(text, room="elsewhere")
    await house.quiet(10.0)
    return (await house.texts("elsewhere"))[-1]


# --- what may leave -----------------------------------------------------------------------------


@simulated
async def test_a_blocked_word_never_leaves() -> None:
    house = await opened(block_words=("8350",))
    message = await house.say("Which port does it listen on?")
    await house.quiet(10.0)
    assert await house.reason(message) == "blocked_words"
    assert "8350" not in "".join(await house.texts())


@simulated
async def test_a_word_is_replaced() -> None:
    house = await opened(replace_words={"8350": "****"})
    said = await answer(house, "Which port does it listen on?")
    assert "port ****" in said


@simulated
async def test_an_answer_can_wait_for_a_review() -> None:
    house = await opened(hold_words=("8350",))
    message = await house.say("Which port does it listen on?")
    await house.quiet(10.0)
    assert await house.reason(message) == "held_for_review"
    assert "8350" not in "".join(await house.texts())
    (question,) = await asked(house)
    assert "8350" in question.answer


# --- feedback -----------------------------------------------------------------------------------


async def thumbs(house: HouseKit) -> tuple[str, ...]:
    rows = house.store._reading.connection.execute("SELECT id FROM questions ORDER BY number")
    return tuple(row[0] for row in rows)


@pytest.mark.parametrize(("choice", "verdict"), [(0, Verdict.GOOD), (1, Verdict.BAD)])
@simulated
async def test_a_thumb_is_remembered(choice: int, verdict: Verdict) -> None:
    house = await opened()
    await answer(house, "Which port does it listen on?")
    shown = house.bots["b"].shown((await house.chat()).id)
    assert shown[0].words.choices == ("👍", "👎")
    (question,) = await thumbs(house)
    await house.accept(pressed(f"{question}{choice:02d}", at=house.clock()))
    await house.quiet(10.0)
    assert len(await house.texts()) == 1
    (judged,) = await asked(house)
    assert judged.verdict is verdict
    await house.check()


@simulated
async def test_where_buttons_would_be_lines_of_text_there_are_none() -> None:
    house = await opened(can=NO_BUTTONS)
    said = await answer(house, "Which port does it listen on?")
    assert "👍" not in said
    assert await thumbs(house) == ()


async def react(house: HouseKit, emoji: str, *, who: str = "ann", is_added: bool = True) -> None:
    """Somebody puts an emoji below the newest message of the bot, or takes it away."""
    (said,) = house.bots["b"].shown((await house.chat()).id)
    reaction = ReactionChanged(
        key=f"x:{emoji}{who}{is_added}",
        place=place(),
        sender=Person(who),
        message_id=said.id,
        emoji=emoji,
        at=house.clock(),
        is_added=is_added,
    )
    await house.accept(reaction)
    await house.quiet(10.0)


@simulated
async def test_a_reaction_counts_like_a_thumb() -> None:
    house = await opened(can=NO_BUTTONS)
    await answer(house, "Which port does it listen on?")
    await react(house, "👎", who="ben")
    await react(house, "🎉")
    assert [question.verdict for question in await asked(house)] == [Verdict.NONE]
    await react(house, "👎")
    assert [question.verdict for question in await asked(house)] == [Verdict.BAD]
    await react(house, "👎", is_added=False)
    assert [question.verdict for question in await asked(house)] == [Verdict.NONE]
    assert len(await house.texts()) == 1
    await house.check()


# --- humans -------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["转人工", " 转人工！", "Human", "human.", "你好，转人工，谢谢"])
@simulated
async def test_who_asks_for_a_human_gets_one_sentence_and_then_silence(word: str) -> None:
    house = await opened()
    asking = await house.say(word)
    await house.quiet(10.0)
    assert len(await house.texts()) == 1
    assert await house.reason(asking) == "handed_off"
    later = await house.say("Which port does it listen on?")
    await house.quiet(10.0)
    assert len(await house.texts()) == 1
    assert await house.reason(later) == "handed_off"
    assert "8350" in await answer(house, "Which port does it listen on?", who="ben")
    await house.check()


@simulated
async def test_the_word_inside_a_text_means_nothing() -> None:
    house = await opened()
    assert "8350" in await answer(house, "which port does a human listen on?")
    assert await house.store.conduct.handoffs() == ()


@simulated
async def test_a_human_gives_back_with_a_fresh_context() -> None:
    house = await opened()
    await answer(house, "Which port does the house listen on?")
    await answer(house, "转人工")
    chat = (await house.chat()).id
    await house.store.conduct.take_back(NAME, chat, "ann", "operator:bob", house.clock())
    assert DOES_NOT_KNOW in await answer(house, "and then?")
    assert "8350" in await answer(house, "Which port does the house listen on?")


# --- pictures -----------------------------------------------------------------------------------


@simulated
async def test_without_a_model_that_sees_a_picture_alone_is_asked_to_be_described() -> None:
    house = await opened()
    said = await answer(house, "", parts=(Image(Media("sha256:0", "a.png")),))
    assert "pictures" in said


@simulated
async def test_a_picture_with_words_is_answered_by_the_words() -> None:
    house = await opened()
    picture = Image(Media("sha256:0", "a.png"))
    said = await answer(house, "", parts=(picture, Text("Which port does it listen on?")))
    assert "8350" in said
    assert "cannot see the picture" in said


@simulated
async def test_who_sent_a_picture_learns_that_nobody_looked_at_it() -> None:
    house = await opened()
    picture = Image(Media("sha256:0", "a.png"))
    said = await answer(house, "", parts=(picture, Text("What is the capital of Peru?")))
    assert DOES_NOT_KNOW in said
    assert "cannot see pictures" in said


# --- the way to a human -------------------------------------------------------------------------


@simulated
async def test_the_word_for_a_human_is_one_that_the_reader_can_type() -> None:
    house = await opened()
    assert "“human”" in await answer(house, "What is the capital of Peru?")
    assert "“转人工”" in await answer(house, "秘鲁的首都是哪里？")
