"""Who may talk to a handler at all: allow- and block-lists for people and chats."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet

from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.address import Person
from posthouse.model.event import Event, Internal
from posthouse.model.permission import Ruling, Wish
from posthouse.model.turn import Turn
from posthouse.store.grants import Grants, Stranger

OPEN = Ruling(is_allowed=True, reason="granted")  # nothing is written, and nothing need be


class Admission(Struct, frozen=True):
    """What became of a turn at the door."""

    turn: Turn  # without the words of those who may not
    ruling: Ruling  # about the person whom the turn answers
    turned_away: tuple[str, ...] = ()  # the others who may not


class Door:
    """Lets turns in to handlers.

    Args:
        grants: the book of permissions.
        granted_only: the handlers with ``access = "granted"``; a block closes the others too.
        on_stranger: told of everybody who is turned away for the first time because nobody has
            allowed them yet.
    """

    def __init__(
        self,
        grants: Grants,
        granted_only: AbstractSet[str],
        on_stranger: Callable[[Stranger], Awaitable[None]],
    ) -> None:
        self._grants = grants
        self._granted_only = granted_only
        self._on_stranger = on_stranger

    async def admit(self, turn: Turn, now: float) -> Admission:
        """Rule about everybody who speaks in a turn.

        The turn goes on when the person it answers may; what others said who may not is left out.
        """
        people = _people(turn)
        rulings = {who: await self._rule(turn, person, now) for who, person in people.items()}
        ruling = rulings.get(turn.person.id, OPEN)  # without one, it is the house's own work
        turned_away = tuple(who for who, ruled in rulings.items() if not ruled.is_allowed)
        if not (ruling.is_allowed and turned_away):
            return Admission(turn, ruling)
        events = tuple(one for one in turn.events if one.event.sender.id not in turned_away)
        return Admission(replace(turn, events=events), ruling, turned_away)

    async def _rule(self, turn: Turn, person: Person, now: float) -> Ruling:
        wish = Wish(person=person.id, chat=turn.chat.id, bot=turn.chat.bot, handler=turn.handler)
        ruling = await self._grants.rule(wish, now)
        if ruling.is_allowed or ruling.reason == "blocked":
            return ruling
        if turn.handler not in self._granted_only:
            return OPEN
        is_operator = await self._grants.is_operator(turn.chat.bot, person.id)
        return OPEN if is_operator else ruling

    @staticmethod
    def concerns(ruling: Ruling) -> bool:
        """Whether operators can do something about it: nobody has allowed it yet."""
        return ruling.reason.partition(" ")[0] == "not_granted"

    async def meet(self, turn: Turn, ruling: Ruling, now: float) -> bool:
        """Remember that a turn was turned away; True when that person is to be told."""
        return await self._grants.meet(_stranger(turn, ruling, now))

    async def announce(self, turn: Turn, ruling: Ruling, now: float) -> None:
        """Let those who can allow somebody know about them."""
        if self.concerns(ruling):
            await self._on_stranger(_stranger(turn, ruling, now))


def _people(turn: Turn) -> dict[str, Person]:
    events = (stored.event for stored in turn.events)
    return {event.sender.id: event.sender for event in events if _is_of_somebody(event)}


def _is_of_somebody(event: Event) -> bool:
    return not isinstance(event, Internal)


def _stranger(turn: Turn, ruling: Ruling, now: float) -> Stranger:
    return Stranger(
        bot=turn.chat.bot,
        person=turn.person.id,
        name=turn.person.name,
        chat=turn.chat.id,
        handler=turn.handler,
        reason=ruling.reason,
        at=now,
    )
