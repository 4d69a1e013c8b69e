"""A model behind OpenAI's protocol, against a pretended one: every way an answer may go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from posthouse.llm.connection import Line as Address
from posthouse.llm.model import (
    End,
    ModelBusy,
    ModelCutShort,
    ModelError,
    ModelRefused,
    ModelSilent,
    Picture,
    Piece,
    Prompt,
    Said,
    ToolCall,
    ToolOffer,
    Usage,
    Words,
)
from posthouse.llm.openai_compatible import ANSWER_CHARACTERS_MAX, OpenAiModel
from posthouse.simulators.model.script import Call, Fault, Line, Script
from posthouse.simulators.model.server import ModelServer

QUESTION = Prompt(messages=(Said("system", "be brief"), Said("user", "怎么撤回？")))
ANSWER = "发送“撤回”两个字即可，机器人会收回刚才的回答。"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer(Script(is_strict=True)) as server:
        yield server


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[OpenAiModel]:
    model = OpenAiModel("mine", "m-1", Address(base_url=server.address, within_s=5.0))
    yield model
    await model.close()


async def heard(model: OpenAiModel, prompt: Prompt = QUESTION) -> list[Piece]:
    return [piece async for piece in model.answer(prompt)]


def words(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Words))


async def test_an_answer_comes_in_pieces_with_its_cost(
    server: ModelServer, model: OpenAiModel
) -> None:
    server.script.add(Line(pattern="撤回", text=ANSWER))
    pieces = await heard(model)
    assert words(pieces) == ANSWER
    assert sum(isinstance(piece, Words) for piece in pieces) > 1
    assert pieces[-2:] == [Usage("mine", 6, len(ANSWER) // 2), End("stop")]
    (request,) = server.requests
    assert (request["model"], request["max_tokens"]) == ("m-1", 1024)
    assert [each["role"] for each in request["messages"]] == ["system", "user"]


async def test_it_may_ask_for_functions(server: ModelServer, model: OpenAiModel) -> None:
    calls = (Call("look_up", '{"order": "第一号"}'), Call("say", "{broken"))
    server.script.add(Line(pattern="撤回", calls=calls))
    server.script.add(Line(pattern="found", text="done"))
    offer = ToolOffer("look_up", "finds an order", '{"type": "object", "properties": {}}')
    pieces = await heard(model, Prompt(messages=QUESTION.messages, tools=(offer,)))
    called = tuple(piece for piece in pieces if isinstance(piece, ToolCall))
    assert called == (
        ToolCall("call_0", "look_up", '{"order": "第一号"}'),
        ToolCall("call_1", "say", "{broken"),
    )
    assert pieces[-1] == End("tools")
    further = (
        *QUESTION.messages,
        Said("assistant", "", calls=called),
        Said("tool", "found", answers_call="call_0"),
    )
    assert words(await heard(model, Prompt(messages=further))) == "done"
    sent = server.requests[-1]["messages"][-2:]
    assert sent[0]["tool_calls"][0]["function"]["name"] == "look_up"
    assert sent[1]["tool_call_id"] == "call_0"


async def test_a_picture_goes_along(server: ModelServer, model: OpenAiModel) -> None:
    server.script.add(Line(pattern="what", text="a cat"))
    prompt = Prompt(messages=(Said("user", "what?", pictures=(Picture("image/png", b"\x89P"),)),))
    assert words(await heard(model, prompt)) == "a cat"
    url = server.requests[-1]["messages"][0]["content"][1]["image_url"]["url"]
    assert url == "data:image/png;base64,iVA="


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (Fault.BUSY, ModelBusy),
        (Fault.BROKEN, ModelBusy),
        (Fault.REFUSED, ModelRefused),
        (Fault.CUT, ModelCutShort),
        (Fault.UNFINISHED, ModelCutShort),
        (Fault.GARBAGE, ModelCutShort),
    ],
)
async def test_what_goes_wrong_is_told_apart(
    server: ModelServer, model: OpenAiModel, fault: Fault, wanted: type[ModelError]
) -> None:
    server.script.add(Line(text=ANSWER, fault=fault, retry_after_s=7))
    with pytest.raises(wanted) as raised:
        await heard(model)
    assert "mine" in str(raised.value)
    if isinstance(raised.value, ModelBusy):
        assert raised.value.retry_after_s == (7 if fault is Fault.BUSY else 0)


async def test_a_silent_one_is_given_up(server: ModelServer) -> None:
    server.script.add(Line(text=ANSWER, fault=Fault.SILENT))
    model = OpenAiModel("mine", "m-1", Address(base_url=server.address, within_s=0.05))
    with pytest.raises(ModelSilent):
        await heard(model)
    await model.close()


async def test_one_that_is_not_there_is_silent() -> None:
    model = OpenAiModel("mine", "m-1", Address(base_url="http://127.0.0.1:9/v1"))
    with pytest.raises(ModelSilent):
        await heard(model)
    await model.close()


async def test_one_that_never_ends_is_cut_off(server: ModelServer, model: OpenAiModel) -> None:
    server.script.add(Line(text="word " * ANSWER_CHARACTERS_MAX))
    with pytest.raises(ModelCutShort, match="did not end"):
        await heard(model)


async def test_a_reader_who_leaves_cancels_the_call(
    server: ModelServer, model: OpenAiModel
) -> None:
    server.script.add(Line(text=ANSWER * 50, pause_s=0.01))
    async with aclosing(model.answer(QUESTION)) as pieces:
        assert isinstance(await anext(pieces), Words)
    async with asyncio.timeout(5):
        await server.somebody_left.wait()


async def test_who_does_not_count_is_counted_for() -> None:
    async with ModelServer(Script(Line(text=ANSWER)), counts_tokens=False) as other:
        model = OpenAiModel("mine", "m-1", Address(base_url=other.address))
        *_, usage, _ = await heard(model)
        assert isinstance(usage, Usage)
        assert usage.is_estimated
        assert usage.answer_tokens == len(ANSWER) // 2
        await model.close()


async def test_the_key_is_sent_and_never_told() -> None:
    async with ModelServer(Script(Line(text="ok")), api_key="sk-right") as server:
        right = OpenAiModel("r", "m", Address(base_url=server.address, api_key="sk-right"))
        wrong = OpenAiModel("w", "m", Address(base_url=server.address, api_key="sk-wrong"))
        assert words(await heard(right)) == "ok"
        with pytest.raises(ModelRefused) as raised:
            await heard(wrong)
        assert "sk-wrong" not in str(raised.value)
        await right.close()
        await wrong.close()
