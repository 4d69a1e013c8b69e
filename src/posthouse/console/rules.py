"""设置 · 会话: how the bots behave in each chat, and which rule made it so."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.console.words import words_of
from posthouse.gateway.router import concerns, is_ordinary
from posthouse.model.address import Chat, ChatMode, SessionKind
from posthouse.model.permission import OperatorRole
from posthouse.settings.settings import RouteRule
from posthouse.wakeup.wakeup import TURNS

CHATS_MAX = 2000  # looked through for a name
ROWS_MAX = 100
LANGUAGES = ("", "zh", "en")
LANGUAGE_NAMES = {"zh": "中文", "en": "English"}


class Row(Struct, frozen=True, kw_only=True):
    """A chat of the table; each setting with what made it so."""

    chat: Chat
    name: str
    mode: ChatMode
    mode_from: str
    session_from: str
    language_from: str
    handler_of_rules: str  # whom the routes name
    handler: str  # chosen for the chat; empty where the routes decide
    handler_from: str


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
            handlers=self._around.arranged().handlers,
            kinds=list(SessionKind),
            languages=LANGUAGES,
            can_act=ask.visitor.may(OperatorRole.OPERATOR),
        )

    def _row(self, chat: Chat, name: str, language: str) -> Row:
        words = words_of(language)
        by_rules, rule = self._rule(chat, language)
        own = chat.handler if chat.handler in self._around.arranged().handlers else ""
        if chat.handler and not own:
            rule = words["handler_gone"].format(handler=chat.handler) + rule
        return Row(
            chat=chat,
            name=name,
            mode=chat.mode_at(self._around.clock()),
            mode_from=self._mode_from(chat, words),
            session_from=words[
                "by_default" if chat.session_kind is SessionKind.MEMBER else "set_here"
            ],
            language_from=self._language_from(chat, words),
            handler_of_rules=by_rules,
            handler=own,
            handler_from=words["set_here"] if own else rule,
        )

    def _mode_from(self, chat: Chat, words: dict[str, str]) -> str:
        if chat.mode_at(self._around.clock()) is ChatMode.MENTION:
            return words["by_default"]
        since = self._pages.times.date(chat.mode_since_at)
        return words["set_here_at"].format(when=since)

    def _language_from(self, chat: Chat, words: dict[str, str]) -> str:
        if chat.language:
            return words["set_here"]
        bot = self._around.bots.get(chat.bot)
        language = self._around.language if bot is None else bot.language
        which = "by_house" if language == self._around.language else "by_bot"
        return words[which].format(language=LANGUAGE_NAMES[language])

    def _rule(self, chat: Chat, language: str) -> tuple[str, str]:
        """Name whom the rules let answer an ordinary message there, and the rule that won."""
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
        was, wish = self._settings(chat), self._wish(ask.form)
        changed = {name: wish[name] for name in wish if wish[name] != was[name]}
        if changed:
            now = self._around.clock()
            await self._set(chat.id, changed, now)
            self._around.wakeup.nudge(TURNS)
            await self._books.access.audit(
                ask.visitor.author, "settings", f"chat:{chat.id}", json.dumps(changed), now
            )
        return go("../chats?done=saved")

    def _settings(self, chat: Chat) -> dict[str, str]:
        return {
            "mode": chat.mode_at(self._around.clock()),
            "handler": chat.handler,
            "session": chat.session_kind,
            "language": chat.language,
        }

    def _wish(self, form: Mapping[str, str]) -> dict[str, str]:
        """Return what is wanted.

        Raises:
            Declined: there is no such mode, handler, kind or language.
        """
        known: dict[str, tuple[str, Collection[str]]] = {
            "mode": ("mode", tuple(ChatMode)),
            "handler": ("handler", ("", *self._around.arranged().handlers)),
            "session": ("session_kind", tuple(SessionKind)),
            "language": ("language", LANGUAGES),
        }
        wish = {name: form.get(field, "") for name, (field, _) in known.items()}
        if any(wish[name] not in values for name, (_, values) in known.items()):
            raise Declined("not_understood")
        return wish

    async def _set(self, chat: int, changed: Mapping[str, str], now: float) -> None:
        chats = self._books.chats
        if "mode" in changed:
            await chats.set_mode(chat, ChatMode(changed["mode"]), now)
        if "handler" in changed:
            await chats.set_handler(chat, changed["handler"])
        if "session" in changed:
            await chats.set_session_kind(chat, SessionKind(changed["session"]))
        if "language" in changed:
            await chats.set_language(chat, changed["language"])


def winner(rules: Sequence[RouteRule], chat: Chat) -> tuple[int | None, int]:
    """Return the place of the rule that an ordinary message to the bot meets in a chat.

    And how many rules before it want more: a prefix, a person, a pattern.
    """
    before = 0
    for place, rule in enumerate(rules):
        if not concerns(rule, chat) or rule.addressed is False:
            continue
        if is_ordinary(rule):
            return place, before
        before += 1
    return None, before
