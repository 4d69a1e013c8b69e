"""知识 · 试一试: ask as somebody in some chat; nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import structlog
from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from posthouse.console import states
from posthouse.console.asking import Ask, Entry, number_of
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name
from posthouse.console.pages import Pages
from posthouse.console.problems import Declined
from posthouse.console.states import Mood
from posthouse.console.words import words_of
from posthouse.handlers.trying import Concluded, Stage, Trial, Tried, Tries
from posthouse.model.errors import PosthouseError
from posthouse.model.permission import OperatorRole
from posthouse.model.reasons import explain
from posthouse.settings.language import Said
from posthouse.store.reader import EventRow

QUESTIONS_MAX = 50
QUESTION_CHARS_MAX = 2000
PERSON_CHARS_MAX = 256
AT_ONCE = 4
WITHIN_S = 240.0  # all of them
CHATS_OFFERED = 300
HEARD_LOOKED_AT = 200
ANSWERED = "answered"  # other ends may say an honest sentence
OPERATOR = OperatorRole.OPERATOR
TOO_MANY = Said(
    f"一次最多 {QUESTIONS_MAX} 个问题，每行一个，每个最多 {QUESTION_CHARS_MAX} 字。",
    f"At most {QUESTIONS_MAX} questions at a time, one a line, of {QUESTION_CHARS_MAX}"
    " characters each.",
)

log = structlog.get_logger("posthouse.console")


class Outcome(Struct, frozen=True, kw_only=True):
    """What would have become of a question."""

    question: str
    mood: Mood
    problem: str = ""  # why it could not be tried
    stages: tuple[Stage, ...] = ()
    concluded: Concluded | None = None


class Trying:
    """Asks the handlers that answer questions, by the same stages as a chat does."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/knowledge/try", self._show, OPERATOR),
            Entry("POST", "/knowledge/try", self._try, OPERATOR),
        )

    async def _show(self, ask: Ask) -> Response:
        chosen = {"chat": ask.query("chat"), "questions": ask.query("q")}
        return await self._page(ask, {"addressed": "1", **chosen}, ())

    async def _try(self, ask: Ask) -> Response:
        questions = [line.strip() for line in ask.form.get("questions", "").splitlines()]
        questions = [line for line in questions if line]
        is_fit = 0 < len(questions) <= QUESTIONS_MAX
        if not is_fit or any(len(line) > QUESTION_CHARS_MAX for line in questions):
            raise Declined("not_understood", TOO_MANY)
        tries = self._around.tries().get(ask.form.get("handler", ""))
        if tries is None:
            raise Declined("changed_meanwhile")
        trials = await self._trials(ask, questions)
        outcomes = await attempted(tries, trials, ask.language)
        return await self._page(ask, ask.form, outcomes)

    async def _trials(self, ask: Ask, questions: Sequence[str]) -> list[Trial]:
        number = number_of(ask.form.get("chat", "") or "0") or 0
        chat = await self._books.chats.get(number) if number else None
        people = await self._people(number) if number else {}
        person = ask.form.get("person", "")[:PERSON_CHARS_MAX]
        known = people.get(person)
        same = Trial(
            question="",
            author=ask.visitor.author,
            bot="" if chat is None else chat.bot,
            chat=0 if chat is None else chat.id,
            person=person,
            person_name="" if known is None else known.sender_name,
            is_addressed=bool(ask.form.get("addressed")),
            at=self._around.clock(),
            language=ask.language,
        )
        return [replace(same, question=question) for question in questions]

    # --- the page -----------------------------------------------------------------------

    async def _page(self, ask: Ask, form: dict[str, str], outcomes: Sequence[Outcome]) -> Response:
        chat = number_of(form.get("chat", "") or "0") or 0
        people = await self._people(chat) if chat else {}
        return self._pages.show(
            ask,
            "knowledge_try.html",
            tab="try",
            handlers=list(self._around.tries()),
            chats=await self._chats(ask.language),
            people={
                platform_id: event.sender_name or platform_id
                for platform_id, event in people.items()
            },
            form=form,
            outcomes=outcomes,
            answered=sum(each.mood.tone == states.GOOD for each in outcomes),
            questions_max=QUESTIONS_MAX,
        )

    async def _chats(self, language: str) -> dict[int, str]:
        chats = await self._books.chats.list(CHATS_OFFERED)
        last = await self._books.reader.last_heard(tuple(chat.id for chat in chats))
        return {
            chat.id: f"{chat_name(chat, last.get(chat.id), language)} · {chat.bot}"
            for chat in chats
            if chat.bot in self._around.bots
        }

    async def _people(self, chat: int) -> dict[str, EventRow]:
        """Return who spoke in a chat lately, by platform id, with the newest they said."""
        page = await self._books.reader.page(chat, None, HEARD_LOOKED_AT)
        return {heard.event.sender_id: heard.event for heard in page.heard if heard.event.sender_id}


async def attempted(tries: Tries, trials: Sequence[Trial], language: str) -> list[Outcome]:
    """Try questions, a few at once; those that are not done in time say so."""
    room = asyncio.Semaphore(AT_ONCE)
    until = asyncio.get_running_loop().time() + WITHIN_S

    async def one(trial: Trial) -> Outcome:
        async with room:
            return await _attempt(tries, trial, language, until)

    return list(await asyncio.gather(*map(one, trials)))


async def _attempt(tries: Tries, trial: Trial, language: str, until: float) -> Outcome:
    words = words_of(language)
    stages: list[Stage] = []
    try:
        async with asyncio.timeout_at(until):
            concluded = await _conclude(tries.attempt(trial), stages)
    except TimeoutError:
        mood = Mood(words["try_no_time"], states.WARN)
        return Outcome(question=trial.question, mood=mood, stages=tuple(stages))
    except PosthouseError as problem:
        return Outcome(
            question=trial.question,
            mood=Mood(words["try_refused"], states.BAD),
            problem=problem.sentence(language),
            stages=tuple(stages),
        )
    except Exception:
        log.exception("trial_failed")
        mood = Mood(words["try_failed"], states.BAD)
        return Outcome(question=trial.question, mood=mood, stages=tuple(stages))
    tone = states.GOOD if concluded.reason == ANSWERED else states.QUIET
    return Outcome(
        question=trial.question,
        mood=Mood(explain(concluded.reason, language), tone),
        stages=tuple(stages),
        concluded=concluded,
    )


async def _conclude(trying: AsyncGenerator[Tried], stages: list[Stage]) -> Concluded:
    async with aclosing(trying) as attempt:
        async for each in attempt:
            if isinstance(each, Stage):
                stages.append(each)
            elif isinstance(each, Concluded):
                return each
    raise RuntimeError("a trial ended without a conclusion")
