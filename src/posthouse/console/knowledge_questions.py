"""知识 · 问题: what got no answer or a bad one, and writing the answer that is live at once."""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from posthouse.console import states
from posthouse.console.asking import Ask, Entry, number_of
from posthouse.console.faq import Faq, entry
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.console.replies import put
from posthouse.console.states import Mood
from posthouse.gateway.notices import reviewed
from posthouse.knowledge.words import wordings
from posthouse.model.permission import OperatorRole
from posthouse.model.reasons import explain
from posthouse.settings.language import Said
from posthouse.store.asked import Question, Verdict
from posthouse.store.documents import Document
from posthouse.wakeup.wakeup import SENDS

SHOWN = 30
ALIKE_MAX = 500  # of the newest open questions, among which others like one are looked for
QUESTION_CHARS_MAX = 500
ANSWER_CHARS_MAX = 8000
HELD = "held_for_review"
BASE = "faq"  # where there is none yet
OPERATOR = OperatorRole.OPERATOR
EMPTY = Said(
    f"问题和答案都要写；问题最多 {QUESTION_CHARS_MAX} 字，答案最多 {ANSWER_CHARS_MAX} 字。",
    f"Write both: a question of at most {QUESTION_CHARS_MAX} and an answer of at most"
    f" {ANSWER_CHARS_MAX} characters.",
)


class Asked(Struct, frozen=True, kw_only=True):
    """A question as the pages show it."""

    question: Question
    mood: Mood
    chat: str  # names
    person: str
    event: int | None = None  # its message
    times: int = 1  # how often the same was asked, as far as the page shows


