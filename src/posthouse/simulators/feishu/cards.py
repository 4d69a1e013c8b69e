"""Card entities: created, written into word by word, sent once; and tokens to update cards."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from msgspec import Struct

from posthouse.simulators.feishu import content
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.refusals import Refusal, card_failed, malformed
from posthouse.simulators.feishu.tenant import Message, Tenant

LIVES_S = 14 * 86400.0
STREAMS_S = 600.0
TOKEN_LIVES_S = 1800.0
TOKEN_USES = 2
SEQUENCE_MAX = 2**31 - 1
TEXT_CHARACTERS_MAX = 100_000
TOKENS_MAX = 10_000

Body = dict[str, Any]


class Entity(Struct, kw_only=True, eq=False):
    """A card that exists before it is sent."""

    card_id: str
    app: App
    card: Body
    made_at: float
    sequence: int = 0
    streaming_since: float | None = None
    keys: set[str] = set()
    message: Message | None = None
    writes: int = 0
    is_pressed: bool = False  # somebody waits for what comes of a press


class CardToken(Struct, kw_only=True, eq=False):
    """What a press gives the app, to update the card a little later."""

    app: App
    message: Message
    given_at: float
    uses: int = 0


class Cards:
    """All card entities of the tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self.reset()

    def reset(self) -> None:
        self._entities: dict[str, Entity] = {}
        self._tokens: dict[str, CardToken] = {}

    # --- what is seen ---------------------------------------------------------------------------

    def shown(self, message: Message) -> Body | None:
        """Return the card that people see in a message."""
        if message.kind != "interactive":
            return None
        entity = self._entities.get(message.card_id)
        if entity is not None:
            return entity.card
        found = content.parsed(message.content)
        return found if found.get("type") != "template" else None

    def of(self, message: Message) -> Entity | None:
        """Return the entity that a message shows."""
        return self._entities.get(message.card_id)

    def is_streaming(self, message: Message) -> bool:
        """Whether the card still says that it is being written."""
        entity = self._entities.get(message.card_id)
        return entity is not None and self._is_open(entity)

    # --- entities -------------------------------------------------------------------------------

    def create(self, app: App, card: Body) -> Entity:
        """Make an entity.

        Raises:
            Refusal: the card cannot be an entity.
        """
        _check_entity(card)
        now = self._tenant.now
        made = Entity(
            card_id=str(self._tenant._random.randrange(7 * 10**18, 8 * 10**18)),  # noqa: SLF001
            app=app,
            card=card,
            made_at=now,
            streaming_since=now if _is_streaming(card) else None,
        )
        self._entities[made.card_id] = made
        return made

    def take(self, app: App, card_id: str) -> Entity:
        """Return an app's entity.

        Raises:
            Refusal: there is none, it is too old, or another app's.
        """
        found = self._entities.get(card_id)
        if found is None:
            raise Refusal(200740, "cardid is not exist")
        if found.app != app:
            raise Refusal(300311, "no permission to operate this card")
        if self._tenant.now > found.made_at + LIVES_S:
            raise Refusal(200750, "card is expired")
        return found

    def advance(self, entity: Entity, sequence: object, key: str) -> bool:
        """Take a number that is above all others; False when the call is a repeat by its key.

        Raises:
            Refusal: it is not above.
        """
        if key and key in entity.keys:
            return False
        if not isinstance(sequence, int) or not 0 < sequence <= SEQUENCE_MAX:
            raise malformed(f"sequence {sequence!r} is not within 1 and {SEQUENCE_MAX}", 10002)
        if sequence <= entity.sequence:
            raise Refusal(300317, "sequence number compare failed")
        entity.sequence = sequence
        entity.keys.add(key)
        return True

    def send(self, app: App, card_id: str, message: Message) -> None:
        """Put an entity into a message, which can be done once.

        Raises:
            Refusal: it is sent already, or cannot be.
        """
        entity = self.take(app, card_id)
        if entity.message is not None:
            raise card_failed(200230, "card entity has been sent")
        entity.message, message.card_id = message, card_id

    def by_message(self, app: App, message: Message) -> Entity:
        """Make the card of a message an entity, or find that it is one."""
        if message.card_id:
            return self.take(app, message.card_id)
        entity = self.create(app, content.parsed(message.content))
        entity.message, message.card_id = message, entity.card_id
        return entity

    # --- changes --------------------------------------------------------------------------------

    def replace(self, entity: Entity, card: Body) -> None:
        """Show another card.

        Raises:
            Refusal: it cannot be an entity.
        """
        _check_entity(card)
        entity.card = card
        entity.streaming_since = self._tenant.now if _is_streaming(card) else None
        self._touch(entity)

    def configure(self, entity: Entity, settings: Body) -> None:
        """Change the configuration; writing begins anew or ends with ``streaming_mode``."""
        config = settings.get("config")
        if not isinstance(config, dict):
            raise malformed("settings have no config", 300307)
        entity.card["config"] = {**entity.card.get("config", {}), **config}
        if "streaming_mode" in config:
            entity.streaming_since = self._tenant.now if config["streaming_mode"] else None
        self._touch(entity)

    def write(self, entity: Entity, element_id: str, text: object) -> None:
        """Give a text element its whole text.

        Raises:
            Refusal: the card is not open for it, or there is no such element.
        """
        if not isinstance(text, str) or not 0 < len(text) <= TEXT_CHARACTERS_MAX:
            raise malformed("content must have 1 to 100000 characters", 300307)
        self._check_open(entity)
        element = _element(entity.card, element_id)
        if element.get("tag") not in ("markdown", "plain_text"):
            raise Refusal(300310, "element is not a text")
        before = element["content"] if isinstance(element.get("content"), str) else ""
        element["content"] = text
        if len(msgspec.json.encode(entity.card)) > content.CARD_BYTES_MAX:
            element["content"] = before
            raise Refusal(200860, "card content is over size")
        self._touch(entity)

    def change(self, entity: Entity, element_id: str, partial: Body, *, is_whole: bool) -> None:
        """Replace an element, or some of its fields."""
        element = _element(entity.card, element_id)
        if is_whole:
            element.clear()
        element.update(partial)
        self._touch(entity)

    def insert(self, entity: Entity, how: str, target: str, elements: list[Body]) -> None:
        """Put elements before or behind another, or at the end."""
        listed, at = _place(entity.card, target) if target else (_end(entity.card), None)
        where = len(listed) if at is None else at + (how == "insert_after")
        if how == "append" and at is not None:
            listed = listed[at].setdefault("elements", [])
            where = len(listed)
        before = copy.deepcopy(entity.card)
        listed[where:where] = elements
        try:
            content.check_card(entity.card)
        except Refusal:
            entity.card = before
            raise
        self._touch(entity)

    def remove(self, entity: Entity, element_id: str) -> None:
        """Take an element away."""
        listed, at = _place(entity.card, element_id)
        del listed[at]
        self._touch(entity)

    def _check_open(self, entity: Entity) -> None:
        if entity.streaming_since is None:
            raise Refusal(300309, "streaming mode is closed")
        if not self._is_open(entity):
            entity.streaming_since = None
            raise Refusal(200850, "streaming timeout, streaming mode is closed")

    def _is_open(self, entity: Entity) -> bool:
        since = entity.streaming_since
        return since is not None and self._tenant.now < since + STREAMS_S

    def _touch(self, entity: Entity) -> None:
        entity.writes += 1
        if entity.message is not None:
            entity.message.updated_at = self._tenant.now
            self._tenant.show(entity.message)

    # --- tokens ---------------------------------------------------------------------------------

    def new_token(self, app: App, message: Message) -> str:
        """Give a token for a later update."""
        if len(self._tokens) >= TOKENS_MAX:
            self._tokens.pop(next(iter(self._tokens)))
        token = self._tenant.new_id("c-", 40)
        self._tokens[token] = CardToken(app=app, message=message, given_at=self._tenant.now)
        return token

    def use_token(self, app: App, token: str) -> Message:
        """Return the message that a token stands for.

        Raises:
            Refusal: no such token, too old, used up, another app's, or the message is gone.
        """
        found = self._tokens.get(token)
        if found is None:
            raise Refusal(300020, "token format is invalid", is_malformed=True)
        if found.app != app:
            raise Refusal(200310, "token is of another app", is_malformed=True)
        if self._tenant.now > found.given_at + TOKEN_LIVES_S:
            raise Refusal(300030, "token is expired")
        if found.uses >= TOKEN_USES:
            raise Refusal(300040, "token is used up")
        if found.message.recalled_at is not None:
            raise Refusal(200000, "message is recalled")
        found.uses += 1
        return found.message


