"""What a model wants to have done: looked at, confirmed by the person, done."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.assistant.sentences import say
from posthouse.handlers.assistant.tools import RESULT_CHARACTERS_MAX, ToolFailed, Tools
from posthouse.handlers.trying import Concluded
from posthouse.llm.model import ToolCall, ToolOffer


class Done(Struct, frozen=True):
    """What became of it."""

    outcome: str  # for the note
    result: str = ""  # what the function returned
    conclusion: Concluded | None = None  # where the question ends with it


class Errands:
    """Runs tools; nothing with side effects runs before the person has said yes."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def offers(self, asking: Asking) -> tuple[ToolOffer, ...]:
        """Return what a model may be offered: what this person may have done."""
        return await self._tools.offers(asking) if asking.is_addressed else ()

    async def carry_out(self, call: ToolCall, asking: Asking, language: str) -> Done:
        """Do what a model wants, or ask the person first."""
        wanted = await self._tools.wanted(call, asking)
        if wanted is None or not asking.is_addressed:
            return Done("unknown", conclusion=_refused(call.name, language))
        if not wanted.ruling.is_allowed:
            return Done(wanted.ruling.reason, conclusion=_refused(call.name, language))
        if wanted.tool.has_side_effects:
            what = wanted.tool.described(wanted.arguments, language)
            ask = say("confirm_tool", language, what=what)
            state = msgspec.json.encode(call).decode()
            return Done(
                "asked",
                conclusion=Concluded(reason="answered", answer=ask, offer="tool", state=state),
            )
        try:
            result = await wanted.tool.run(wanted.arguments, asking.person.id, asking.chat)
        except ToolFailed as problem:
            return Done(f"failed: {problem}", say_failed(call.name, problem, language))
        return Done("done", result[:RESULT_CHARACTERS_MAX])

    async def confirmed(self, state: str, asking: Asking, language: str) -> str:
        """Do what the person has said yes to, if they still may; returns what is said."""
        call = msgspec.json.decode(state, type=ToolCall)
        wanted = await self._tools.wanted(call, asking)
        if wanted is None or not wanted.ruling.is_allowed:
            return say("tool_not_allowed", language, what=call.name)
        try:
            result = await wanted.tool.run(wanted.arguments, asking.person.id, asking.chat)
        except ToolFailed as problem:
            return say_failed(call.name, problem, language)
        return result[:RESULT_CHARACTERS_MAX]


def _refused(name: str, language: str) -> Concluded:
    return Concluded(reason="not_granted", answer=say("tool_not_allowed", language, what=name))


def say_failed(name: str, problem: ToolFailed, language: str) -> str:
    """Put into words why a function has failed."""
    return say("tool_failed", language, what=name, why=problem.sentence(language))
