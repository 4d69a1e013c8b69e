"""知识 · 人工接待 and 用量: who talks with a human now, and what models cost."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name
from posthouse.console.pages import DAY_S, Pages, go
from posthouse.console.problems import Declined
from posthouse.console.words import words_of
from posthouse.model.permission import OperatorRole
from posthouse.store.asked import Share, SpendingOn
from posthouse.store.conduct import Handoff
from posthouse.wakeup.wakeup import TURNS

OPERATOR = OperatorRole.OPERATOR
SPANS_DAYS = (1, 7, 30)
SHARES_SHOWN = 20


class Waiting(Struct, frozen=True):
    """Somebody who talks with a human."""

    handoff: Handoff
    chat: str  # names
    person: str


class Part(Struct, frozen=True):
    """What was spent on something, by its name."""

    name: str
    detail: str
    share: Share


class Handoffs:
    """Conversations that humans have taken over."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/knowledge/handoffs", self._list),
            Entry("POST", "/knowledge/handoffs/back", self._give_back, OPERATOR),
        )

    async def _list(self, ask: Ask) -> Response:
        handoffs = await self._books.conduct.handoffs()
        return self._pages.show(
            ask,
            "knowledge_handoffs.html",
            tab="handoffs",
            waiting=[await self._named(each, ask.language) for each in handoffs],
            now=self._around.clock(),
            can_act=ask.visitor.may(OPERATOR),
        )

    async def _named(self, handoff: Handoff, language: str) -> Waiting:
        found = await self._books.reader.turn(handoff.turn)
        event = found[1][-1] if found and found[1] else None
        chat = await self._books.chats.get(handoff.chat)
        return Waiting(
            handoff,
            "" if chat is None else chat_name(chat, event, language),
            handoff.person if event is None else event.sender_name or event.sender_id,
        )

    async def _give_back(self, ask: Ask) -> Response:
        wanted = (ask.form.get("handler", ""), ask.form.get("chat", ""), ask.form.get("person", ""))
        for each in await self._books.conduct.handoffs():
            if (each.handler, str(each.chat), each.person) == wanted:
                await self._books.conduct.take_back(
                    each.handler, each.chat, each.person, ask.visitor.author, self._around.clock()
                )
                self._around.wakeup.nudge(TURNS)
                return go("../handoffs?done=given_back")
        raise Declined("changed_meanwhile")


class Spending:
    """What models cost, and for whom."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (Entry("GET", "/knowledge/spending", self._show),)

    async def _show(self, ask: Ask) -> Response:
        days = next((days for days in SPANS_DAYS if str(days) == ask.query("days")), SPANS_DAYS[1])
        since = self._around.clock() - days * DAY_S
        shares = {
            str(of): [
                await self._part(share, ask.language)
                for share in await self._books.asked.shares(of, since, SHARES_SHOWN)
            ]
            for of in (SpendingOn.MODEL, SpendingOn.BOT, SpendingOn.CHAT, SpendingOn.PERSON)
        }
        return self._pages.show(
            ask,
            "knowledge_spending.html",
            tab="spending",
            spent=await self._books.asked.spent(since),
            shares=shares,
            tried=await self._books.asked.spent_on_trials(since),
            trials=[
                await self._trial(share, ask.language)
                for share in await self._books.asked.trial_shares(since, SHARES_SHOWN)
            ],
            days=days,
            spans=SPANS_DAYS,
        )

    async def _part(self, share: Share, language: str) -> Part:
        if share.person:
            return Part(await self._person(share), share.bot, share)
        if not share.chat:
            return Part(share.model or share.bot, "", share)
        return Part(await self._chat(share.chat, language), share.bot, share)

    async def _trial(self, share: Share, language: str) -> Part:
        """Name who tried, and as whom where."""
        words = words_of(language)
        kind, _, name = share.author.partition(":")
        details = (
            words.get(f"tried_by_{kind}", ""),
            await self._chat(share.chat, language) if share.chat else share.bot,
            words["tried_as"].format(person=share.person) if share.person else "",
        )
        return Part(name or kind or "—", " · ".join(filter(None, details)), share)

    async def _person(self, share: Share) -> str:
        """Return how somebody was called when they last asked, else their id."""
        found = await self._books.reader.turn(share.turn)
        heard = found[1] if found else ()
        names = (event.sender_name for event in heard if event.sender_id == share.person)
        return next(filter(None, names), share.person)

    async def _chat(self, number: int, language: str) -> str:
        chat = await self._books.chats.get(number)
        last = (await self._books.reader.last_heard((number,))).get(number)
        return ("" if chat is None else chat_name(chat, last, language)) or f"#{number}"
