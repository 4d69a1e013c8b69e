"""The calls about emojis below messages."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from posthouse.simulators.feishu import events
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.calls import Body, Call, Endpoint, paged, reached
from posthouse.simulators.feishu.events import Event
from posthouse.simulators.feishu.faults import Verb
from posthouse.simulators.feishu.people import People
from posthouse.simulators.feishu.refusals import Refusal
from posthouse.simulators.feishu.tenant import Message, Party, Tenant

EMOJIS_BAD = frozenset({"", "NO_SUCH_EMOJI"})

Emit = Callable[[Event], object]


class ReactionType(Struct, frozen=True, kw_only=True):
    emoji_type: str


class ReactBody(Struct, frozen=True, kw_only=True):
    reaction_type: ReactionType


class Reactions:
    """Puts emojis below messages for bot programs, lists them, takes them away."""

    def __init__(self, tenant: Tenant, people: People, emit: Emit) -> None:
        self._tenant = tenant
        self._people = people
        self._emit = emit

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API list that are done here."""
        path = "/im/v1/messages/{message_id}/reactions"
        one = f"{path}/{{reaction_id}}"
        write = ("im:message", "im:message.reactions:write_only")
        read = ("im:message", "im:message:readonly", "im:message.reactions:read")
        return (
            Endpoint(method="POST", path=path, do=self.react, verb=Verb.REACT, scopes=write),
            Endpoint(method="GET", path=path, do=self.reactions, verb=Verb.LOOK_UP, scopes=read),
            Endpoint(method="DELETE", path=one, do=self.unreact, verb=Verb.REACT, scopes=write),
        )

    def react(self, call: Call) -> Body:
        emoji = call.body(ReactBody).reaction_type.emoji_type
        message = self._seen(call)
        if emoji in EMOJIS_BAD:
            raise Refusal(231001, "reaction type is invalid.", is_malformed=True)
        for each in message.reactions.values():  # a second one of the same kind is the first
            if (each.by, each.emoji) == (call.app, emoji):
                return self._reaction(call.app, each.reaction_id, each.by, emoji, each.at)
        made, happened = self._people.reacted(message, call.app, emoji)
        for event in happened.events:
            self._emit(event)
        return self._reaction(call.app, made.reaction_id, made.by, emoji, made.at)

    def unreact(self, call: Call) -> Body:
        message = self._seen(call)
        reaction = message.reactions.get(call.path["reaction_id"])
        if reaction is None:
            raise Refusal(231011, "The reaction does not belong to the message.")
        if reaction.by != call.app:
            raise Refusal(231007, "The reaction is not yours.")
        for event in self._people.unreacted(message, reaction).events:
            self._emit(event)
        by, at = reaction.by, reaction.at
        return self._reaction(call.app, reaction.reaction_id, by, reaction.emoji, at)

    def reactions(self, call: Call) -> Body:
        message = self._seen(call)
        start, size = call.page()
        wanted = call.query.get("reaction_type")
        found = [
            self._reaction(call.app, each.reaction_id, each.by, each.emoji, each.at)
            for each in message.reactions.values()
            if wanted in (None, each.emoji)
        ]
        return paged(found, start, size)

    def _reaction(self, app: App, reaction_id: str, by: Party, emoji: str, at: float) -> Body:
        is_app = isinstance(by, App)
        operator_id = by.app_id if isinstance(by, App) else self._tenant.open_id(app, by)
        return {
            "reaction_id": reaction_id,
            "operator": {
                "operator_id": operator_id,
                "operator_type": "app" if is_app else "user",
            },
            "action_time": events.milliseconds(at),
            "reaction_type": {"emoji_type": emoji},
        }

    def _seen(self, call: Call) -> Message:
        message = reached(self._tenant, call)
        if message.recalled_at is not None:
            raise Refusal(231003, "The message is not found or has been withdrawn.")
        return message
