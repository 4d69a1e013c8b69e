"""The ways a question can end, in words."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.assistant.citations import cited, tidy
from posthouse.handlers.assistant.extract import extracted, whole
from posthouse.handlers.assistant.finding import Understood
from posthouse.handlers.assistant.lacking import Lack, lack
from posthouse.handlers.assistant.outgoing import Checked, Verdict, WordList
from posthouse.handlers.assistant.sentences import has, say
from posthouse.handlers.assistant.sources import fixed, listed
from posthouse.handlers.trying import Concluded, Source
from posthouse.knowledge.passage import Passage
from posthouse.llm.model import ModelError

ANSWERED = "answered"

Check = Callable[[str], Checked]


def small_talk(asking: Asking, language: str) -> Concluded:
    """Greet who greets the bot; chatter that was overheard is left alone."""
    sentence = "no_picture" if asking.pictures_sent else "hello"
    answer = say(sentence, language) if asking.is_addressed else ""
    return Concluded(reason="not_a_question", answer=answer)


def word_for_word(understood: Understood, exact: Passage) -> Concluded:
    """Say a fixed answer as it was written."""
    return Concluded(
        reason=ANSWERED, answer=exact.text, bases=understood.bases, sources=(fixed(exact),)
    )


def unsure(understood: Understood, human_words: Sequence[str]) -> Concluded:
    """Say that one does not know, to who has asked; stay silent where it was overheard."""
    if understood.asking.is_addressed:
        return does_not_know(understood, human_words)
    reason = f"unsure {understood.score:.2f}<{understood.threshold:.2f}"
    return _ended(understood, reason)


def does_not_know(understood: Understood, human_words: Sequence[str]) -> Concluded:
    """Say so, and what can be done.

    Args:
        understood: the question.
        human_words: what brings a human; none where nothing does.
    """
    language = understood.language
    if not understood.asking.is_addressed:
        return _ended(understood, "not_in_knowledge")
    sentences = [say("not_in_knowledge", language), say("rephrase", language)]
    if _is_blind(understood.asking):
        sentences = [say("not_in_knowledge", language), say("no_picture", language)]
    if human_words:
        word = _in_language(human_words, language)
        sentences.append(say("ask_a_human", language, word=word))
    return _ended(understood, "not_in_knowledge", ("" if language == "zh" else " ").join(sentences))


def _in_language(words: Sequence[str], language: str) -> str:
    """Choose a word that can be typed by who reads it."""
    return next((word for word in words if word.isascii() == (language == "en")), words[0])


def quoted(
    understood: Understood,
    reason: str = ANSWERED,
    before: str = "",
    above: str = "quoted",
    human_words: Sequence[str] = (),
) -> Concluded:
    """Answer with the words of the documents, and never as if they spoke of what they do not.

    Args:
        understood: the question.
        reason: how it ends.
        before: is said first.
        above: names the sentence that stands above them; empty for none.
        human_words: what brings a human; none where nothing does.
    """
    language = understood.language
    words, sources = extracted(understood.weights, understood.sources, language)
    cited_sources = tuple(source for source in sources if source.is_cited)
    lacking = lack(understood.query, understood.weights, whole(cited_sources))
    if not cited_sources or (reason == ANSWERED and _is_beside_the_point(lacking, understood)):
        return does_not_know(understood, human_words)
    blind = say("picture_not_seen", language) if _is_blind(understood.asking) else ""
    opening = above and say(above, language)
    if lacking.is_told:
        opening = say("closest", language, what=lacking.told(language))
        reason = "not_in_knowledge" if reason == ANSWERED else reason
    answer = "\n\n".join(filter(None, (blind, before, opening, words)))
    return replace(_ended(understood, reason, answer), sources=sources)


def _is_beside_the_point(lacking: Lack, understood: Understood) -> bool:
    """Whether quotations would only get in the way; nobody has asked for what comes close."""
    is_addressed = understood.asking.is_addressed
    return lacking.is_told and (not is_addressed or lacking.is_subject(understood.coverage))


def written(understood: Understood, text: str, shown: tuple[Source, ...]) -> Concluded:
    """Answer with the words of a model, which have been checked, and list what they rest on."""
    numbers = frozenset(cited(text))
    sources = tuple(replace(source, is_cited=source.number in numbers) for source in shown)
    language, asking = understood.language, understood.asking
    opening = f"{say('picture_not_seen', language)}\n\n" if _is_blind(asking) else ""
    answer = f"{opening}{tidy(text).strip()}\n\n{listed(sources, language)}"
    return replace(_ended(understood, ANSWERED, answer), sources=sources)


def told(understood: Understood, results: tuple[Source, ...]) -> Concluded:
    """Answer with what functions have said, word for word."""
    cited_results = tuple(replace(result, is_cited=True) for result in results)
    words = "\n\n".join(result.text for result in results if result.text.strip())
    answer = words or say("tool_silent", understood.language)
    return replace(_ended(understood, ANSWERED, answer), sources=cited_results)


def failed(understood: Understood, problem: ModelError) -> Concluded:
    """Say in one sentence what was wrong with the model, and quote the documents instead."""
    code = problem.code if has(problem.code) else ModelError.code
    return _without_model(understood, code, code)


def misread(understood: Understood) -> Concluded:
    """Say that a model wanted what there is not, and quote the documents instead."""
    return _without_model(understood, ModelError.code, "tool_misread")


def _without_model(understood: Understood, reason: str, sentence: str) -> Concluded:
    if not understood.asking.is_addressed:
        return _ended(understood, reason)
    told = say(sentence, understood.language)
    if not understood.is_sure:  # a model was asked for what it could have had done
        return _ended(understood, reason, told)
    return quoted(understood, reason, told, "in_documents")


def without_tokens(understood: Understood) -> Concluded:
    """Say that the day's tokens are used up, and quote the documents instead."""
    if not understood.asking.is_addressed:
        return _ended(understood, "tokens_used_up")
    return quoted(understood, "tokens_used_up", say("tokens_used_up", understood.language), "")


