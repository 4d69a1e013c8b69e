"""All that can happen in a tenant, for tests in the same process and the control surface."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import aiohttp
from msgspec import Struct

from posthouse.simulators.feishu import events, visible
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.cards import Cards
from posthouse.simulators.feishu.events import Event
from posthouse.simulators.feishu.faults import FaultPlan
from posthouse.simulators.feishu.happenings import Press, React, Recall, Say
from posthouse.simulators.feishu.lines import Line, Place
from posthouse.simulators.feishu.messages import Messages
from posthouse.simulators.feishu.people import Happened, People
from posthouse.simulators.feishu.post import Attempt, Errand, Post
from posthouse.simulators.feishu.record import MessageEntry, Record
from posthouse.simulators.feishu.refusals import Refusal
from posthouse.simulators.feishu.settings import Switches, TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from posthouse.simulators.feishu.tokens import Tokens
from posthouse.simulators.feishu.webhook import Webhook
from posthouse.simulators.timing import Sleep

BAD_CARD = 200673
TOASTS = frozenset({"info", "success", "error", "warning"})


class Told(Struct, frozen=True, kw_only=True):
    """What came of something that a person did."""

    message_id: str | None
    errands: tuple[Errand, ...]

    async def taken(self) -> bool:
        """Wait until every app has it, or nobody tries any more; True when all have it."""
        attempts = [await asyncio.shield(each.done) for each in self.errands]
        return not any(each.problem for each in attempts)


class Pressed(Struct, frozen=True, kw_only=True):
    """What a person sees after pressing a button."""

    toast: str = ""
    toast_type: str = ""
    is_card_changed: bool = False
    code: int = 0  # 0: it went well
    problem: str = ""
    answer: dict[str, Any] | None = None


class Exchange:
    """A tenant with its people, its cards, and the roads to its apps."""

    def __init__(
        self,
        tenant: Tenant,
        *,
        settings: TenantSettings | None = None,
        faults: FaultPlan | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.tenant = tenant
        self.settings = settings or TenantSettings()
        self.faults = faults or FaultPlan()
        self.switches = {name: Switches() for name in tenant.apps}
        self.cards = Cards(tenant)
        self.people = People(tenant, self.cards)
        self.messages = Messages(tenant, self.settings, self.people, self.cards, self.emit)
        self.tokens = Tokens(tenant, self.settings)
        self._sleep = sleep
        self._session: aiohttp.ClientSession  # made by whoever starts it
        self._posts = {name: self._post(app) for name, app in tenant.apps.items()}

    def _post(self, app: App) -> Post:
        post = Post(
            app,
            self.settings,
            self.switches[app.name],
            self.faults,
            self._sleep,
            self.tenant,
        )
        post.webhook_of = lambda event: self._webhook(app, event)
        return post

    # --- for those in the same process ----------------------------------------------------------

    def emit(self, event: Event) -> Errand:
        """Bring an event to its app."""
        return self._posts[event.app.name].put(event)

    def tell(self, happened: Happened) -> Told:
        """Bring everything that came of something to whom it concerns."""
        message = happened.message
        return Told(
            message_id=message.message_id if message is not None else None,
            errands=tuple(self.emit(each) for each in happened.events),
        )

    def say(self, what: Say) -> Told:
        """Let somebody say something.

        Raises:
            OperatorMistake: it cannot be said.
        """
        return self.tell(self.people.say(what))

    def recall(self, what: Recall) -> Told:
        """Let somebody take a message back; raises OperatorMistake when they cannot."""
        return self.tell(self.people.recall(what))

    def react(self, what: React) -> Told:
        """Let somebody put an emoji below a message; raises OperatorMistake as ``recall``."""
        return self.tell(self.people.react(what))

    async def press(self, what: Press) -> Pressed:
        """Let somebody press a button, and wait for what they see then.

        Raises:
            OperatorMistake: there is no such button.
        """
        event = self.people.press(what)
        entity = self.cards.of(self.tenant.messages[what.message_id])
        if entity is not None:
            entity.is_pressed = True
        try:
            attempt = await asyncio.shield(self.emit(event).done)
        finally:
            if entity is not None:
                entity.is_pressed = False
        return self._after_press(what, event, attempt)

    def _after_press(self, what: Press, event: Event, attempt: Attempt) -> Pressed:
        answer = attempt.answer or {}
        if attempt.problem:
            return Pressed(code=attempt.code, problem=attempt.problem)
        for name in answer.keys() - {"toast", "card"}:
            self._complain(event, f"no field {name!r} in the answer to a press")
        toast = answer.get("toast") or {}
        if toast and toast.get("type", "info") not in TOASTS:
            self._complain(event, f"no toast type {toast.get('type')!r}")
        try:
            is_changed = self._change_card(what, answer.get("card"))
        except Refusal as refusal:
            self._complain(event, f"the card in the answer to a press: {refusal}")
            return Pressed(code=BAD_CARD, problem=str(refusal), answer=answer)
        return Pressed(
            toast=str(toast.get("content", "")),
            toast_type=str(toast.get("type", "")),
            is_card_changed=is_changed,
            answer=answer,
        )

    def _change_card(self, what: Press, card: Any) -> bool:  # noqa: ANN401 - raw
        if not card:
            return False
        is_raw = card.get("type") == "raw"
        given = card.get("data") if is_raw else {"type": "template", "data": card.get("data")}
        message = self.tenant.messages[what.message_id]
        if self.cards.is_streaming(message):
            raise Refusal(200810, "a card that streams is not changed by the answer to a press")
        self.messages.update_card(message, events.as_json(given))
        return True

    def _complain(self, event: Event, problem: str) -> None:
        self.tenant.notes.complain(event.app.name, problem, str(event.body))

    def visible(self, chat: str = "", *, is_own_only: bool = False) -> tuple[MessageEntry, ...]:
        """Return what people see, recalled messages as such."""
        every = self.tenant.messages.values()
        found = [each for each in every if chat in ("", each.chat.key, each.chat.chat_id)]
        shown = (visible.entry(self.cards, each) for each in found)
        return tuple(each for each in shown if each.is_own or not is_own_only)

    def record(self) -> Record:
        """Return everything so far."""
        return visible.record(self.tenant, self.cards)

    @property
    def complaints(self) -> list[str]:
        """What bot programs should not have sent; tests ask that there is nothing."""
        return [each.problem for each in self.tenant.notes.complaints.entries]

    async def until_connected(self, name: str = "") -> None:
        """Wait until a client holds a long connection of an app."""
        await self._posts[self.tenant.app(name).name].until_opened()

    def connections(self, name: str = "") -> int:
        """How many long connections an app has."""
        return len(self._posts[self.tenant.app(name).name].lines)

    async def kick(self, name: str = "", code: int = 1000, words: str = "bye") -> None:
        """Close an app's connections properly."""
        await asyncio.gather(*(line.close(code, words) for line in self._lines(name)))

    def cut(self, name: str = "") -> None:
        """Cut an app's connections without a word."""
        for line in self._lines(name):
            line.cut()

    def _lines(self, name: str) -> Iterable[Line]:
        lines = self._posts[self.tenant.app(name).name].lines
        return [line for line in lines if isinstance(line, Line)]

    async def challenge(self, name: str, url: str) -> str:
        """Ask an address to prove itself, as saving it in the console does."""
        return await self._webhook_at(self.tenant.app(name), url).challenge()

    async def reset(self) -> None:
        """Forget what happened; apps, connections, faults and switches stay."""
        for post in self._posts.values():
            await post.stop()
        self.tenant.reset()
        self.cards.reset()
        self.messages.reset()

    def _webhook(self, app: App, event: Event) -> Webhook | None:
        switches = self.switches[app.name]
        url = switches.card_webhook if event.is_callback else switches.webhook
        return self._webhook_at(app, url) if url else None

    def _webhook_at(self, app: App, url: str) -> Webhook:
        return Webhook(self._place(app), self._session, url)

    def _place(self, app: App) -> Place:
        return Place(
            tenant=self.tenant,
            app=app,
            settings=self.settings,
            switches=self.switches[app.name],
            faults=self.faults,
            sleep=self._sleep,
        )
