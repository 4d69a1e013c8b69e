"""知识 · 规则: what differs for a bot, a chat, a person: knowledge, model, tone, hours, quotas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import asdict, fields
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry, number_of
from posthouse.console.house import Surroundings
from posthouse.console.names import chat_name
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.console.words import words_of
from posthouse.handlers.assistant.rules import changed
from posthouse.model.permission import OperatorRole
from posthouse.settings.language import Said
from posthouse.store.conduct import Rule, Scope

CHATS_OFFERED = 300
PERSON_CHARS_MAX = 256
FIELDS = tuple(field.name for field in fields(Rule))
EMPTY = {"model": "none", "language": "auto", "hours": "always"}  # how "" is written
NO_PLACE = Said("请选择机器人或会话。", "Choose a bot or a chat.")
OPERATOR = OperatorRole.OPERATOR


class Line(Struct, frozen=True, kw_only=True):
    """A rule of the list: where it holds, and what it says."""

    scope: Scope
    place: str
    said: dict[str, str]


class AssistantRules:
    """What was set for places, beside what the settings say for all of them."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._conduct = around.books.conduct
        self._chats = around.books.chats
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/knowledge/rules", self._show),
            Entry("POST", "/knowledge/rules", self._set, OPERATOR),
        )

    async def _show(self, ask: Ask) -> Response:
        handlers = list(self._around.tries())
        names = await self._names(ask.language)
        rules = [rule for handler in handlers for rule in await self._conduct.rules(handler)]
        chosen = await self._scope(ask.request.query_params)
        return self._pages.show(
            ask,
            "knowledge_rules.html",
            tab="rules",
            handlers=handlers,
            bots=list(self._around.bots),
            chats=names,
            lines=[
                Line(scope=scope, place=_place(scope, names, ask.language), said=written(rule))
                for scope, rule in rules
            ],
            fields=FIELDS,
            chosen=chosen,
            form=next((written(rule) for scope, rule in rules if scope == chosen), {}),
            can_act=ask.visitor.may(OPERATOR),
        )

    async def _names(self, language: str) -> dict[int, str]:
        chats = await self._chats.list(CHATS_OFFERED)
        last = await self._around.books.reader.last_heard(tuple(chat.id for chat in chats))
        return {chat.id: chat_name(chat, last.get(chat.id), language) for chat in chats}

    async def _set(self, ask: Ask) -> Response:
        scope = await self._scope(ask.form)
        if scope.handler not in self._around.tries():
            raise Declined("changed_meanwhile")
        rule = _rule(ask.form)
        if rule != Rule():  # one of a place that is gone can still be removed
            await self._demand_place(scope)
        await self._conduct.set_rule(scope, rule, ask.visitor.author, self._around.clock())
        return go("rules?done=saved")

    async def _scope(self, given: Mapping[str, str]) -> Scope:
        """Name a place as orders in chats do: a chat with its bot."""
        number = number_of(given.get("chat", "") or "0") or 0
        chat = await self._chats.get(number) if number else None
        return Scope(
            handler=given.get("handler", ""),
            bot=given.get("bot", "") if chat is None else chat.bot,
            chat=number,
            person=given.get("person", "").strip()[:PERSON_CHARS_MAX],
        )

    async def _demand_place(self, scope: Scope) -> None:
        if not (scope.bot or scope.chat):
            raise Declined("not_understood", NO_PLACE)
        if scope.chat and await self._chats.get(scope.chat) is None:
            raise Declined("not_found")


def written(rule: Rule) -> dict[str, str]:
    """Write what a rule says as people write it; what it leaves open is left out."""
    said: dict[str, str] = {}
    for name, value in asdict(rule).items():
        if isinstance(value, tuple):
            said[name] = ", ".join(value)
        elif value is not None:
            said[name] = str(value) or EMPTY.get(name, "")
    return said


def _rule(form: Mapping[str, str]) -> Rule:
    """Read a rule; a field without words holds as elsewhere.

    Raises:
        Declined: what stands in a field cannot be read.
    """
    rule = Rule()
    for name in FIELDS:
        text = form.get(name, "").strip()
        if not text:
            continue
        new = changed(rule, name, text)
        if new is None:
            zh, en = words_of("zh")[f"rule_{name}"], words_of("en")[f"rule_{name}"]
            raise Declined("not_understood", Said(f"“{zh}”写得不对。", f"“{en}” cannot be read."))
        rule = new
    return rule


def _place(scope: Scope, chats: Mapping[int, str], language: str) -> str:
    where = chats.get(scope.chat, f"#{scope.chat}") if scope.chat else scope.bot
    return " · ".join(filter(None, (where or words_of(language)["all_bots"], scope.person)))