def let_out(
    conclusion: Concluded,
    words: WordList,
    language: str,
    *,
    is_addressed: bool,
    is_fixed: bool = False,
) -> Concluded:
    """Hold an answer to the list of words; what may not leave becomes a sentence, or silence.

    The passages go where the answer goes, and are held to the same list. In a fixed answer nothing
    is masked: who wrote down what is to be said meant the number in it to be called. Nor in what a
    person is asked to agree to: they must see what would be done, all of it, or not be asked.
    """
    is_agreed_to = conclusion.offer in {"tool", "answer"}
    check = functools.partial(words.check, is_masked=not (is_fixed or is_agreed_to))
    shown = tuple(_shown(source, check) for source in conclusion.sources)
    conclusion = replace(conclusion, sources=shown)
    checked = check(conclusion.answer)
    is_other = conclusion.offer == "tool" and checked.text != conclusion.answer
    if checked.verdict is Verdict.PASSED and not is_other:
        return replace(conclusion, answer=checked.text)
    reason = "held_for_review" if checked.verdict is Verdict.HELD else "blocked_words"
    answer = say(reason, language) if is_addressed else ""
    return replace(conclusion, reason=reason, answer=answer, held=checked.text, offer="")


def _is_blind(asking: Asking) -> bool:
    """Whether pictures came along that nobody could look at."""
    return asking.pictures_sent > len(asking.pictures)


def _shown(source: Source, check: Check) -> Source:
    return replace(
        source,
        title=_passed(source.title, check),
        text=_passed(source.text, check),
        headings=tuple(_passed(heading, check) for heading in source.headings),
        address=_passed(source.address, check),
    )


def _passed(text: str, check: Check) -> str:
    checked = check(text)
    return checked.text if checked.verdict is Verdict.PASSED else ""


def _ended(understood: Understood, reason: str, answer: str = "") -> Concluded:
    is_judged = understood.exact is None
    return Concluded(
        reason=reason,
        answer=answer,
        score=understood.score if is_judged else None,
        threshold=understood.threshold if is_judged else None,
        bases=understood.bases,
        sources=understood.sources,
    )
