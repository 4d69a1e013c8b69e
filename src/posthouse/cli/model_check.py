"""Whether the language models of a house answer: ``posthouse doctor`` asks each for one word."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing

from posthouse.bootstrap import build_models
from posthouse.channels.finding import Finding, Mark
from posthouse.llm.model import (
    Model,
    ModelBusy,
    ModelError,
    ModelRefused,
    ModelSilent,
    Prompt,
    Said,
)
from posthouse.settings.language import Said as Sentence
from posthouse.settings.settings import Settings
from posthouse.world import World

GREETING = Prompt(messages=(Said("user", "Answer with the word ok."),), answer_tokens_max=16)
SECOND_MS = 1000


async def model_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Ask each model on its own, without those that would answer in its place."""
    alone = {
        name: model.model_copy(update={"fallbacks": (), "retries_max": 0})
        for name, model in settings.models.items()
    }
    models = build_models(settings.model_copy(update={"models": alone}), World())
    for name, model in models.items():
        try:
            yield await _ask(name, model)
        finally:
            await model.close()


async def _ask(name: str, model: Model) -> Finding:
    began = time.monotonic()
    try:
        async with aclosing(model.answer(GREETING)) as pieces:
            async for _ in pieces:
                pass
    except ModelError as problem:
        said = Sentence(f"模型 {name} 没有回答：{problem}", f"model {name}: {problem}")
        mark = Mark.WARN if isinstance(problem, ModelBusy) else Mark.FAIL
        return Finding(mark, "model", said, _remedy(name, problem))
    took_ms = (time.monotonic() - began) * SECOND_MS
    return Finding(
        Mark.OK,
        "model",
        Sentence(
            f"模型 {name} 有回答，{took_ms:.0f} ms", f"model {name} answers, {took_ms:.0f} ms"
        ),
    )


def _remedy(name: str, problem: ModelError) -> Sentence:
    if isinstance(problem, ModelBusy):
        return Sentence("稍后再试，或在 fallbacks 里加一个模型", "try later, or name `fallbacks`")
    if isinstance(problem, ModelRefused):
        return Sentence(
            f"检查 [models.{name}] 的 api_key 和 model",
            f"check api_key and model of [models.{name}]",
        )
    if isinstance(problem, ModelSilent):
        return Sentence(
            f"检查 [models.{name}] 的 base_url、proxy 和网络",
            f"check base_url and proxy of [models.{name}], and the network",
        )
    return Sentence(
        f"[models.{name}] base_url 那一端说的不是 OpenAI 协议；它通常以 /v1 结尾",
        f"base_url of [models.{name}] does not speak OpenAI's protocol; it usually ends in /v1",
    )
