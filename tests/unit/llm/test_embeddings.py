"""Vectors and ranks from an endpoint."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from posthouse.llm.connection import Line
from posthouse.llm.embeddings import TEXTS_AT_ONCE, HttpReranker, OpenAiEmbedder
from posthouse.llm.model import ModelError, ModelRefused
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
