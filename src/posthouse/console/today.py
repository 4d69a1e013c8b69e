"""今天: what needs somebody first, then how the last day went."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct
from starlette.responses import Response

from posthouse.channels.channel import ConnectionState
from posthouse.console import charts
from posthouse.console.asking import Ask, Entry
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name
from posthouse.console.pages import HOUR_S, Pages, Times, span
from posthouse.console.timeline import heard_bubble
from posthouse.console.words import words_of
from posthouse.store.reader import Span

HOURS = 24
KEPT_S = 15.0  # charts are drawn anew after this long
SHOWN = 6  # unanswered messages on the page
TROUBLED = frozenset({ConnectionState.WAITING, ConnectionState.SUPERSEDED, ConnectionState.REFUSED})
HANDOFFS, QUESTIONS = "knowledge/handoffs", "knowledge/questions"
QUESTIONS_COUNTED = 100  # more are as many to whoever looks


class Card(Struct, frozen=True):
    """One thing that needs attention: how urgent, what, how many, and where to go."""

    tone: str
    title: str
    count: int | None = None
    detail: str = ""
    href: str = ""


class Figure(Struct, frozen=True):
    """A number with its chart."""

    name: str
    value: str
    note: str
    chart: Markup


class Today:
    """The first page."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._pages = pages
        self._hours: tuple[Span, ...] = ()
        self._hours_at = float("-inf")

    def table(self) -> Sequence[Entry]:
        """Return what it answers."""
        return (Entry("GET", "/", self._show),)

    async def _show(self, ask: Ask) -> Response:
        books, language = self._around.books, ask.language
        counts = await books.upkeep.counts()
        unanswered = await books.reader.unanswered(limit=SHOWN)
        chats = {}
        for number in {heard.event.chat for heard in unanswered}:
            chat = await books.chats.get(number)
            last = next(h.event for h in unanswered if h.event.chat == number)
            chats[number] = "" if chat is None else chat_name(chat, last, language)
        hours = await self._last_day()
        return self._pages.show(
            ask,
            "today.html",
            cards=await self._cards(counts, language),
            counts=counts,
            unanswered=[
                (heard.event.chat, chats[heard.event.chat], heard_bubble(heard, language))
                for heard in unanswered
            ],
            figures=figures(hours, language, self._pages.times),
        )

    async def _last_day(self) -> tuple[Span, ...]:
        now = self._around.clock()
        if abs(now - self._hours_at) >= KEPT_S:
            self._hours = await self._around.books.reader.activity(now, HOUR_S, HOURS)
            self._hours_at = now
        return self._hours

    async def _cards(self, counts: dict[str, int], language: str) -> list[Card]:
        words, pulse = words_of(language), self._around.pulse
        cards = []
        if pulse.is_stopping:
            cards.append(Card("bad", words["stopping"]))
        if pulse.is_full:
            cards.append(Card("bad", words["full"], detail=words["full_next"]))
        if not pulse.has_lease and not pulse.is_stopping:
            cards.append(Card("bad", words["no_lease"]))
        if (await self._around.books.holding.house()).is_held:
            cards.append(Card("bad", words["held"], href="held"))
        cards += [
            Card(
                "bad",
                words["disconnected"].format(bot=name),
                detail=words[f"state_{bot.channel.status.state}"],
                href=f"bots/{name}",
            )
            for name, bot in self._around.bots.items()
            if bot.channel.status.state in TROUBLED
        ]
        troubled = counts.get("deliveries_failed", 0) + counts.get("deliveries_doubtful", 0)
        for title, count in (("troubled", troubled), ("buried", counts.get("turns_buried", 0))):
            if count:
                cards.append(Card("bad", words[title], count, href="trouble"))
        return cards + await self._people_wait(words)

    async def _people_wait(self, words: dict[str, str]) -> list[Card]:
        """Count who waits for a human, and the questions that wait for an answer."""
        handoffs = await self._around.books.conduct.handoffs()
        questions = await self._around.books.asked.open_questions(limit=QUESTIONS_COUNTED)
        cards = []
        if handoffs:
            cards.append(Card("bad", words["with_humans"], len(handoffs), href=HANDOFFS))
        if questions:
            cards.append(Card("wait", words["to_answer"], len(questions), href=QUESTIONS))
        return cards


def figures(hours: Sequence[Span], language: str, times: Times) -> list[Figure]:
    """Draw the numbers of the last day."""
    words = words_of(language)
    clocks = [times.clock(hour.since_at) for hour in hours]

    def labels(values: Sequence[object]) -> list[str]:
        return [f"{clock} · {value}" for clock, value in zip(clocks, values, strict=True)]

    events = [hour.events for hour in hours]
    troubled = [hour.troubled for hour in hours]
    shares = [hour.answered / hour.asked if hour.asked else None for hour in hours]
    middles = [hour.latency_median_s for hour in hours]
    tops = [hour.latency_slow_s for hour in hours]
    shown = ["—" if share is None else f"{share:.0%}" for share in shares]
    asked = sum(hour.asked for hour in hours)
    known = sorted(value for value in middles if value is not None)
    sent = sum(hour.deliveries for hour in hours)
    return [
        Figure(
            words["messages_in"],
            f"{sum(events):,}",
            f"{words['messages_out']} {sent:,}",
            charts.bars(events, labels(events), words["messages_in"]),
        ),
        Figure(
            words["answer_rate"],
            f"{sum(hour.answered for hour in hours) / asked:.0%}" if asked else "—",
            words["sampled"],
            charts.bars(
                [share or 0.0 for share in shares], labels(shown), words["answer_rate"], "good"
            ),
        ),
        Figure(
            words["latency"],
            span(known[len(known) // 2] if known else None),
            words["latency_note"],
            charts.lines(middles, tops, labels([span(m) for m in middles]), words["latency"]),
        ),
        Figure(
            words["failures"],
            f"{sum(troubled):,}",
            words["per_hour"],
            charts.bars(troubled, labels(troubled), words["failures"], "bad"),
        ),
    ]
