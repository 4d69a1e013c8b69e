"""A model behind OpenAI's chat protocol: qwen, deepseek, kimi, vLLM, ollama and the rest.

The protocol's library is imported on the first call: it takes half a second and 40 MB, which a
house without a model does not pay.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from posthouse.llm.connection import Line, as_model_errors, connect
from posthouse.llm.model import (
    End,
    ModelCutShort,
    ModelSilent,
    Picture,
    Piece,
    Prompt,
    Said,
    ToolCall,
    Usage,
    Words,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

ANSWER_CHARACTERS_MAX = 64_000  # a model that never ends is cut off
CALLS_MAX = 16
CHARACTERS_PER_TOKEN = 2  # a careful guess for Chinese and English, where nobody counts for us

_REASONS: dict[str, Literal["stop", "length", "tools", "filtered"]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "filtered",
}


class OpenAiModel:
    """See ``llm.model.Model``.

    Args:
        name: what the settings call it.
        model: what the other side calls it.
        line: how it is reached.
        sees_pictures: whether it can be shown images.
        prompt_tokens_max: how much it can be told at once.
    """

    def __init__(
        self,
        name: str,
        model: str,
        line: Line,
        *,
        sees_pictures: bool = False,
        prompt_tokens_max: int = 32_000,
    ) -> None:
        self.name = name
        self.sees_pictures = sees_pictures
        self.prompt_tokens_max = prompt_tokens_max
        self._model = model
        self._line = line
        self._client: AsyncOpenAI | None = None
        self._counts_tokens = True  # until the other side does not know what that is

    async def answer(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Answer piece by piece."""
        has_begun = False
        try:
            async with as_model_errors(self.name), aclosing(self._read(prompt)) as pieces:
                async for piece in pieces:
                    has_begun = True
                    yield piece
        except ModelSilent as problem:
            if has_begun:
                raise ModelCutShort(str(problem)) from problem
            raise

    async def _read(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        stream = await self._open(prompt)
        reading = _Reading(self.name, prompt)
        try:
            async for chunk in stream:
                for piece in reading.take(chunk):
                    yield piece
            for piece in reading.end():
                yield piece
        finally:
            await stream.close()

    async def _open(self, prompt: Prompt) -> AsyncStream[ChatCompletionChunk]:
        from openai import BadRequestError

        request = _request(self._model, prompt)
        if self._client is None:
            self._client = connect(self._line)
        create: Any = self._client.chat.completions.create
        stream: AsyncStream[ChatCompletionChunk]
        if self._counts_tokens:
            try:
                stream = await create(**request, stream_options={"include_usage": True})
            except BadRequestError as problem:
                if "stream_options" not in str(problem):
                    raise
                self._counts_tokens = False
        if not self._counts_tokens:
            stream = await create(**request)
        return stream

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None


class _Reading:
    """Puts the chunks of one answer together."""

    def __init__(self, name: str, prompt: Prompt) -> None:
        self._name = name
        self._prompt = prompt
        self._counted: Usage | None = None
        self._characters = 0
        self._reason: str | None = None
        self._calls: dict[int, list[str]] = {}  # place → id, name, arguments

    def take(self, chunk: ChatCompletionChunk) -> Iterator[Piece]:
        """Return what a chunk adds.

        Raises:
            ModelCutShort: the answer never ends.
        """
        if chunk.usage is not None:
            usage = chunk.usage
            self._counted = Usage(self._name, usage.prompt_tokens, usage.completion_tokens)
        for choice in (chunk.choices or ())[:1]:
            self._reason = choice.finish_reason or self._reason
            for call in choice.delta.tool_calls or ():
                self._take_call(call)
            if choice.delta.content:
                self._count(choice.delta.content)
                yield Words(choice.delta.content)

    def _take_call(self, call: ChoiceDeltaToolCall) -> None:
        if len(self._calls) >= CALLS_MAX and call.index not in self._calls:
            raise ModelCutShort(f"{self._name} wants more than {CALLS_MAX} things done at once")
        whole = self._calls.setdefault(call.index, ["", "", ""])
        whole[0] = call.id or whole[0]
        if call.function is not None:
            whole[1] = call.function.name or whole[1]
            whole[2] += call.function.arguments or ""
            self._count(call.function.arguments or "")

    def _count(self, text: str) -> None:
        self._characters += len(text)
        if self._characters > ANSWER_CHARACTERS_MAX:
            raise ModelCutShort(f"{self._name} did not end after {self._characters} characters")

    def end(self) -> Iterator[Piece]:
        """Return what is known when the stream has ended.

        Raises:
            ModelCutShort: it ended in the middle.
        """
        if self._reason is None:
            raise ModelCutShort(f"{self._name} broke off in the middle of its answer")
        for _, (call, name, arguments) in sorted(self._calls.items()):
            yield ToolCall(call, name, arguments)
        yield self._counted or self._guessed()
        yield End(_REASONS.get(self._reason, "stop"))

    def _guessed(self) -> Usage:
        told = sum(len(said.text) for said in self._prompt.messages)
        return Usage(
            self._name,
            told // CHARACTERS_PER_TOKEN,
            self._characters // CHARACTERS_PER_TOKEN,
            is_estimated=True,
        )


def _request(model: str, prompt: Prompt) -> dict[str, object]:
    request: dict[str, object] = {
        "model": model,
        "messages": [_message(said) for said in prompt.messages],
        "stream": True,
        "max_tokens": prompt.answer_tokens_max,
        "temperature": prompt.temperature,
    }
    if prompt.tools:
        request["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": msgspec.json.decode(tool.parameters),
                },
            }
            for tool in prompt.tools
        ]
    if prompt.schema:
        request["response_format"] = {
            "type": "json_schema",
            "json_schema": {
                "name": "answer",
                "schema": msgspec.json.decode(prompt.schema),
                "strict": True,
            },
        }
    return request


def _message(said: Said) -> dict[str, object]:
    message: dict[str, object] = {"role": said.role, "content": said.text}
    if said.pictures:
        message["content"] = [
            {"type": "text", "text": said.text},
            *({"type": "image_url", "image_url": {"url": _url(each)}} for each in said.pictures),
        ]
    if said.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in said.calls
        ]
    if said.answers_call:
        message["tool_call_id"] = said.answers_call
    return message


def _url(picture: Picture) -> str:
    return f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode()}"
