"""From a message to what is known about it: understood, looked up, judged."""

from __future__ import annotations

from typing import Final, Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from posthouse.handlers.assistant import prompts, replies
from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.assistant.calls import Calls
from posthouse.handlers.assistant.extract import weights_of
from posthouse.handlers.assistant.gates import Gates
from posthouse.handlers.assistant.references import carried, leans
from posthouse.handlers.assistant.sentences import language_of
from posthouse.handlers.assistant.settings import AssistantOptions
from posthouse.handlers.assistant.sources import numbered
from posthouse.handlers.trying import Source, Stage
from posthouse.knowledge.passage import Found, Passage
from posthouse.knowledge.usual import Freshen, bases_for
from posthouse.llm.model import ModelError
from posthouse.store.documents import Documents

QUERY_CHARACTERS_MAX: Final = 2000
MET_MIN: Final = 0.6  # of the question's weight in one passage: who asks us is shown it, see below

log = structlog.get_logger("posthouse.assistant")


class Library(Protocol):
    """Where passages are found (``knowledge.library.Library``)."""

    async def find(self, bases: tuple[str, ...], query: str, limit: int = 8) -> Found:
        """Return the passages that fit a question best, without those under quarantine."""
        ...


class Understood(Struct, frozen=True, kw_only=True):
    """A question with what was found for it."""

    asking: Asking
    query: str  # what was looked up
    language: str  # of the answer
    bases: tuple[str, ...]
    stages: tuple[Stage, ...]  # how it came to this
    sources: tuple[Source, ...] = ()
    weights: dict[str, float] = {}  # of the words of the question, by their rarity
    exact: Passage | None = None  # a fixed answer to just this
    coverage: float = 0.0  # share of the question's words that the best passage holds
    score: float = 0.0  # of the gate
    threshold: float = 0.0
    is_met: bool = False  # asked of us, in the very words of a passage

    @property
    def is_sure(self) -> bool:
        """Whether it is to be answered from what was found."""
        return bool(self.sources) and (self.score >= self.threshold or self.is_met)


class Finder:
    """Looks questions up by the settings of one handler.

    Args:
        options: those.
        documents: knows which bases there are.
        library: finds passages.
        gates: judge what was found.
        freshen: is called before a base is asked.
    """

    def __init__(
        self,
        options: AssistantOptions,
        documents: Documents,
        library: Library,
        gates: Gates,
        freshen: Freshen,
    ) -> None:
        self._freshen = freshen
        self._options = options
        self._documents = documents
        self._library = library
        self._gates = gates

    async def understand(self, asking: Asking, calls: Calls | None) -> Understood:
        """Find what was asked, and judge whether it is an answer."""
        bases = await bases_for(self._documents, self._freshen, asking.rule.bases or ())
        plain = asking.text[:QUERY_CHARACTERS_MAX]
        understood = Understood(
            asking=asking,
            query=plain,
            language=asking.rule.language or language_of(plain, asking.language),
            bases=bases,
            stages=(Stage("knowledge", ", ".join(bases)),),
        )
        found = await self._find(bases, plain)
        if found.exact is None and (query := await self._resolved(asking, plain, calls)) != plain:
            understood = _noted(replace(understood, query=query), "understood_as", query)
            found = await self._find(bases, query)
        if found.exact is not None:
            exact = found.exact
            return _noted(replace(understood, exact=exact), "fixed_answer", exact.key)
        return await self._judged(understood, found)

    async def _judged(self, understood: Understood, found: Found) -> Understood:
        asking, sources = understood.asking, numbered(found.hits)
        gate = await self._gates.of(understood.bases)
        judgement = gate.judge(understood.query, found, is_addressed=asking.is_addressed)
        options, score = self._options, judgement.score
        own = options.addressed_threshold if asking.is_addressed else options.overheard_threshold
        threshold = judgement.threshold if own is None else own
        # Three words are little evidence for a gate. But who asks us, and names what a passage is
        # about, wants to read it; unless somebody has set the line by hand.
        is_met = asking.is_addressed and own is None and found.coverage >= MET_MIN
        judged = replace(
            understood,
            sources=sources,
            weights=weights_of(found),
            coverage=found.coverage,
            score=score,
            threshold=threshold,
            is_met=is_met,
        )
        judged = _noted(judged, "found", " ".join(f"{source.score:.2f}" for source in sources))
        sign = ">=" if score >= threshold else "<"
        why = (
            f"{judgement.why}, {found.coverage:.2f} of it in one passage"
            if is_met
            else judgement.why
        )
        return _noted(judged, "gate", f"{score:.2f}{sign}{threshold:.2f} {why}".strip())

    async def _find(self, bases: tuple[str, ...], query: str) -> Found:
        return await self._library.find(bases, query, self._options.passages_max)

    async def _resolved(self, asking: Asking, plain: str, calls: Calls | None) -> str:
        """Put in what a message leans on: by a model where there is one, else by words.

        What is overheard must be understood by itself.
        """
        is_leaning = bool(asking.history) and leans(plain)
        if not asking.is_addressed or not (is_leaning or asking.pictures):
            return plain
        otherwise = carried(plain, asking.history)
        if calls is None:
            return otherwise
        try:
            said = await calls.whole(prompts.rewriting(asking, calls.model.prompt_tokens_max))
        except ModelError as problem:
            log.warning("question_not_rewritten", problem=str(problem))
            return otherwise
        return replies.question(said) or otherwise


def _noted(understood: Understood, name: str, value: str) -> Understood:
    return replace(understood, stages=(*understood.stages, Stage(name, value)))
