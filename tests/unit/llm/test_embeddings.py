"""Vectors and ranks from an endpoint."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from posthouse.llm.connection import Line
from posthouse.llm.embeddings import TEXTS_AT_ONCE, HttpReranker, OpenAiEmbedder
from posthouse.llm.model import ModelBusy, ModelError, ModelRefused
from posthouse.simulators.model.server import ModelServer


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer(api_key="k") as server:
        yield server


async def test_texts_get_vectors_in_their_order(server: ModelServer) -> None:
    embedder = OpenAiEmbedder("e", "bge", Line(base_url=server.address, api_key="k"))
    texts = tuple(f"text {number}" for number in range(TEXTS_AT_ONCE + 5))
    vectors = await embedder.embed(texts)
    assert len(vectors) == len(texts)
    assert all(math.isclose(math.hypot(*vector), 1.0, rel_tol=1e-6) for vector in vectors)
    assert vectors[-1] == (await embedder.embed(texts[-1:]))[0]
    assert [len(request["input"]) for request in server.requests] == [TEXTS_AT_ONCE, 5, 1]
    assert embedder.name == "bge"
    await embedder.close()


async def test_the_passage_that_speaks_of_it_ranks_first(server: ModelServer) -> None:
    reranker = HttpReranker("r", "rank", Line(base_url=server.address, api_key="k"))
    scores = await reranker.rank("怎么撤回消息", ("今天天气很好", "撤回消息：发送撤回"))
    assert scores[1] > scores[0]
    await reranker.close()


async def test_a_wrong_key_is_said(server: ModelServer) -> None:
    line = Line(base_url=server.address, api_key="wrong")
    embedder, reranker = OpenAiEmbedder("e", "bge", line), HttpReranker("r", "rank", line)
    with pytest.raises(ModelRefused):
        await embedder.embed(("a",))
    with pytest.raises(ModelRefused):
        await reranker.rank("a", ("b",))
    await embedder.close()
    await reranker.close()


@asynccontextmanager
async def particular(status: int, characters_max: int) -> AsyncIterator[OpenAiEmbedder]:
    """Serve a model that refuses a whole request for one text that is long or bad."""

    async def embed(request: web.Request) -> web.Response:
        texts: list[str] = (await request.json())["input"]
        if any(len(text) > characters_max or "bad" in text for text in texts):
            return web.json_response({"error": "input is too large"}, status=status)
        data = [
            {"object": "embedding", "index": place, "embedding": [float(len(text)), 1.0]}
            for place, text in enumerate(texts)
        ]
        return web.json_response({"object": "list", "model": "m", "data": data})

    app = web.Application()
    app.router.add_post("/v1/embeddings", embed)
    async with TestServer(app) as server:
        embedder = OpenAiEmbedder("e", "m", Line(base_url=str(server.make_url("/v1"))))
        try:
            yield embedder
        finally:
            await embedder.close()


@pytest.mark.parametrize("status", [400, 413, 500])
async def test_a_text_that_is_too_long_is_shortened_and_the_others_are_not(status: int) -> None:
    async with particular(status, characters_max=300) as embedder:
        vectors = await embedder.embed(("s" * 300, "l" * 800))
        assert vectors == await embedder.embed(("s" * 300, "l" * 200))


async def test_a_text_that_is_not_wanted_has_no_vector_and_the_others_have() -> None:
    async with particular(400, characters_max=30) as embedder:
        fine, unwanted = await embedder.embed(("fine", "bad"))
        assert fine
        assert unwanted == ()


async def test_what_is_no_number_is_no_vector() -> None:
    async def embed(_: web.Request) -> web.Response:
        data = [{"object": "embedding", "index": 0, "embedding": [1.0, math.nan]}]
        return web.json_response({"object": "list", "model": "m", "data": data})

    app = web.Application()
    app.router.add_post("/v1/embeddings", embed)
    async with TestServer(app) as server:
        embedder = OpenAiEmbedder("e", "m", Line(base_url=str(server.make_url("/v1"))))
        assert await embedder.embed(("text",)) == ((),)
        await embedder.close()


async def test_a_model_that_refuses_everything_gives_no_vectors() -> None:
    async with particular(500, characters_max=0) as embedder:
        with pytest.raises(ModelError):
            await embedder.embed(("fine", "bad"))


async def test_a_busy_model_is_not_asked_again_at_once() -> None:
    async with particular(429, characters_max=5) as embedder:
        with pytest.raises(ModelBusy):
            await embedder.embed(("Hello", "too much now"))


async def test_too_few_ranks_are_no_ranks() -> None:
    async def rank(_: web.Request) -> web.Response:
        return web.json_response({"results": [{"index": 0, "relevance_score": 1}]})

    app = web.Application()
    app.router.add_post("/v1/rerank", rank)
    async with TestServer(app) as server:
        reranker = HttpReranker("r", "m", Line(base_url=str(server.make_url("/v1"))))
        with pytest.raises(ModelError, match="other ranks"):
            await reranker.rank("a", ("b", "c"))
        await reranker.close()
