"""A model that says what it was told to say: for tests, and for trying the house without a key."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable

from msgspec import Struct

from posthouse.llm.model import End, ModelError, Piece, Prompt, ToolCall, Usage, Words

WORD = re.compile(r"\s*\S{1,8}|\s+$")


class Line(Struct, frozen=True):
    """What to say when the newest words of the conversation match ``pattern``.

    ``error`` is raised behind the words; ``pause_s`` lies before each piece.
    """

    pattern: str
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    error: ModelError | None = None
    pause_s: float = 0.0


class Scripted:
    """Answers by a script; the first line whose pattern is found in the newest message wins.

    Every prompt is kept in ``prompts``, so that tests see what a model would have been told.
    ``cancelled`` counts answers that nobody wanted to hear to their end.

    Raises:
        LookupError: nothing in the script fits: a prompt that changed unseen fails its test.
    """

    def __init__(
        self,
        *lines: Line,
        name: str = "scripted",
        sees_pictures: bool = False,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.sees_pictures = sees_pictures
        self.prompt_tokens_max = 32_000
        self.lines = list(lines)
        self.prompts: list[Prompt] = []
        self.cancelled = 0
        self._sleep = sleep

    async def answer(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Say the line that fits."""
        self.prompts.append(prompt)
        line = self._line_for(prompt)
        is_whole = False
        try:
            for word in WORD.findall(line.text):
                await self._pause(line)
                yield Words(word)
            await self._pause(line)
            if line.error is not None:
                is_whole = True
                raise line.error
            for call in line.calls:
                yield call
            is_whole = True
            told = sum(len(said.text) for said in prompt.messages)
            yield Usage(self.name, told // 2, len(line.text) // 2)
            yield End("tools" if line.calls else "stop")
        finally:
            self.cancelled += not is_whole

    def _line_for(self, prompt: Prompt) -> Line:
        newest = prompt.messages[-1].text
        for line in self.lines:
            if re.search(line.pattern, newest, re.DOTALL):
                return line
        raise LookupError(f"nothing in the script answers {newest!r}")

    async def _pause(self, line: Line) -> None:
        if line.pause_s and self._sleep is not None:
            await self._sleep(line.pause_s)

    async def close(self) -> None:
        """Nothing to let go of."""
