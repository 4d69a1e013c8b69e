"""Whether somebody may answer a question: asked before the answer is taken.

An answer of somebody who may not would use the question up for those who may.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from posthouse.gateway import phrases
from posthouse.gateway.door import Door
from posthouse.gateway.router import CONTROL_HANDLERS, Refusal
from posthouse.gateway.stop_button import StopButtons
from posthouse.handlers.handler import CannotAnswer, Handler, demand_answer
from posthouse.model.address import Chat, ChatMode
from posthouse.model.disposition import Question
from posthouse.model.event import ButtonPressed, MessageReceived
from posthouse.model.permission import Ruling
from posthouse.model.turn import Answer, StoredEvent, Turn


class Moment(Struct, frozen=True):
    """See ``handlers.handler.Moment``."""

    language: str
    at: float

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.at


class Answerers:
    """Asks the door, and the handler that asked the question.

    Args:
        door: rules about everybody who talks to a handler.
        handlers: those of the house, by name.
        stop_buttons: whose presses answer no question.
    """

    def __init__(
        self, door: Door, handlers: Mapping[str, Handler], stop_buttons: StopButtons
    ) -> None:
        self._door = door
        self._handlers = handlers
        self._stop_buttons = stop_buttons

    async def refusal_to_stop(
        self, turn: int, event: ButtonPressed, chat: Chat, language: str
    ) -> Refusal | None:
        """Return why somebody may not stop an answer, if so."""
        return await self._stop_buttons.refusal(turn, event, chat, language)

    async def refusal(
        self,
        question: Question,
        event: ButtonPressed | MessageReceived,
        chat: Chat,
        moment: Moment,
    ) -> Refusal | None:
        """Return why somebody may not answer, if so; operators learn of it as of any stranger."""
        if question.handler in CONTROL_HANDLERS:
            return None
        turn = Turn(
            id=0,
            chat=chat,
            session=question.session,
            handler=question.handler,
            person=event.sender,
            events=(StoredEvent(0, event, moment.at),),
            answer=Answer(question.id, question.state),
        )
        refusal = await self._refusal(turn, moment)
        if refusal is not None and chat.mode_at(moment.at) is not ChatMode.SHADOW:
            await self._announce(turn, refusal, moment.at)
        return refusal

    async def _refusal(self, turn: Turn, moment: Moment) -> Refusal | None:
        ruling = (await self._door.admit(turn, moment.at)).ruling
        if not ruling.is_allowed:
            code, _, day = ruling.reason.partition(" ")
            return Refusal(ruling.reason, phrases.say(code, moment.language, day=day))
        handler = self._handlers.get(turn.handler)
        try:
            if handler is not None:
                await demand_answer(handler, turn, moment)
        except CannotAnswer as end:
            return Refusal(end.reason, end.sentence)
        return None

    async def _announce(self, turn: Turn, refusal: Refusal, now: float) -> None:
        ruling = Ruling(is_allowed=False, reason=refusal.reason)
        if self._door.concerns(ruling) and await self._door.meet(turn, ruling, now):
            await self._door.announce(turn, ruling, now)
