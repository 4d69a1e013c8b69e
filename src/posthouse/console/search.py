"""Search over the newest texts, names and file names."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from posthouse.console.asking import Ask, Entry, number_of
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name
from posthouse.console.pages import Pages
from posthouse.console.timeline import heard_bubble, said_bubble
from posthouse.store.reader import Below, Heard, Matches

ROWS_LOOKED_AT = 20_000
LETTERS_MIN = 1


class Search:
    """The search page; what is sought stands in its address."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._books = around.books
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers."""
        return (Entry("GET", "/search", self._show),)

    async def _show(self, ask: Ask) -> Response:
        wanted = ask.query("q")
        found = Matches(events=(), deliveries=(), rows_looked_at=ROWS_LOOKED_AT)
        if len(wanted) >= LETTERS_MIN:
            found = await self._books.reader.search(
                wanted, ROWS_LOOKED_AT, below=_where(ask.query("below"))
            )
        names = await self._names(found, ask.language)
        language = ask.language
        return self._pages.show(
            ask,
            "search.html",
            wanted=wanted,
            rows=f"{found.rows_looked_at:,}",
            further=found.further,
            is_further=bool(ask.query("below")),
            heard=[
                (event.chat, names[event.chat], heard_bubble(Heard(event, None), language))
                for event in found.events
            ],
            said=[
                (
                    row.delivery.chat,
                    names[row.delivery.chat],
                    said_bubble(row, row.delivery.bot, {}, language),
                )
                for row in found.deliveries
            ],
        )

    async def _names(self, found: Matches, language: str) -> dict[int, str]:
        numbers = {event.chat for event in found.events}
        numbers |= {row.delivery.chat for row in found.deliveries}
        last = await self._books.reader.last_heard(tuple(numbers))
        chats = [await self._books.chats.get(number) for number in numbers]
        named = {
            chat.id: chat_name(chat, last.get(chat.id), language)
            for chat in chats
            if chat is not None
        }
        return {number: named.get(number, "") for number in numbers}


def _where(written: str) -> Below | None:
    """Read where a search goes on; None, which is the newest, when nobody can tell."""
    event, _, delivery = (number_of(each) for each in written.partition("-"))
    return None if event is None or delivery is None else Below(event, delivery)
