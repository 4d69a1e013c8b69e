"""Letting a model write an answer, and holding it to its sources."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from posthouse.handlers.assistant import conclusions, prompts, replies
from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.assistant.calls import Calls
from posthouse.handlers.assistant.citations import objection
from posthouse.handlers.assistant.errands import UNKNOWN, Errands
from posthouse.handlers.assistant.finding import Understood
from posthouse.handlers.assistant.scores import read_score
from posthouse.handlers.assistant.sentences import say
from posthouse.handlers.assistant.settings import AssistantOptions
from posthouse.handlers.assistant.sources import returned
from posthouse.handlers.assistant.support import Ground
from posthouse.handlers.trying import Concluded, Growing, Source, Stage, Tried
from posthouse.llm.model import End, ModelCutShort, ModelError, ToolCall, ToolOffer, Words

GROWS_BY: Final = 12  # characters between two looks at a growing answer
NOTE_CHARACTERS_MAX: Final = 500  # of what a model wanted to have done


class _Reply(Struct, frozen=True):
    """What a model answered: words, or a function that it wants called first."""

    text: str
    call: ToolCall | None = None


class Writer:
    """Asks models by the settings of one handler.

    Args:
        options: those.
        errands: carries out what a model wants to have done.
    """

    def __init__(self, options: AssistantOptions, errands: Errands) -> None:
        self._options = options
        self._errands = errands
        self._human_words = options.handoff_words

    async def has_functions(self, asking: Asking) -> bool:
        """Whether a model could have something done for who asks."""
        return bool(await self._errands.offers(asking))

    async def write(self, understood: Understood, calls: Calls) -> AsyncGenerator[Tried]:
        """Answer by a model; what was only overheard grows in nobody's sight."""
        is_addressed = understood.asking.is_addressed
        found = understood.sources if understood.is_sure else ()
        offers = await self._errands.offers(understood.asking)
        shown = prompts.fitting(found, calls.model.prompt_tokens_max - prompts.size_of(offers))
        try:
            if not is_addressed:
                objecting = await self._is_beside_the_point(understood, shown, calls)
                yield Stage("relevance", objecting or "enough")
                if objecting:
                    yield Concluded(reason=f"unsure {objecting}", bases=understood.bases)
                    return
            async with aclosing(self._answer(understood, shown, offers, calls)) as pieces:
                async for piece in pieces:
                    if is_addressed or not isinstance(piece, Growing):
                        yield piece
        except ModelError as problem:
            yield Stage("model", f"{problem.code}: {problem}")
            yield conclusions.failed(understood, problem)

    async def _is_beside_the_point(
        self, understood: Understood, shown: tuple[Source, ...], calls: Calls
    ) -> str:
        """Let the model judge what nobody has asked it; what cannot be read is a no."""
        wanted = self._options.relevance_min
        if not wanted:
            return ""
        score = read_score(await calls.whole(prompts.rating(understood.asking, shown)))
        if score is None:
            return "unreadable"
        return f"{score:.1f}<{wanted:.1f}" if score < wanted else ""

    async def _answer(
        self,
        understood: Understood,
        shown: tuple[Source, ...],
        offers: tuple[ToolOffer, ...],
        calls: Calls,
    ) -> AsyncGenerator[Tried]:
        asking = understood.asking
        brief = prompts.Brief(
            asking=asking,
            query=understood.query,
            sources=shown,
            language=understood.language,
            tools=offers,
            has_humans=bool(self._human_words) and asking.is_addressed,
        )
        while True:
            reply = _Reply("")
            async with aclosing(self._reply(brief, calls)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, _Reply):
                        reply = piece
                    else:
                        yield piece
            if reply.call is None or brief.results:
                break
            done = await self._errands.carry_out(reply.call, asking, understood.language)
            wanted = f"{reply.call.name} {reply.call.arguments}"[:NOTE_CHARACTERS_MAX]
            yield Stage("tool", f"{wanted}: {done.outcome}")
            if done.outcome == UNKNOWN:
                yield conclusions.misread(understood)
                return
            if done.conclusion is not None:
                yield done.conclusion
                return
            result = returned(len(shown) + 1, done.title, done.result)
            brief = replace(brief, results=(result,), tools=())
            if not calls.left:
                yield conclusions.told(understood, brief.results)
                return
        for each in self._held_to_sources(understood, brief, reply.text):
            yield each

    async def _reply(self, brief: prompts.Brief, calls: Calls) -> AsyncGenerator[Growing | _Reply]:
        """Hear a model out; the whole reply comes last. Without a source nothing can be said."""
        prompt = prompts.answering(brief, calls.voice)
        may_grow = bool(brief.sources or brief.results)
        text, call, grown, ended = "", None, 0, ""
        async with aclosing(calls.stream(prompt)) as pieces:
            async for piece in pieces:
                match piece:
                    case Words(text=more):
                        text += more
                        is_due = may_grow and len(text) - grown >= GROWS_BY
                        if is_due and not replies.may_be_control(text):
                            grown = len(text)
                            yield Growing(text)
                    case ToolCall():
                        call = call or piece
                    case End(reason=reason):
                        ended = reason
                    case _:
                        pass
        if ended in {"length", "filtered"}:
            raise ModelCutShort(f"the answer ended early: {ended}")
        yield _Reply(text, call)

    def _held_to_sources(
        self, understood: Understood, brief: prompts.Brief, text: str
    ) -> list[Tried]:
        """Check what was written; what fails is replaced by quotations, or by silence."""
        shown = (*brief.sources, *brief.results)
        match replies.control(text):
            case "unknown":
                return [
                    Stage("checked", "unknown"),
                    conclusions.does_not_know(understood, self._human_words),
                ]
            case "handoff" if self._human_words and understood.asking.is_addressed:
                offer = Concluded(
                    reason=conclusions.ANSWERED,
                    answer=say("offer_human", understood.language),
                    bases=understood.bases,
                    offer="human",
                )
                return [Stage("checked", "handoff"), offer]
        problem = objection(text, _ground(understood, shown))
        if not problem:
            return [Stage("checked", "cited"), conclusions.written(understood, text, shown)]
        return [Stage("checked", problem), self._instead(understood, brief.results, problem)]

    def _instead(
        self, understood: Understood, results: tuple[Source, ...], problem: str
    ) -> Concluded:
        """Say what can be said in place of what was written."""
        if not understood.asking.is_addressed:
            return Concluded(reason=f"unsure {problem}", bases=understood.bases)
        if results:
            return conclusions.told(understood, results)
        if problem == "does_not_know" or not understood.is_sure:
            return conclusions.does_not_know(understood, self._human_words)
        return conclusions.quoted(understood)


def _ground(understood: Understood, shown: tuple[Source, ...]) -> Ground:
    """Return what an answer may rest on."""
    sources = ["\n".join((each.title, *each.headings, each.text)) for each in shown]
    return Ground(sources, given=(understood.asking.text, understood.query))
