"""设置 · 会话: how the bots behave in each chat, and which rule made it so."""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec import Struct
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.console.words import words_of
from posthouse.model.address import Chat, ChatMode, SessionKind
from posthouse.model.permission import OperatorRole
from posthouse.settings.settings import RouteRule
from posthouse.wakeup.wakeup import TURNS

CHATS_MAX = 2000  # looked through for a name
ROWS_MAX = 100
LANGUAGES = ("", "zh", "en")


class Row(Struct, frozen=True):
    """A chat of the table."""

    chat: Chat
    name: str
    mode: ChatMode
    is_mode_set: bool
    handler: str
    rule: str


class Rules:
    """Chats × settings."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._books = around.books
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/settings", self._home),
            Entry("GET", "/settings/chats", self._show),
            Entry("POST", "/settings/chats/{chat}", self._change, OperatorRole.OPERATOR),
        )

    async def _home(self, ask: Ask) -> Response:  # noqa: ARG002 - a page's shape
        return go("settings/chats")

    async def _show(self, ask: Ask) -> Response:
        wanted = ask.query("q").casefold()
        chats = await self._books.chats.list(CHATS_MAX if wanted else ROWS_MAX)
        last = await self._books.reader.last_heard(tuple(chat.id for chat in chats))
        rows = [
            self._row(chat, chat_name(chat, last.get(chat.id), ask.language), ask.language)
            for chat in chats
        ]
        return self._pages.show(
            ask,
            "settings_chats.html",
            tab="chats",
            rows=[row for row in rows if wanted in row.name.casefold()][:ROWS_MAX],
            wanted=ask.query("q"),
            modes=list(ChatMode),
            kinds=list(SessionKind),
            languages=LANGUAGES,
            can_act=ask.visitor.may(OperatorRole.OPERATOR),
        )

    def _row(self, chat: Chat, name: str, language: str) -> Row:
        mode = chat.mode_at(self._around.clock())
        handler, rule = self._rule(chat, language)
        return Row(chat, name, mode, mode is not ChatMode.MENTION, handler, rule)

    def _rule(self, chat: Chat, language: str) -> tuple[str, str]:
        """Name the handler of an ordinary message there, and the rule that chose it."""
        words, now = words_of(language), self._around.arranged()
        place, before = winner(now.rules, chat)
        if place is None:
            return "—", words["rule_none"]
        rule = now.rules[place]
        end = rule.handler or words["rule_ignore" if rule.ignore else "rule_refuse"]
        if not now.has_own_rules:
            return end, words["rule_default"]
        said = words["rule_number"].format(number=place + 1)
        return end, said + (words["rule_before"].format(count=before) if before else "")

    async def _change(self, ask: Ask) -> Response:
        chat = await self._books.chats.get(ask.number("chat"))
        if chat is None:
            raise Declined("not_found")
        mode, kind = ask.form.get("mode", ""), ask.form.get("session_kind", "")
        language = ask.form.get("language", "")
        is_known = mode in tuple(ChatMode) and kind in tuple(SessionKind)
        if not is_known or language not in LANGUAGES:
            raise Declined("not_understood")
        now = self._around.clock()
        was = {"mode": chat.mode_at(now), "session": chat.session_kind, "language": chat.language}
        wish = {"mode": mode, "session": kind, "language": language}
        if was["mode"] != mode:
            await self._books.chats.set_mode(chat.id, ChatMode(mode), now)
        if was["session"] != kind:
            await self._books.chats.set_session_kind(chat.id, SessionKind(kind))
        if was["language"] != language:
            await self._books.chats.set_language(chat.id, language)
        changed = {name: wish[name] for name in wish if wish[name] != was[name]}
        if changed:
            self._around.wakeup.nudge(TURNS)
            await self._books.access.audit(
                ask.visitor.author, "settings", f"chat:{chat.id}", json.dumps(changed), now
            )
        return go("../chats?done=saved")


def winner(rules: Sequence[RouteRule], chat: Chat) -> tuple[int | None, int]:
    """Return the place of the rule that an ordinary message to the bot meets in a chat.

    And how many rules before it want more: a prefix, a person, a pattern.
    """
    before = 0
    for place, rule in enumerate(rules):
        if not _is_of(rule, chat) or rule.addressed is False:
            continue
        if rule.prefix or rule.person or rule.pattern:
            before += 1
            continue
        return place, before
    return None, before


def _is_of(rule: RouteRule, chat: Chat) -> bool:
    return (
        rule.bot in {"", chat.bot}
        and rule.chat in {None, chat.id}
        and rule.chat_kind in {None, chat.kind}
    )
