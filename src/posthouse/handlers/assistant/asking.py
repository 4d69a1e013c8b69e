"""A question as the stages of an answer see it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from posthouse.handlers.assistant.references import Lines
from posthouse.llm.model import Picture
from posthouse.model.address import Chat, ChatKind, Person
from posthouse.store.conduct import Rule

NOWHERE: Final = Chat(id=0, bot="", platform_id="", kind=ChatKind.PRIVATE)


class Asking(Struct, frozen=True, kw_only=True):
    """Who asks what, where, and by which rules it is answered."""

    text: str
    bot: str
    chat: int
    chat_title: str
    person: Person
    language: str  # of the house's own sentences
    rule: Rule  # in force there: the handler's settings, with what was set for the place
    now: float
    is_addressed: bool = True
    quoted: str = ""  # the message that is being replied to
    history: Lines = ()
    pictures: tuple[Picture, ...] = ()  # that a model can be shown
    pictures_sent: int = 0  # also those that nobody can see
    has_tokens: bool = True  # a model may be asked
    handler: str = ""
    place: Chat = NOWHERE  # the chat, as those see it who run things there
    is_trial: bool = False  # nobody hears of it, and nothing is done
