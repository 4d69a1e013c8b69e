"""What is said to models, judged by a server that others wrote (npm ``@copilotkit/aimock``)."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest

from posthouse.llm.connection import Line
from posthouse.llm.model import (
    End,
    ModelBusy,
    ModelCutShort,
    ModelError,
    Piece,
    Prompt,
    Said,
    ToolCall,
    ToolOffer,
    Usage,
    Words,
)
from posthouse.llm.openai_compatible import OpenAiModel
from tests.model_judges.environment import AIMOCK, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "is there")

ANSWER = "发送“撤回”两个字即可，机器人会收回刚才的回答。[1]"
LOOKED_UP = "订单第一号已经发货。[1]"
OFFER = ToolOffer("look_up", "finds an order", '{"type": "object", "properties": {}}')
FIXTURES = [
    {"match": {"userMessage": "订单", "hasToolResult": True}, "response": {"content": LOOKED_UP}},
    {
        "match": {"userMessage": "订单"},
        "response": {"toolCalls": [{"name": "look_up", "arguments": '{"order":"第一号"}'}]},
    },
    {"match": {"userMessage": "撤回"}, "response": {"content": ANSWER}},
    {
        "match": {"userMessage": "太忙"},
        "response": {
            "error": {"message": "Rate limit", "type": "rate_limit_error"},
            "status": 429,
        },
    },
    {
        "match": {"userMessage": "断开"},
        "response": {"content": ANSWER},
        "truncateAfterChunks": 3,
        "latency": 5,
    },
    {"match": {"userMessage": "很慢"}, "response": {"content": ANSWER * 20}, "latency": 100},
]


@contextmanager
def judging(folder: Path, *options: str) -> Iterator[str]:
    """Start it; yields its address."""
    (folder / "fixtures.json").write_text(json.dumps({"fixtures": FIXTURES}), "utf-8")
    command = (
        "node",
        str(AIMOCK),
        "-p",
        "0",
        "-f",
        "fixtures.json",
        "-c",
        "4",
        "--strict",
        *options,
    )
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        address = None
        while address is None:
            line = process.stdout.readline()
            assert line, "it ended before it said where it is"
            address = re.search(r"listening on (http\S+)", line)
        yield f"{address[1]}/v1"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with judging(tmp_path_factory.mktemp("aimock")) as address:
        yield address


@pytest.fixture
async def model(address: str) -> AsyncIterator[OpenAiModel]:
    model = OpenAiModel("judge", "m-1", Line(base_url=address, within_s=20.0))
    yield model
    await model.close()


def asking(text: str, *further: Said) -> Prompt:
    return Prompt(messages=(Said("user", text), *further), tools=(OFFER,))


async def heard(model: OpenAiModel, prompt: Prompt) -> list[Piece]:
    return [piece async for piece in model.answer(prompt)]


def words(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Words))


async def test_chinese_comes_whole_through_a_stream(model: OpenAiModel) -> None:
    pieces = await heard(model, asking("怎么撤回？"))
    assert words(pieces) == ANSWER
    assert sum(isinstance(piece, Words) for piece in pieces) > 3
    usage, end = pieces[-2:]
    assert isinstance(usage, Usage)
    assert not usage.is_estimated
    assert usage.answer_tokens > 0
    assert end == End("stop")


async def test_a_function_is_called_and_its_result_understood(model: OpenAiModel) -> None:
    pieces = await heard(model, asking("我的订单呢？"))
    (call,) = (piece for piece in pieces if isinstance(piece, ToolCall))
    assert (call.name, json.loads(call.arguments)) == ("look_up", {"order": "第一号"})
    assert pieces[-1] == End("tools")
    result = Said("tool", "已发货", answers_call=call.id)
    further = asking("我的订单呢？", Said("assistant", "", calls=(call,)), result)
    assert words(await heard(model, further)) == LOOKED_UP


async def test_too_many_questions_are_told_apart(model: OpenAiModel) -> None:
    with pytest.raises(ModelBusy) as raised:
        await heard(model, asking("太忙"))
    assert raised.value.retry_after_s == 1


async def test_a_cut_connection_is_no_answer(model: OpenAiModel) -> None:
    with pytest.raises(ModelError):
        await heard(model, asking("断开"))


async def test_a_drifted_prompt_is_noticed(model: OpenAiModel) -> None:
    with pytest.raises(ModelError):
        await heard(model, asking("这个问题没人写过答案"))


async def test_an_answer_can_be_cancelled(model: OpenAiModel) -> None:
    async with asyncio.timeout(10), aclosing(model.answer(asking("很慢"))) as pieces:
        assert isinstance(await anext(pieces), Words)
    assert words(await heard(model, asking("怎么撤回？"))) == ANSWER


async def test_garbage_is_no_answer(tmp_path: Path) -> None:
    with judging(tmp_path, "--chaos-malformed", "1") as address:
        model = OpenAiModel("judge", "m-1", Line(base_url=address, within_s=20.0))
        with pytest.raises(ModelCutShort):
            await heard(model, asking("怎么撤回？"))
        await model.close()