class Questions:
    """The queue, and the entries that operators write."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/knowledge/questions", self._list),
            Entry("GET", "/knowledge/questions/{turn}", self._one),
            Entry("POST", "/knowledge/questions/{turn}/answer", self._answer, OPERATOR),
            Entry("POST", "/knowledge/questions/{turn}/resolve", self._resolve, OPERATOR),
            Entry("POST", "/knowledge/questions/{turn}/send", self._let_out, OPERATOR),
            Entry("POST", "/knowledge/questions/{turn}/verdict", self._judge, OPERATOR),
            Entry("GET", "/knowledge/faq", self._compose, OPERATOR),
            Entry("POST", "/knowledge/faq", self._write, OPERATOR),
        )

    # --- looking ------------------------------------------------------------------------

    async def _list(self, ask: Ask) -> Response:
        base, before = ask.query("base"), number_of(ask.query("before") or "0") or 0
        is_all = ask.query("show") == "all"
        look = self._books.asked.recent if is_all else self._books.asked.open_questions
        found = await look(base, before, SHOWN + 1)
        heaps = [[each] for each in found[:SHOWN]] if is_all else _heaps(found[:SHOWN])
        return self._pages.show(
            ask,
            "knowledge_questions.html",
            tab="questions",
            asked=[
                replace(await self.shown(heap[0], ask.language), times=len(heap)) for heap in heaps
            ],
            older=found[SHOWN - 1].turn if len(found) > SHOWN else None,
            base=base,
            bases=[each.name for each in await self._books.documents.bases()],
            is_all=is_all,
            can_act=ask.visitor.may(OPERATOR),
        )

    async def _one(self, ask: Ask) -> Response:
        question = await self._question(ask)
        bases = await self._bases(question)
        return self._pages.show(
            ask,
            "knowledge_question.html",
            tab="questions",
            one=await self.shown(question, ask.language),
            faq=Faq(question=question.text.strip(), answer="", is_exact=True),
            base=bases[0],
            bases=bases,
            held=HELD,
            question_max=QUESTION_CHARS_MAX,
            answer_max=ANSWER_CHARS_MAX,
            can_act=ask.visitor.may(OPERATOR),
        )

    async def shown(self, question: Question, language: str) -> Asked:
        """Give a question the names of people and the words of what became of it."""
        found = await self._books.reader.turn(question.turn)
        event = found[1][-1] if found and found[1] else None
        chat = await self._books.chats.get(question.chat)
        return Asked(
            question=question,
            mood=mood_of(question, language),
            chat="" if chat is None else chat_name(chat, event, language),
            person=question.person if event is None else event.sender_name or event.sender_id,
            event=None if event is None else event.id,
        )

    async def _question(self, ask: Ask) -> Question:
        question = await self._books.asked.of_turn(ask.number("turn"))
        if question is None:
            raise Declined("not_found")
        return question

    async def _bases(self, question: Question) -> list[str]:
        """Return where an answer may be put: first the base that was searched for this one."""
        own = [name for name in question.base.split(",") if name]
        known = [each.name for each in await self._books.documents.bases()]
        return list(dict.fromkeys((*own, *known))) or [BASE]

    # --- deciding -----------------------------------------------------------------------

    async def _answer(self, ask: Ask) -> Response:
        question = await self._question(ask)
        base = ask.form.get("base", "")
        if base not in await self._bases(question):
            raise Declined("not_understood")
        await self._put(ask, base)
        await self._deal_with(ask, question)
        return go("../../questions?done=answered")

    async def _resolve(self, ask: Ask) -> Response:
        await self._deal_with(ask, await self._question(ask))
        return go("../../questions?done=resolved")

    async def _deal_with(self, ask: Ask, question: Question) -> None:
        """Take a question off the list, with all that ask the same."""
        asked, author, now = self._books.asked, ask.visitor.author, self._around.clock()
        queue = await asked.open_questions(limit=ALIKE_MAX)
        heap = next((heap for heap in _heaps(queue) if question.turn in _turns(heap)), ())
        for turn in {question.turn, *_turns(heap)}:
            await asked.resolve(turn, author, now)

    async def _let_out(self, ask: Ask) -> Response:
        """Say an answer that waited for somebody to look at it; pressed twice, it is said once."""
        question = await self._question(ask)
        chat = await self._books.chats.get(question.chat)
        bot = None if chat is None else self._around.bots.get(chat.bot)
        if question.reason != HELD or chat is None or bot is None:
            raise Declined("changed_meanwhile")
        who, now = ask.visitor, self._around.clock()
        answer = reviewed(question.turn, question.answer, chat, bot, self._around.new_key)
        numbers = await put(self._around, chat, answer, question.person)
        await self._books.asked.record(replace(question, reason="answered"))
        await self._books.asked.resolve(question.turn, who.author, now)
        self._around.wakeup.nudge(SENDS)
        details = json.dumps({"deliveries": numbers})
        await self._books.access.audit(who.author, "reply", f"chat:{chat.id}", details, now)
        return go("../../questions?done=replied")

    async def _judge(self, ask: Ask) -> Response:
        question = await self._question(ask)
        verdict = ask.form.get("verdict", "")
        if verdict not in tuple(Verdict):
            raise Declined("not_understood")
        now = self._around.clock()
        await self._books.asked.judge(question.turn, Verdict(verdict), ask.visitor.author, now)
        return go(f"../{question.turn}?done=judged")

    # --- entries ------------------------------------------------------------------------

    async def _compose(self, ask: Ask) -> Response:
        """Show an empty form, or that of an entry which is there."""
        known = [each.name for each in await self._books.documents.bases()] or [BASE]
        number = number_of(ask.query("document"))
        found = None if number is None else await self._books.documents.document(number)
        faq = None if found is None else entry(*found)
        wanted = ask.query("base") if found is None else found[0].base
        return self._pages.show(
            ask,
            "knowledge_faq.html",
            tab="bases",
            faq=faq or Faq(question="", answer="", is_exact=True),
            base=wanted if wanted in known else known[0],
            bases=known,
            document=None if faq is None else number,
            question_max=QUESTION_CHARS_MAX,
            answer_max=ANSWER_CHARS_MAX,
        )

    async def _write(self, ask: Ask) -> Response:
        base = ask.form.get("base", "")
        known = [each.name for each in await self._books.documents.bases()] or [BASE]
        if base not in known:
            raise Declined("not_understood")
        old = await self._old(ask, base)
        faq = await self._put(ask, base)
        if old is not None and old.title != faq.question:  # it was reworded
            await self._books.documents.remove(base, (old.id,), self._around.clock())
        return go(f"bases/{base}?done=answered")

    async def _old(self, ask: Ask, base: str) -> Document | None:
        """Return the entry that a form was opened with, if it is in that base."""
        number = number_of(ask.form.get("document", ""))
        found = None if number is None else await self._books.documents.document(number)
        is_entry = found is not None and found[0].base == base and entry(*found) is not None
        return found[0] if found and is_entry else None

    async def _put(self, ask: Ask, base: str) -> Faq:
        faq = _faq(ask.form)
        now = self._around.clock()
        await self._around.room.ingest.answer(base, faq.question, faq.answer, is_exact=faq.is_exact)
        details = json.dumps({"question": faq.question, "is_exact": faq.is_exact})
        await self._books.access.audit(ask.visitor.author, "faq", f"base:{base}", details, now)
        return faq


def _heaps(questions: Sequence[Question]) -> list[list[Question]]:
    """Put together what asks the same; an answer that waits for a review stands for itself."""
    heaps: dict[str | int, list[Question]] = {}
    for question in questions:
        same = wordings(question.text)[-1]
        key = question.turn if question.reason == HELD or not same else same
        heaps.setdefault(key, []).append(question)
    return list(heaps.values())


def _turns(heap: Sequence[Question]) -> set[int]:
    return {question.turn for question in heap}


def mood_of(question: Question, language: str) -> Mood:
    """Say what became of a question."""
    is_well = bool(question.answer) and question.verdict is not Verdict.BAD
    tone = states.GOOD if is_well else states.QUIET
    if question.reason == HELD:
        tone = states.WARN
    return Mood(explain(question.reason or "answered", language), tone)


def _faq(form: dict[str, str]) -> Faq:
    question = " ".join(form.get("question", "").split())
    answer = form.get("answer", "").strip()
    is_fit = len(question) <= QUESTION_CHARS_MAX and len(answer) <= ANSWER_CHARS_MAX
    if not question or not answer or not is_fit:
        raise Declined("not_understood", EMPTY)
    return Faq(question=question, answer=answer, is_exact=bool(form.get("exact")))
