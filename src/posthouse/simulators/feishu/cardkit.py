"""The calls about card entities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from posthouse.simulators.feishu import content
from posthouse.simulators.feishu.calls import Body, Call, Endpoint
from posthouse.simulators.feishu.cards import Cards, Entity
from posthouse.simulators.feishu.faults import Verb
from posthouse.simulators.feishu.pace import Windows
from posthouse.simulators.feishu.refusals import TOO_MANY, Refusal, malformed
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.tenant import Tenant

OPERATIONS_PER_S = 10

Uuid = Annotated[str, Meta(max_length=64)]


class CardBody(Struct, frozen=True, kw_only=True):
    type: Literal["card_json", "template"]
    data: str


class ReplaceBody(Struct, frozen=True, kw_only=True):
    card: CardBody
    sequence: int
    uuid: Uuid = ""


class SettingsBody(Struct, frozen=True, kw_only=True):
    settings: str
    sequence: int
    uuid: Uuid = ""


class ContentBody(Struct, frozen=True, kw_only=True):
    content: str
    sequence: int
    uuid: Uuid = ""


class InsertBody(Struct, frozen=True, kw_only=True):
    type: Literal["insert_before", "insert_after", "append"]
    elements: str
    sequence: int
    target_element_id: str = ""
    uuid: Uuid = ""


class ElementBody(Struct, frozen=True, kw_only=True):
    element: str
    sequence: int
    uuid: Uuid = ""


class PartialBody(Struct, frozen=True, kw_only=True):
    partial_element: str
    sequence: int
    uuid: Uuid = ""


class RemoveBody(Struct, frozen=True, kw_only=True):
    sequence: int
    uuid: Uuid = ""


class BatchBody(Struct, frozen=True, kw_only=True):
    actions: str
    sequence: int
    uuid: Uuid = ""


class ConvertBody(Struct, frozen=True, kw_only=True):
    message_id: str


class CardKit:
    """Does what bot programs ask about card entities."""

    def __init__(self, tenant: Tenant, settings: TenantSettings, cards: Cards) -> None:
        self._tenant = tenant
        self._settings = settings
        self._cards = cards
        self._windows = Windows(lambda: tenant.now)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API list that are done here."""
        cards, one = "/cardkit/v1/cards", "/cardkit/v1/cards/{card_id}"
        elements, element = f"{one}/elements", f"{one}/elements/{{element_id}}"
        rows: tuple[tuple[str, str, Callable[[Call], Body]], ...] = (
            ("POST", cards, self.create),
            ("POST", f"{cards}/id_convert", self.convert),
            ("PUT", one, self.replace),
            ("PATCH", f"{one}/settings", self.configure),
            ("POST", f"{one}/batch_update", self.batch),
            ("POST", elements, self.insert),
            ("PUT", element, self.put_element),
            ("PATCH", element, self.patch_element),
            ("DELETE", element, self.remove),
            ("PUT", f"{element}/content", self.write),
        )
        return tuple(
            Endpoint(
                method=method, path=path, do=do, verb=Verb.CARD, scopes=("cardkit:card:write",)
            )
            for method, path, do in rows
        )

    def create(self, call: Call) -> Body:
        body = call.body(CardBody)
        return {"card_id": self._cards.create(call.app, _card(body)).card_id}

    def convert(self, call: Call) -> Body:
        message = self._tenant.message(call.body(ConvertBody).message_id)
        if message.sender != call.app or message.kind != "interactive":
            raise Refusal(300311, "no permission to operate this card")
        return {"card_id": self._cards.by_message(call.app, message).card_id}

    def replace(self, call: Call) -> Body:
        body = call.body(ReplaceBody)
        card = _card(body.card)
        return self._do(call, body, lambda entity: self._cards.replace(entity, card))

    def configure(self, call: Call) -> Body:
        body = call.body(SettingsBody)
        settings = _json(body.settings, dict)
        return self._do(call, body, lambda entity: self._cards.configure(entity, settings))

    def write(self, call: Call) -> Body:
        body, element_id = call.body(ContentBody), call.path["element_id"]
        return self._do(
            call, body, lambda entity: self._cards.write(entity, element_id, body.content)
        )

    def insert(self, call: Call) -> Body:
        body = call.body(InsertBody)
        elements = _json(body.elements, list)
        if body.type != "append" and not body.target_element_id:
            raise malformed("target_element_id", 300307)
        return self._do(
            call,
            body,
            lambda entity: self._cards.insert(entity, body.type, body.target_element_id, elements),
        )

    def put_element(self, call: Call) -> Body:
        body, element_id = call.body(ElementBody), call.path["element_id"]
        element = _json(body.element, dict)
        return self._do(
            call,
            body,
            lambda entity: self._cards.change(entity, element_id, element, is_whole=True),
        )

    def patch_element(self, call: Call) -> Body:
        body, element_id = call.body(PartialBody), call.path["element_id"]
        partial = _json(body.partial_element, dict)
        return self._do(
            call,
            body,
            lambda entity: self._cards.change(entity, element_id, partial, is_whole=False),
        )

    def remove(self, call: Call) -> Body:
        body, element_id = call.body(RemoveBody), call.path["element_id"]
        return self._do(call, body, lambda entity: self._cards.remove(entity, element_id))

    def batch(self, call: Call) -> Body:
        body = call.body(BatchBody)
        actions = _json(body.actions, list)
        return self._do(call, body, lambda entity: self._batch(entity, actions))

    def _batch(self, entity: Entity, actions: list[Body]) -> None:
        for each in actions:
            self._act(entity, each.get("action"), each.get("params") or {})

    def _act(self, entity: Entity, action: object, params: Body) -> None:
        element_id = str(params.get("element_id", ""))
        match action:
            case "partial_update_setting":
                self._cards.configure(entity, params.get("settings") or {})
            case "add_elements":
                target = str(params.get("target_element_id", ""))
                how = str(params.get("type", "append"))
                self._cards.insert(entity, how, target, params.get("elements") or [])
            case "delete_elements":
                for each in params.get("element_ids") or ():
                    self._cards.remove(entity, each)
            case "update_element":
                self._cards.change(entity, element_id, params.get("element") or {}, is_whole=True)
            case "partial_update_element":
                partial = params.get("partial_element") or {}
                self._cards.change(entity, element_id, partial, is_whole=False)
            case _:
                raise malformed(f"no action {action!r}", 300307)

    def _do(self, call: Call, body: Any, change: Callable[[Entity], None]) -> Body:  # noqa: ANN401
        """Change an entity, if it is the next change."""
        entity = self._cards.take(call.app, call.path["card_id"])
        call.entry.key = body.uuid
        if entity.message is not None:
            call.entry.message_id = entity.message.message_id
            call.entry.chat = entity.message.chat.key
        if entity.is_pressed:
            raise Refusal(200810, "card is in user interaction")
        self._check_pace(entity)
        if self._cards.advance(entity, body.sequence, body.uuid):
            change(entity)
        return {}

    def _check_pace(self, entity: Entity) -> None:
        reset_s = self._windows.over(entity.card_id, OPERATIONS_PER_S, 1)
        if self._settings.is_paced and reset_s is not None:
            raise Refusal(TOO_MANY, "request trigger frequency limit", 429, reset_s=reset_s)


def _card(body: CardBody) -> Body:
    found: Body = _json(body.data, dict)
    if body.type == "template":
        return {"schema": "2.0", "header": {"title": {"content": str(found.get("template_id"))}}}
    return found


def _json(text: str, expected: type[Any]) -> Any:  # noqa: ANN401 - as the caller expects
    if expected is list:
        found = content.parsed(f'{{"list": {text}}}')["list"]
    else:
        found = content.parsed(text)
    if not isinstance(found, expected):
        raise malformed("JSON inside the body is of another shape", 300307)
    return found
