"""知识 · 谁还听到了: everybody who was told a passage, and taking it back or correcting it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import Struct
from starlette.responses import Response

from posthouse.console import states
from posthouse.console.asking import Ask, Entry
from posthouse.console.house import Surroundings
from posthouse.console.knowledge_questions import HELD, Asked, Questions
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.console.replies import put_reply
from posthouse.console.states import Mood
from posthouse.console.timeline import CAN_GO_BACK
from posthouse.console.words import words_of
from posthouse.model.delivery import Delivery, Kind, State
from posthouse.model.permission import OperatorRole
from posthouse.store.asked import Question
from posthouse.wakeup.wakeup import SENDS

TOLD_MAX = 10_000  # answers: what is wrong is taken back everywhere, not only where it was lately
TOGETHER = 100  # of them are looked at, then the house goes on with other things
SHOWN = 100
PASSAGE_CHARS_MAX = 4096
TEXT_CHARS_MAX = 4000
QUESTION_SHOWN_CHARS = 60
OPERATOR = OperatorRole.OPERATOR
NEVER_SAID = frozenset({State.FAILED, State.DROPPED})

T = TypeVar("T")


class Told(Struct, frozen=True):
    """Somebody who was told it, and how what was said is now."""

    asked: Asked
    mood: Mood


class WhoWasTold:
    """One passage, and all answers that rest on it."""

    def __init__(self, around: Surroundings, pages: Pages, questions: Questions) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages
        self._questions = questions

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/knowledge/told", self._show),
            Entry("POST", "/knowledge/told/quarantine", self._quarantine, OPERATOR),
            Entry("POST", "/knowledge/told/release", self._release, OPERATOR),
            Entry("POST", "/knowledge/told/recall", self._recall, OPERATOR),
            Entry("POST", "/knowledge/told/correct", self._correct, OPERATOR),
        )

    async def _show(self, ask: Ask) -> Response:
        passage = ask.request.query_params.get("passage", "")[:PASSAGE_CHARS_MAX]
        told = await self._books.asked.told(passage, TOLD_MAX)
        out = await self._out(told)
        base = _base_of(passage)
        return self._pages.show(
            ask,
            "knowledge_told.html",
            tab="questions",
            passage=passage,
            place=passage.removeprefix(f"{base}:").rpartition("#")[0],
            base=base,
            told=[
                Told(
                    await self._questions.shown(each, ask.language),
                    _mood(out.get(each.turn, ()), ask.language),
                )
                for each in told[:SHOWN]
            ],
            count=len(told),
            is_cut=len(told) > SHOWN,
            can_go_back=sum(map(_may_go_back, out.values())),
            chats=len({each.chat for each in told}),
            to_correct=len(_newest(told, out)),
            is_quarantined=passage in await self._books.documents.quarantined(base),
            key=self._around.new_key(),
            text_max=TEXT_CHARS_MAX,
            can_act=ask.visitor.may(OPERATOR),
        )

    async def _out(self, told: Sequence[Question]) -> dict[int, tuple[Delivery, ...]]:
        """Return by turn what was said, as it is now."""
        answers = self._books.journal.answers
        out: dict[int, tuple[Delivery, ...]] = {}
        for some in _slices(told):
            turns = [each.turn for each in some]
            for turn, said in zip(turns, await asyncio.gather(*map(answers, turns)), strict=True):
                out[turn] = tuple(each for each in said if each.kind is not Kind.REACT)
        return out

    # --- nobody is told it any more -----------------------------------------------------

    async def _quarantine(self, ask: Ask) -> Response:
        passage, now = _passage(ask), self._around.clock()
        documents = self._books.documents
        await documents.quarantine(_base_of(passage), passage, ask.visitor.author, now)
        return self._back(ask, "quarantined")

    async def _release(self, ask: Ask) -> Response:
        passage, now = _passage(ask), self._around.clock()
        await self._books.documents.release(_base_of(passage), passage, ask.visitor.author, now)
        return self._back(ask, "released")

    # --- what was said ------------------------------------------------------------------

    async def _recall(self, ask: Ask) -> Response:
        passage, now = _passage(ask), self._around.clock()
        out = await self._out(await self._books.asked.told(passage, TOLD_MAX))
        by_bot: dict[str, list[int]] = {}
        for delivery in (each for said in out.values() for each in said):
            if delivery.state in CAN_GO_BACK:
                by_bot.setdefault(delivery.bot, []).append(delivery.id)
        count = 0
        for name, bot in tuple(self._around.bots.items()):  # settings may change meanwhile
            for some in _slices(by_bot.get(name, ())):
                taken = await self._books.journal.take_back(tuple(some), bot.capabilities, now)
                count += len(taken)
        self._around.wakeup.nudge(SENDS)
        await self._audit(ask, "recall", passage, count)
        return self._back(ask, "recalled")

    async def _correct(self, ask: Ask) -> Response:
        """Say in every chat once what is right, under the question that was answered wrongly."""
        passage = _passage(ask)
        text, key = ask.form.get("text", "").strip(), ask.form.get("key", "")[:64]
        if not text or len(text) > TEXT_CHARS_MAX or not key.isalnum():
            raise Declined("not_understood")
        told = await self._books.asked.told(passage, TOLD_MAX)
        newest = _newest(told, await self._out(told))
        said = [await self._say(ask, each, text, f"{key}{each.turn}") for each in newest]
        self._around.wakeup.nudge(SENDS)
        await self._audit(ask, "correct", passage, sum(said))
        return self._back(ask, "corrected")

    async def _say(self, ask: Ask, told: Question, text: str, key: str) -> bool:
        chat = await self._books.chats.get(told.chat)
        bot = None if chat is None else self._around.bots.get(chat.bot)
        if chat is None or bot is None:
            return False
        about = words_of(chat.language or bot.language)["correction_about"]
        asked = " ".join(told.text.split())[:QUESTION_SHOWN_CHARS]
        words = f"{about.format(question=asked)}\n\n{text}"
        return bool(await put_reply(self._around, ask.visitor.operator.name, chat, bot, words, key))

    async def _audit(self, ask: Ask, action: str, passage: str, count: int) -> None:
        details = json.dumps({"count": count})
        await self._books.access.audit(
            ask.visitor.author, action, f"passage:{passage}", details, self._around.clock()
        )

    def _back(self, ask: Ask, done: str) -> Response:
        return go(f"../told?{urlencode({'passage': _passage(ask), 'done': done})}")


def _slices(many: Sequence[T]) -> Iterator[Sequence[T]]:
    return (many[first : first + TOGETHER] for first in range(0, len(many), TOGETHER))


def _passage(ask: Ask) -> str:
    passage = ask.form.get("passage", "")
    if not passage or len(passage) > PASSAGE_CHARS_MAX or not _base_of(passage):
        raise Declined("not_understood")
    return passage


def _base_of(passage: str) -> str:
    return passage.partition(":")[0] if ":" in passage else ""


def _newest(
    told: Sequence[Question], out: Mapping[int, Sequence[Delivery]]
) -> tuple[Question, ...]:
    """Return the newest question of each chat that has heard an answer."""
    newest: dict[int, Question] = {}
    for each in told:
        if _was_said(each, out[each.turn]):
            newest.setdefault(each.chat, each)
    return tuple(newest.values())


def _may_go_back(said: Sequence[Delivery]) -> int:
    """Count the messages that can be taken back; one that grew is one with its final words."""
    back = [each for each in said if each.state in CAN_GO_BACK]
    grown = {each.id for each in back if each.kind is Kind.DRAFT}
    return sum(each.kind is not Kind.SETTLE or each.target not in grown for each in back)


def _was_said(told: Question, said: Sequence[Delivery]) -> bool:
    """Whether people have heard an answer, or are about to."""
    return told.reason != HELD and any(each.state not in NEVER_SAID for each in said)


def _mood(said: Sequence[Delivery], language: str) -> Mood:
    """Say how the first message of an answer is now; the others go with it."""
    if not said:
        return Mood(words_of(language)["not_said"], states.QUIET)
    return states.of_delivery(said[0], language)