def _check_entity(card: Body) -> None:
    if not content.is_new_card(card):
        raise Refusal(300303, "only schema 2.0 is supported", is_malformed=True)
    if card.get("config", {}).get("update_multi") is False:
        raise Refusal(300302, "update_multi must be true", is_malformed=True)
    if len(msgspec.json.encode(card)) > content.CARD_BYTES_MAX:
        raise Refusal(200860, "card content is over size")
    try:
        content.check_card(card)
    except Refusal as refusal:
        raise Refusal(200220, refusal.message, is_malformed=True) from None


def _is_streaming(card: Body) -> bool:
    return bool(card.get("config", {}).get("streaming_mode"))


def _element(card: Body, element_id: str) -> Body:
    for element in content.walk(card):
        if element.get("element_id") == element_id:
            return element
    raise Refusal(300313, f"element {element_id} is not found")


def _place(card: Body, element_id: str) -> tuple[list[Body], int]:
    """Find the list that holds an element, and where in it."""
    lists = [content.card_elements(card)]
    for element in content.walk(card):
        lists += [element[key] for key in ("elements", "columns") if key in element]
    for listed in lists:
        for at, element in enumerate(listed):
            if element.get("element_id") == element_id:
                return listed, at
    raise Refusal(300313, f"element {element_id} is not found")


def _end(card: Body) -> list[Body]:
    body = card.setdefault("body", {})
    found: list[Body] = body.setdefault("elements", [])
    return found
