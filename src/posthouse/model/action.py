"""What a turn yields. Handlers yield; they never send."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from posthouse.model.message import Content


class Policy(StrEnum):
    """What to do with a message of which nobody can tell whether it arrived."""

    AT_LEAST_ONCE = "at_least_once"  # one repeat, flagged: right for answers
    AT_MOST_ONCE = "at_most_once"  # no repeat, listed: right for broadcasts and payments


class Who(StrEnum):
    """Who may answer a question."""

    ASKER = "asker"
    ANYONE = "anyone"


class Send(Struct, frozen=True, tag="send", omit_defaults=True):
    """Say something in the chat of the turn."""

    content: Content
    is_quoting: bool = False  # show it as a reply to the message that is being answered
    policy: Policy = Policy.AT_LEAST_ONCE
    is_last: bool = False  # nothing follows: it may wait to be stored with the end of the turn


class Edit(Struct, frozen=True, tag="edit"):
    """Change what an earlier delivery of this chat says."""

    delivery: int
    content: Content


class Recall(Struct, frozen=True, tag="recall"):
    """Take back an earlier delivery of this chat."""

    delivery: int


class React(Struct, frozen=True, tag="react"):
    """Put a reaction under the message that is being answered."""

    emoji: str


class Ask(Struct, frozen=True, tag="ask", omit_defaults=True):
    """Ask, and end: the press or the typed answer is a new turn that gets ``state`` back.

    ``expires_s`` is how long the question stays open; ``who`` may be a platform id as well.
    """

    question: Content
    choices: tuple[str, ...] = ()
    who: str = Who.ASKER
    expires_s: float = 600.0
    state: str = ""
    takes_text: bool = False  # the next message of the session answers it as well
    is_quoting: bool = False  # shown as a reply, as a ``Send`` can be


class Acknowledge(Struct, frozen=True, tag="acknowledge"):
    """Answer a button press where it happened, without a message (a toast)."""

    text: str


class Typing(Struct, frozen=True, tag="typing"):
    """Show that somebody is at work."""


class Draft(Struct, frozen=True, tag="draft", omit_defaults=True):
    """Show the answer as far as it is written; the next ``Send`` becomes the same message."""

    text: str
    is_quoting: bool = False  # shown as a reply from its first word on, as that ``Send`` would be


class Note(Struct, frozen=True, tag="note"):
    """Record a decision or score beside the turn; never sent."""

    name: str
    value: str


Action = Send | Edit | Recall | React | Ask | Acknowledge | Typing | Draft | Note
