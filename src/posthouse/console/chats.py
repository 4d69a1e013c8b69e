"""会话: the list of chats, a chat as people see it, and what an operator can do there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlencode

from msgspec import Struct
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry, number_of, numbers_of
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name, event_text
from posthouse.console.pages import DAY_S, HOUR_S, Pages, go
from posthouse.console.problems import Declined
from posthouse.console.replies import put_reply
from posthouse.console.timeline import bubbles, said_bubble
from posthouse.gateway.bots import Bot
from posthouse.model.address import Chat, ChatKind, ChatMode
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import State
from posthouse.model.permission import OperatorRole
from posthouse.store.reader import DeliveryRow, EventRow
from posthouse.wakeup.wakeup import SENDS, TURNS

CHATS_MAX = 2000  # looked through for a name
CHATS_SHOWN = 60
MESSAGES_SHOWN = 40
REPLY_CHARS_MAX = 8000
RECALL_SHOWN = 200
KEY_CHARS_MAX = 64
OPERATOR = OperatorRole.OPERATOR


class Line(Struct, frozen=True):
    """A chat in the list."""

    chat: Chat
    name: str
    mode: ChatMode
    last: EventRow | None
    said: str


class Count(Struct, frozen=True):
    """What a recall would reach."""

    total: int
    queued: int
    late: int
    can_recall: bool


class Chats:
    """The chats of all bots."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/chats", self._list),
            Entry("GET", "/chats/{chat}", self._chat),
            Entry("GET", "/chats/{chat}/recall", self._ask_recall, OPERATOR),
            Entry("POST", "/chats/{chat}/recall", self._recall, OPERATOR),
            Entry("POST", "/chats/{chat}/reply", self._reply, OPERATOR),
            Entry("POST", "/chats/{chat}/pause", self._pause, OPERATOR),
            Entry("POST", "/chats/{chat}/resume", self._resume, OPERATOR),
        )

    # --- looking ------------------------------------------------------------------------

    async def _list(self, ask: Ask) -> Response:
        wanted, bot, mode = ask.query("q"), ask.query("bot"), ask.query("mode")
        skip = number_of(ask.query("from") or "0") or 0
        now = self._around.clock()
        found = [
            chat
            for chat in await self._books.chats.list(CHATS_MAX)
            if bot in {"", chat.bot} and mode in {"", str(chat.mode_at(now))}
        ]
        lines = await self._lines(found, wanted, skip, ask.language)
        more = {"q": wanted, "bot": bot, "mode": mode, "from": skip + CHATS_SHOWN}
        return self._pages.show(
            ask,
            "chats.html",
            lines=lines[:CHATS_SHOWN],
            more=f"chats?{urlencode(more)}" if len(lines) > CHATS_SHOWN else "",
            has_chats=bool(found) or bool(bot or mode),
            wanted=wanted,
            bot=bot,
            mode=mode,
            bots=list(self._around.bots),
            modes=list(ChatMode),
        )

    async def _lines(self, chats: list[Chat], wanted: str, skip: int, language: str) -> list[Line]:
        """Return one more line than is shown; a name is looked for in titles and people."""
        if wanted:
            chats = await self._named(chats, wanted.casefold())
        chats = chats[skip : skip + CHATS_SHOWN + 1]
        last = await self._books.reader.last_heard(tuple(chat.id for chat in chats))
        return [self._line(chat, last.get(chat.id), language) for chat in chats]

    async def _named(self, chats: list[Chat], letters: str) -> list[Chat]:
        """Keep the chats of that name; private ones are called as who spoke last."""
        private = tuple(chat.id for chat in chats if chat.kind is ChatKind.PRIVATE)
        last = await self._books.reader.last_heard(private)
        people = {number: event.sender_name.casefold() for number, event in last.items()}
        return [
            chat
            for chat in chats
            if letters in chat.title.casefold()
            or letters in people.get(chat.id, "")
            or letters == chat.platform_id.casefold()
        ]

    def _line(self, chat: Chat, last: EventRow | None, language: str) -> Line:
        said = "" if last is None else event_text(last, language) or " ".join(last.files)
        mode = chat.mode_at(self._around.clock())
        return Line(chat, chat_name(chat, last, language), mode, last, " ".join(said.split())[:120])

    async def _chat(self, ask: Ask) -> Response:
        chat, bot = await self._place(ask)
        before = number_of(ask.query("before"))
        page = await self._books.reader.page(chat.id, before, MESSAGES_SHOWN)
        last = page.heard[-1].event if page.heard else None
        return self._pages.show(
            ask,
            "chat.html",
            section="chats",
            chat=chat,
            bot=bot,
            name=chat_name(chat, last, ask.language),
            mode=chat.mode_at(self._around.clock()),
            bubbles=bubbles(page, chat.bot, ask.language),
            older=page.heard[0].event.id if page.is_more else None,
            before=before,
            can_act=ask.visitor.may(OPERATOR) and bot is not None,
            key=self._around.new_key(),
            chars_max=REPLY_CHARS_MAX,
        )

    async def _place(self, ask: Ask) -> tuple[Chat, Bot | None]:
        """Return the chat, and its bot if the house still has it."""
        chat = await self._books.chats.get(ask.number("chat"))
        if chat is None:
            raise Declined("not_found")
        return chat, self._around.bots.get(chat.bot)

    async def _steered(self, ask: Ask) -> tuple[Chat, Bot]:
        chat, bot = await self._place(ask)
        if bot is None:
            raise Declined("changed_meanwhile")
        return chat, bot

    # --- taking back --------------------------------------------------------------------

    async def _ask_recall(self, ask: Ask) -> Response:
        chat, bot = await self._steered(ask)
        rows = await self._to_recall(ask, chat)
        last = (await self._books.reader.last_heard((chat.id,))).get(chat.id)
        return self._pages.show(
            ask,
            "recall.html",
            section="chats",
            chat=chat,
            name=chat_name(chat, last, ask.language),
            count=count(rows, bot.capabilities, self._around.clock()),
            numbers=",".join(str(row.delivery.id) for row in rows),
            bubbles=[said_bubble(row, chat.bot, {}, ask.language) for row in rows[:RECALL_SHOWN]],
        )

    async def _to_recall(self, ask: Ask, chat: Chat) -> tuple[DeliveryRow, ...]:
        """Return one message, or all of the last day."""
        one = number_of(ask.query("delivery"))
        if one is None:
            return await self._books.reader.said_since(chat.id, self._around.clock() - DAY_S)
        row = await self._books.reader.delivery(one)
        if row is None or row.delivery.chat != chat.id:
            raise Declined("not_found")
        return (row,)

    async def _recall(self, ask: Ask) -> Response:
        chat, bot = await self._steered(ask)
        wanted = numbers_of(ask.form.get("deliveries", ""))
        now = self._around.clock()
        rows = [await self._books.reader.delivery(number) for number in wanted]
        own = tuple(row.delivery.id for row in rows if row and row.delivery.chat == chat.id)
        became = await self._books.journal.take_back(own, bot.capabilities, now)
        self._around.wakeup.nudge(SENDS)
        details = json.dumps({"count": len(became), "deliveries": own[:50]})
        await self._audit(ask, "recall", chat, details)
        return go("../" + f"{chat.id}?done=recalled")

    # --- steering -----------------------------------------------------------------------

    async def _reply(self, ask: Ask) -> Response:
        chat, bot = await self._steered(ask)
        text = ask.form.get("text", "").strip()
        key = ask.form.get("key", "")[:KEY_CHARS_MAX]
        if not text or len(text) > REPLY_CHARS_MAX or not key.isalnum():
            raise Declined("not_understood")
        now = self._around.clock()
        if ask.form.get("take_over"):
            await self._books.chats.set_mode(chat.id, ChatMode.PAUSED, now)
            await self._audit(ask, "pause", chat, "{}")
        await self._put(ask, chat, bot, text, key)
        self._around.wakeup.nudge(SENDS)
        return go(f"../{chat.id}?done=replied")

    async def _put(self, ask: Ask, chat: Chat, bot: Bot, text: str, key: str) -> None:
        """Queue a reply; a form sent twice finds its origin taken."""
        numbers = await put_reply(self._around, ask.visitor.operator.name, chat, bot, text, key)
        if numbers:
            await self._audit(ask, "reply", chat, json.dumps({"deliveries": numbers}))

    async def _pause(self, ask: Ask) -> Response:
        chat, _ = await self._steered(ask)
        now = self._around.clock()
        until_at = now + HOUR_S if ask.form.get("for") == "hour" else None
        await self._books.chats.set_mode(chat.id, ChatMode.PAUSED, now, until_at)
        await self._audit(ask, "pause", chat, json.dumps({"until_at": until_at}))
        return go(f"../{chat.id}?done=paused")

    async def _resume(self, ask: Ask) -> Response:
        chat, _ = await self._steered(ask)
        if chat.mode is ChatMode.PAUSED:
            await self._books.chats.set_mode(chat.id, chat.mode_before, self._around.clock())
        self._around.wakeup.nudge(TURNS)
        await self._audit(ask, "resume", chat, "{}")
        return go(f"../{chat.id}?done=resumed")

    async def _audit(self, ask: Ask, action: str, chat: Chat, details: str) -> None:
        await self._books.access.audit(
            ask.visitor.author, action, f"chat:{chat.id}", details, self._around.clock()
        )


def count(rows: Sequence[DeliveryRow], can: Capabilities, now: float) -> Count:
    """Say what taking these back would do."""
    sent = [row.delivery for row in rows if row.delivery.state is State.SENT]
    late = [d for d in sent if now > (d.first_sent_at or now) + can.recall_window_s]
    queued = sum(row.delivery.state is State.QUEUED for row in rows)
    return Count(len(rows), queued, len(late), can.can_recall)
