"""What a model wants to have done: looked at, confirmed by the person, done."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.assistant.pending import Pending, asked_by
from posthouse.handlers.assistant.sentences import say
from posthouse.handlers.assistant.tools import Result, Tools, Wanted
from posthouse.handlers.handler import CannotAnswer
from posthouse.handlers.trying import Concluded
from posthouse.knowledge.masking import mask
from posthouse.llm.model import ToolCall, ToolOffer
from posthouse.model.turn import Answer

RESULT_CHARACTERS_MAX: Final = 8000
UNKNOWN: Final = "unknown"  # the outcome where a model has made up a name, or wrote no JSON object
SHOWN_CHARACTERS_MAX: Final = 3000  # of what a person can be asked to confirm


class Done(Struct, frozen=True, kw_only=True):
    """What became of it."""

    outcome: str  # for the note
    title: str = ""  # of the function
    result: str = ""  # what it returned
    conclusion: Concluded | None = None  # where the question ends with it


class Errands:
    """Runs tools; nothing with side effects runs before the person has said yes."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def offers(self, asking: Asking) -> tuple[ToolOffer, ...]:
        """Return what a model may be offered: what this person may have done."""
        return await self._tools.offers(asking) if asking.is_addressed else ()

    async def carry_out(self, call: ToolCall, asking: Asking, language: str) -> Done:
        """Do what a model wants, or ask the person first.

        Raises:
            CannotAnswer: it ended badly, and operators should look at the log.
        """
        wanted = await self._tools.wanted(call, asking)
        if wanted is None or not asking.is_addressed:
            return Done(outcome=UNKNOWN)
        if not wanted.ruling.is_allowed:
            refused = _refused(wanted.function.title, language)
            return Done(outcome=wanted.ruling.reason, conclusion=refused)
        try:
            if wanted.function.has_side_effects or asking.is_trial:
                return await self._shown(call, wanted, asking, language)
            return await self._at_once(call.name, wanted, asking)
        except CannotAnswer as end:  # it ends the question as if the person had run it
            if end.details:
                raise
            ended = Concluded(reason=end.reason, answer=end.sentence)
            return Done(outcome=end.reason, conclusion=ended)

    async def _shown(self, call: ToolCall, wanted: Wanted, asking: Asking, language: str) -> Done:
        """Say what would be done; nobody is asked about what cannot be done."""
        await wanted.tool.check(wanted.arguments, asking)
        what = wanted.described(language)
        if asking.is_trial:
            return Done(outcome="trial", conclusion=_said("tool_trial", language, what))
        return Done(outcome="asked", conclusion=_confirmation(call, what, language))

    async def _at_once(self, name: str, wanted: Wanted, asking: Asking) -> Done:
        """Run what changes nothing."""
        result = await self._run(wanted, asking)
        if result.ask is not None:
            return Done(outcome="asks", conclusion=_question(name, result))
        return Done(outcome="done", title=wanted.function.title, result=result.text)

    async def go_on(
        self, pending: Pending, answer: Answer, asking: Asking, language: str
    ) -> Result:
        """Do what the person has said yes to, or hand on their answer to what a function asked.

        Raises:
            CannotAnswer: they may not any more, or it ended badly.
        """
        if pending.kind == "answer":
            call = ToolCall("", pending.call, "{}")
        else:
            call = msgspec.json.decode(pending.call, type=ToolCall)
        wanted = await self._tools.wanted(call, asking)
        if wanted is None or not wanted.ruling.is_allowed:
            reason = wanted.ruling.reason if wanted is not None else "not_granted"
            title = wanted.function.title if wanted is not None else call.name
            raise CannotAnswer(reason, say("tool_not_allowed", language, what=title))
        if pending.kind == "answer":
            result = _held(await wanted.tool.go_on(replace(answer, state=pending.state), asking))
        else:
            result = await self._run(wanted, asking)
        if result.ask is None:
            return result
        return replace(result, ask=asked_by(call.name, result.ask))

    @staticmethod
    async def _run(wanted: Wanted, asking: Asking) -> Result:
        return _held(await wanted.tool.run(wanted.arguments, asking))


def _confirmation(call: ToolCall, what: str, language: str) -> Concluded:
    """Ask for a yes to just this; what cannot be shown as a whole cannot be agreed to."""
    if len(what) > SHOWN_CHARACTERS_MAX:
        return _said("tool_too_long", language, "")
    ask = say("confirm_tool", language, what=what)
    state = msgspec.json.encode(call).decode()
    return Concluded(reason="answered", answer=ask, offer="tool", state=state)


def _question(name: str, result: Result) -> Concluded:
    """Ask in the words of a function that asks by itself."""
    assert result.ask is not None
    state = msgspec.json.encode(asked_by(name, result.ask)).decode()
    return Concluded(reason="answered", answer=result.words, offer="answer", state=state)


def _refused(what: str, language: str) -> Concluded:
    return Concluded(reason="not_granted", answer=say("tool_not_allowed", language, what=what))


def _said(sentence: str, language: str, what: str) -> Concluded:
    return Concluded(reason="answered", answer=say(sentence, language, what=what))


def _held(result: Result) -> Result:
    """Mask and shorten what was said; what is asked stays as it is, to be agreed to."""
    masked = mask(result.text[: 2 * RESULT_CHARACTERS_MAX])  # no number is cut before it is masked
    is_long = len(masked) > RESULT_CHARACTERS_MAX
    return replace(result, text=f"{masked[:RESULT_CHARACTERS_MAX]} …" if is_long else masked)
