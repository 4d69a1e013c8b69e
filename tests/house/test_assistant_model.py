"""The assistant with a model: cited, checked, streamed, paid for, and at a loss with dignity."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

import pytest

from posthouse.handlers.trying import Growing, Trial, Tries
from posthouse.llm.model import (
    End,
    ModelBusy,
    ModelCutShort,
    ModelError,
    ModelRefused,
    ModelSilent,
    Piece,
    Prompt,
    ToolCall,
    Words,
)
from posthouse.llm.scripted import Line, Scripted
from posthouse.model.errors import UsedUp
from posthouse.model.message import Image, Media, Text
from posthouse.store.conduct import Rule, Scope
from tests.house.assisting import NAME, asked, listen, notes, opened, saying, tried
from tests.house.kit import HouseKit, simulated
from tests.house.people import edited, pressed

PORT = "Which port does it listen on?"
CITED = "It listens on port **8350** [1]."
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


def data_of(prompt: Prompt) -> dict[str, object]:
    told: dict[str, object] = json.loads(prompt.messages[-1].text)
    return told


async def said(house: HouseKit, text: str = PORT, **details: object) -> str:
    await house.say(text, **details)
    await house.quiet(10.0)
    return ("", *await house.texts())[-1]


@simulated
async def test_an_answer_cites_and_lists_its_sources() -> None:
    model = saying(("8350", CITED))
    house = await opened(models=(model,))
    answer = await said(house)
    assert answer.startswith(CITED)
    assert "[1] Server › Where it listens" in answer
    assert "撤回" not in answer
    (question,) = await asked(house)
    assert question.passages == ("handbook:server.md#p1",)
    assert len(model.prompts) == 1
    await house.check()


@simulated
async def test_names_travel_as_data() -> None:
    model = saying(("8350", CITED))
    house = await opened(models=(model,))
    await said(house)
    data = data_of(model.prompts[0])
    assert (data["speaker"], data["chat"], data["question"]) == ("Ann", "Room room", PORT)
    assert "Ann" not in model.prompts[0].messages[0].text


@simulated
async def test_an_answer_grows_while_it_is_written() -> None:
    house = await opened(models=(writing_slowly(),))
    message = await house.say(PORT)
    await house.quiet(3.0)
    (growing,) = await house.texts()
    assert growing.startswith("It listens")
    assert "Sources" not in growing
    (shown,) = house.bots["b"].shown((await house.chat()).id)
    assert shown.words.quotes == message.message_id, "among several people it says whose it is"
    await house.quiet(30.0)
    (done,) = await house.texts()
    assert "Sources" in done


def writing_slowly() -> Scripted:
    line = Line("8350", "It listens on port 8350, as everybody knows " * 3 + "[1].", pause_s=0.1)
    return Scripted(line, sleep=asyncio.sleep)


@pytest.mark.parametrize("order", ["stop", "/new", "button"])
@simulated
async def test_an_order_ends_the_call_at_once(order: str) -> None:
    model = writing_slowly()
    house = await opened(models=(model,))
    message = await house.say(PORT)
    await house.quiet(3.0)
    turn = (await house.road(message)).turn
    assert turn is not None
    if order == "button":
        await house.accept(pressed(f"stop:{turn.id}", at=house.clock()))
    else:
        await house.say(order)
    await house.quiet(0.5)
    assert model.cancelled == 1
    spent = await house.store.asked.spent(0.0)
    assert spent.calls == 1
    assert spent.prompt_tokens > 0


@simulated
async def test_who_leaves_a_trial_ends_the_call() -> None:
    model = writing_slowly()
    house = await opened(models=(model,))
    handler = house.handlers[NAME]
    assert isinstance(handler, Tries)
    attempt = handler.attempt(Trial(question=PORT))
    async for each in attempt:
        if isinstance(each, Growing):
            break
    await attempt.aclose()
    assert model.cancelled == 1


@simulated
async def test_an_edit_starts_the_answer_again() -> None:
    model = writing_slowly()
    model.lines.append(Line("撤回", "发送“撤回” [1]。"))
    model.lines.reverse()
    house = await opened(models=(model,))
    message = await house.say(PORT)
    await house.quiet(3.0)
    await house.accept(edited(message, "怎么撤回机器人的回答？", at=house.clock()))
    await house.quiet(30.0)
    (shown,) = await house.texts()
    assert shown.startswith("发送“撤回” [1]。")
    assert model.cancelled == 1


@pytest.mark.parametrize(
    "text",
    [
        "It listens on port 8350.",
        "It listens on port 8350 [7].",
        "It listens on port 8350 [1]. It also makes excellent coffee every morning.",
        "It is 8350 [1].\n\nAnd the moon is made of cheese.",
    ],
)
@simulated
async def test_what_is_not_cited_gives_way_to_quotations(text: str) -> None:
    house = await opened(models=(saying(("8350", text)),))
    answer = await said(house)
    assert answer.startswith("This is what the documents say:")
    assert "coffee" not in answer
    assert "cheese" not in answer


@pytest.mark.parametrize(
    "text",
    [
        '{"unknown": true}',
        '```json\n{"unknown": true}\n```',
        "I don't know.",
        "抱歉，我不知道 [1]。",
    ],
)
@simulated
async def test_a_model_that_does_not_know_says_so_honestly(text: str) -> None:
    house = await opened(models=(saying(("8350", text)),))
    message = await house.say(PORT)
    await house.quiet(10.0)
    assert await house.reason(message) == "not_in_knowledge"
    assert "I don't know" in (await house.texts())[-1]


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (ModelBusy("429"), "too busy"),
        (ModelSilent("60 s"), "does not respond"),
        (ModelRefused("401"), "administrator"),
        (ModelCutShort("cut"), "broke off"),
        (ModelError("?"), "The model failed"),
    ],
)
@simulated
async def test_a_model_s_trouble_is_told_in_one_sentence(
    problem: ModelError, sentence: str
) -> None:
    model = Scripted(Line("8350", "It lis", error=problem))
    house = await opened(models=(model,))
    message = await house.say(PORT)
    await house.quiet(10.0)
    (answer,) = await house.texts()
    assert sentence in answer
    assert "> The house listens on port 8350." in answer
    assert await house.reason(message) == problem.code


class Short(Scripted):
    """A model that stops before it is done."""

    reason: Literal["length", "filtered"] = "length"

    async def answer(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        async with aclosing(super().answer(prompt)) as pieces:
            async for piece in pieces:
                yield End(self.reason) if isinstance(piece, End) else piece


@pytest.mark.parametrize("reason", ["length", "filtered"])
@simulated
async def test_half_an_answer_is_none(reason: Literal["length", "filtered"]) -> None:
    model = Short(Line("8350", CITED))
    model.reason = reason
    house = await opened(models=(model,))
    answer = await said(house)
    assert "broke off" in answer
    assert CITED not in answer


class Spelled(Scripted):
    """A model whose pieces are letters."""

    async def answer(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        async with aclosing(super().answer(prompt)) as pieces:
            async for piece in pieces:
                for each in map(Words, piece.text) if isinstance(piece, Words) else (piece,):
                    yield each


@pytest.mark.parametrize("wish", ['{"handoff": true}', '```json\n{"unknown": true}\n```'])
@simulated
async def test_what_a_model_says_to_us_alone_grows_nowhere(wish: str) -> None:
    house = await opened(models=(saying(("8350", wish)),))
    handler = house.handlers[NAME]
    assert isinstance(handler, Tries)
    said = [each async for each in handler.attempt(Trial(question=PORT))]
    assert not [each for each in said if isinstance(each, Growing)]


@simulated
async def test_an_answer_grows_by_whole_numbers() -> None:
    lines = [
        Line(f"to {pad}", f"{'x' * pad} 13812345678 it is, and nothing else [1]")
        for pad in range(10, 24)
    ]
    house = await opened(models=(Spelled(*lines),))
    handler = house.handlers[NAME]
    assert isinstance(handler, Tries)
    grown = [
        each.text
        for pad in range(10, 24)
        async for each in handler.attempt(Trial(question=f"Which port does it listen to {pad}"))
        if isinstance(each, Growing)
    ]
    assert any("[phone]" in text for text in grown)
    assert [text for text in grown if "138" in text] == []


@simulated
async def test_a_crash_makes_the_call_again_and_counts_it_once() -> None:
    house = await opened(models=(writing_slowly(),))
    await house.say(PORT)
    await house.quiet(3.0)
    await house.restart()
    await house.quiet(60.0)
    assert len(await asked(house)) == 1
    assert (await house.store.asked.spent(0.0)).calls == 1
    assert len(await house.texts()) == 1
    await house.check()


@pytest.mark.parametrize(
    ("point", "passes"),
    [
        ("asked:before-commit", 0),  # what the call has cost
        ("asked:after-commit", 0),
        ("asked:before-commit", 1),  # the question and its answer
        ("asked:after-commit", 1),
        ("finish:before-commit", 0),
        ("finish:after-commit", 0),
    ],
)
@simulated
async def test_wherever_it_dies_it_says_and_records_everything_once(
    point: str, passes: int
) -> None:
    house = await opened(models=(saying(("8350", CITED)),))
    house.dies_at, house.passes = point, passes
    await house.say(PORT)
    await house.quiet(10.0)
    assert house.died.is_set()
    await house.restart()
    await house.quiet()
    (answer,) = await house.texts()
    assert answer.startswith(CITED)
    (question,) = await asked(house)
    assert question.reason == "answered"
    assert (await house.store.asked.spent(0.0)).calls == 1
    await house.check()


# --- how many calls -----------------------------------------------------------------------------


@simulated
async def test_a_follow_up_is_rewritten_by_one_call() -> None:
    rewritten = json.dumps({"question": "How is the port of the house changed?"})
    model = saying(('"message":', rewritten), ("8350", CITED))
    house = await opened(models=(model,))
    await said(house, PORT)
    answer = await said(house, "and how do I change it?")
    assert len(model.prompts) == 3
    assert data_of(model.prompts[2])["question_understood_as"].startswith("How is the port")  # type: ignore[attr-defined]
    assert answer.startswith("It listens")


@simulated
async def test_a_broken_rewriting_falls_back_to_words() -> None:
    model = saying(('"message":', "Sure! Here is the question"), ("8350", CITED))
    house = await opened(models=(model,))
    await said(house, PORT)
    await said(house, "and how do I change it?")
    assert str(data_of(model.prompts[-1])["question_understood_as"]).endswith(PORT)


@simulated
async def test_idle_chatter_costs_nothing() -> None:
    model = saying(("never", ""))
    house = await opened(models=(model,))
    await listen(house)
    for text in ("good morning", "lunch?", "哈哈哈", "port wine is nice", "谢谢"):
        await house.say(text, is_addressed=False)
        await house.quiet(10.0)
    assert model.prompts == []
    assert await house.texts() == ()


@pytest.mark.parametrize(
    ("score", "is_answered"),
    [("9", True), ("3 out of 10", False), ("310", False), ("very", False), ("八分", True)],
)
@simulated
async def test_what_was_overheard_must_be_relevant(score: str, *, is_answered: bool) -> None:
    model = saying(('"message":', score), ("8350", CITED))
    house = await opened(models=(model,))
    await listen(house)
    message = await house.say("house listens on port", is_addressed=False)
    await house.quiet(10.0)
    assert bool(await house.texts()) is is_answered
    if not is_answered:
        assert (await house.reason(message)).startswith("unsure ")


@simulated
async def test_overheard_and_uncited_is_silence() -> None:
    model = saying(('"message":', "9"), ("8350", "It is 8350, believe me."))
    house = await opened(models=(model,))
    await listen(house)
    message = await house.say("house listens on port", is_addressed=False)
    await house.quiet(10.0)
    assert await house.texts() == ()
    assert await house.reason(message) == "unsure uncited"
    assert (await notes(house, message))["checked"] == "uncited"


# --- what it costs ------------------------------------------------------------------------------


@simulated
async def test_what_was_spent_is_known_by_bot_chat_and_person() -> None:
    house = await opened(models=(saying(("8350", CITED)),))
    await said(house)
    chat = (await house.chat()).id
    spent = await house.store.asked.spent(0.0, bot="b", chat=chat, person="ann")
    assert spent.calls == 1
    assert spent.cost_micro == spent.prompt_tokens + 2 * spent.answer_tokens > 0
    assert (await house.store.asked.spent(0.0, person="ben")).calls == 0


@simulated
async def test_without_tokens_the_documents_are_quoted() -> None:
    model = saying(("8350", CITED))
    house = await opened(models=(model,), tokens_per_day=10)
    await said(house)
    message = await house.say(PORT)
    await house.quiet(10.0)
    assert len(model.prompts) == 1
    assert await house.reason(message) == "tokens_used_up"
    assert "> The house listens on port 8350." in (await house.texts())[-1]


@pytest.mark.parametrize("is_in_chat", [True, False])
@simulated
async def test_somebody_has_tokens_of_their_own(*, is_in_chat: bool) -> None:
    model = saying(("8350", CITED))
    house = await opened(models=(model,), tokens_per_day=1_000_000)
    chat = (await house.chat()).id if is_in_chat else 0
    await house.store.conduct.set_rule(
        Scope(handler=NAME, bot="b", chat=chat, person="ann"),
        Rule(tokens_per_day=10),
        "operator:bob",
        0.0,
    )
    assert (await said(house, who="ben")).startswith(CITED)
    assert (await said(house)).startswith(CITED), "what ben has used is not hers"
    assert (await said(house)).startswith("Today's model budget is used up")
    assert (await said(house, who="ben")).startswith(CITED)


@simulated
async def test_what_somebody_has_is_for_all_chats_together() -> None:
    house = await opened(models=(saying(("8350", CITED)),))
    scope = Scope(handler=NAME, bot="b", person="ann")
    await house.store.conduct.set_rule(scope, Rule(tokens_per_day=10), "operator:bob", 0.0)
    await said(house, room="elsewhere")
    assert (await said(house)).startswith("Today's model budget is used up")


TOMORROW_S = 26 * 3600.0


def trying(house: HouseKit, question: str = PORT, **details: Any) -> Trial:  # noqa: ANN401 - of ``Trial``
    return Trial(question=question, author="token:crm", at=house.clock(), **details)


@simulated
async def test_a_trial_is_paid_by_who_tries_and_not_by_whom_it_stands_for() -> None:
    model = saying(("8350", CITED))
    house = await opened(models=(model,), tokens_per_day=10, questions_per_day=1)
    chat = (await house.chat()).id
    trial = trying(house, bot="b", chat=chat, person="ann")
    for _ in range(2):
        assert (await tried(house, trial)).answer.startswith(CITED)
    assert (await house.store.asked.spent(0.0)).calls == 0
    (share,) = await house.store.asked.trial_shares(0.0)
    assert (share.author, share.bot, share.chat, share.person) == ("token:crm", "b", chat, "ann")
    assert share.spent.calls == 2
    assert share.spent.cost_micro > share.spent.prompt_tokens > 0
    assert (await said(house)).startswith(CITED)


@simulated
async def test_trials_end_where_their_tokens_of_the_day_do() -> None:
    model = saying(("8350", CITED))
    house = await opened(models=(model,), trial_tokens_per_day=100)  # the prompt alone takes more
    await tried(house, trying(house))
    with pytest.raises(UsedUp, match="trial_tokens_per_day = 100") as refused:
        await tried(house, trying(house))
    assert 60 <= refused.value.retry_after_s <= TOMORROW_S
    assert (await said(house)).startswith(CITED), "people are answered"
    fixed = await tried(house, trying(house, "How long does a refund take?"))
    assert fixed.reason == "answered", "what needs no model is still tried"
    await house.quiet(TOMORROW_S)
    assert (await tried(house, trying(house))).answer.startswith(CITED)


@simulated
async def test_a_trial_that_was_left_is_paid() -> None:
    house = await opened(models=(writing_slowly(),))
    handler = house.handlers[NAME]
    assert isinstance(handler, Tries)
    attempt = handler.attempt(trying(house))
    async for each in attempt:
        if isinstance(each, Growing):
            break
    await attempt.aclose()
    await house.quiet(1.0)
    assert (await house.store.asked.spent_on_trials(0.0, NAME)).prompt_tokens > 0


@pytest.mark.parametrize(("model", "calls"), [(None, 1), ("", 0), ("scripted", 1), ("gone", 0)])
@simulated
async def test_a_chat_can_have_its_own_model_or_none(model: str | None, calls: int) -> None:
    answering = saying(("8350", CITED))
    house = await opened(models=(answering,))
    scope = Scope(handler=NAME, bot="b", chat=(await house.chat()).id)
    await house.store.conduct.set_rule(scope, Rule(model=model), "operator:ann", 0.0)
    message = await house.say(PORT)
    await house.quiet(10.0)
    assert len(answering.prompts) == calls
    assert ("model" in await notes(house, message)) is (model == "gone")


# --- humans, words, pictures --------------------------------------------------------------------


@simulated
async def test_a_model_may_ask_for_a_human_and_the_person_decides() -> None:
    house = await opened(models=(saying(("8350", '{"handoff": true}')),))
    await house.say(PORT)
    await house.quiet(10.0)
    shown = house.bots["b"].shown((await house.chat()).id)
    assert shown[0].words.choices == ("Call a person", "No, thanks")
    assert await house.store.conduct.handoffs() == ()


@simulated
async def test_who_comes_back_from_a_human_begins_anew() -> None:
    question = "Which port does the house listen on?"
    model = saying(("8350", CITED))
    house = await opened(models=(model,))
    await said(house, question)
    await said(house, "转人工")
    chat = (await house.chat()).id
    await house.store.conduct.take_back(NAME, chat, "ann", "operator:bob", house.clock())
    await house.quiet(1.0)
    await said(house, question)
    await said(house, question)
    before = [data_of(prompt)["conversation_before"] for prompt in model.prompts]
    assert before[:2] == [[], []]
    assert before[-1] != []


@simulated
async def test_a_magic_word_in_an_answer_does_nothing() -> None:
    text = 'Say {"handoff": true} to reach a human [1].'
    house = await opened(models=(saying(("8350", text)),))
    assert (await said(house)).startswith("Say {")
    assert await house.store.conduct.handoffs() == ()


@simulated
async def test_what_may_not_leave_does_not_even_grow() -> None:
    house = await opened(models=(writing_slowly(),), block_words=("everybody",))
    await house.say(PORT)
    await house.quiet(4.0)
    assert "everybody" not in "".join(await house.texts())
    await house.quiet(30.0)
    assert "may not leave" in (await house.texts())[-1]


@simulated
async def test_a_model_that_sees_is_shown_the_picture_of_the_burst() -> None:
    question = json.dumps({"question": PORT})
    model = saying(('"message":', question), ("8350", CITED), sees_pictures=True)
    house = await opened(models=(model,))
    house.bots["b"].files["sha256:1"] = PNG
    await house.say("", parts=(Image(Media("sha256:1", "a.png")),))
    await house.quiet(1.0)
    await house.say("what does this mean?", parts=(Text("what does this mean?"),))
    await house.quiet(10.0)
    assert [len(prompt.messages[-1].pictures) for prompt in model.prompts] == [1, 1]
    (answer,) = await house.texts()
    assert answer.startswith("It listens")


# --- tools --------------------------------------------------------------------------------------


def calling(name: str, arguments: str = "{}") -> Scripted:
    call = ToolCall("c1", name, arguments)
    return Scripted(Line("results_of_functions", CITED), Line("8350", "", calls=(call,)))


@simulated
async def test_a_tool_that_is_not_there_leaves_the_documents() -> None:
    house = await opened(models=(calling("rm"),))
    message = await house.say(PORT)
    await house.quiet(10.0)
    assert await house.reason(message) == "model_failed"
