"""The stages of an answer, for turns and for trials alike: nothing here speaks to anybody.

The files around it, in the order in which a question meets them, stand in "The road of a question"
of the documentation.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from msgspec.structs import replace

from posthouse.handlers.assistant import conclusions
from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.assistant.calls import Calls, Purse, Voice
from posthouse.handlers.assistant.finding import Finder, Understood
from posthouse.handlers.assistant.outgoing import Verdict, WordList, settled
from posthouse.handlers.assistant.references import is_small_talk
from posthouse.handlers.assistant.sentences import language_of, say
from posthouse.handlers.assistant.settings import AssistantOptions
from posthouse.handlers.assistant.writing import Writer
from posthouse.handlers.trying import Concluded, Growing, Stage, Tried

VoiceFor = Callable[[str | None], Voice | None]  # by its name; None: the first, "": none


class Answering:
    """Understand, find, judge, say, check, let out.

    Args:
        options: of the handler.
        finder: the first three.
        writer: the next two, where there is a model.
        voice_for: which one.
    """

    def __init__(
        self, options: AssistantOptions, finder: Finder, writer: Writer, voice_for: VoiceFor
    ) -> None:
        self._finder = finder
        self._writer = writer
        self._voice_for = voice_for
        self._words = WordList(options.block_words, options.hold_words, options.replace_words)
        self._quotes_from = options.quotes_from
        self._human_words = options.handoff_words

    def sees_pictures(self, model: str | None) -> bool:
        """Whether images are worth being fetched."""
        voice = self._voice_for(model)
        return voice is not None and voice.model.sees_pictures

    def may_leave(self, text: str, language: str) -> str:
        """Hold what something besides an answer says to the list of words."""
        return self.let_out(text) or say("blocked_words", language)

    def let_out(self, text: str, *, is_masked: bool = True) -> str:
        """Return a text as it may leave; nothing where it may not."""
        checked = self._words.check(text, is_masked=is_masked)
        return checked.text if checked.verdict is Verdict.PASSED else ""

    async def answer(self, asking: Asking, purse: Purse) -> AsyncGenerator[Tried]:
        """Answer a question; ``Concluded`` comes last.

        Args:
            asking: the question.
            purse: pays for the calls to a model.

        Raises:
            UsedUp: the question needs a model, and none may be asked today.
        """
        voice = self._voice_for(asking.rule.model)
        calls = Calls(voice, purse) if voice is not None and asking.has_tokens else None
        if calls is None or not calls.model.sees_pictures:
            asking = replace(asking, pictures=())
        language = asking.rule.language or language_of(asking.text, asking.language)
        if is_small_talk(asking.text) and not asking.pictures:
            yield conclusions.small_talk(asking, language)
            return
        if asking.rule.model and voice is None:
            yield Stage("model", f"{asking.rule.model} is not in [models]")
        understood = await self._finder.understand(asking, calls)
        for stage in understood.stages:
            yield stage
        async with aclosing(self._say(understood, calls, is_short=not asking.has_tokens)) as said:
            async for each in said:
                for out in self._let_out(each, understood):
                    yield out

    async def _say(
        self, understood: Understood, calls: Calls | None, *, is_short: bool
    ) -> AsyncGenerator[Tried]:
        """Say it, where one is sure."""
        if understood.exact is not None:
            yield conclusions.word_for_word(understood, understood.exact)
        elif not (understood.is_sure or await self._may_be_done(understood, calls)):
            yield conclusions.unsure(understood, self._human_words)
        elif calls is not None:
            async with aclosing(self._writer.write(understood, calls)) as pieces:
                async for piece in pieces:
                    yield piece
        elif understood.coverage < self._quotes_from:
            yield Stage("quotes", f"{understood.coverage:.2f}<{self._quotes_from:.2f}")
            yield conclusions.does_not_know(understood, self._human_words)
        elif is_short:
            yield conclusions.without_tokens(understood)
        else:
            yield conclusions.quoted(understood, human_words=self._human_words)

    async def _may_be_done(self, understood: Understood, calls: Calls | None) -> bool:
        """Whether a function may do what no document knows."""
        return calls is not None and await self._writer.has_functions(understood.asking)

    def _let_out(self, each: Tried, understood: Understood) -> tuple[Tried, ...]:
        """Hold everything that people would see to the list of words."""
        if isinstance(each, Concluded):
            is_addressed = understood.asking.is_addressed
            return (
                conclusions.let_out(
                    each,
                    self._words,
                    understood.language,
                    is_addressed=is_addressed,
                    is_fixed=understood.exact is not None,
                ),
            )
        if isinstance(each, Growing):
            checked = self._words.check(settled(each.text))
            is_out = checked.verdict is Verdict.PASSED and checked.text
            return (Growing(checked.text),) if is_out else ()
        return (each,)
