"""What the assistant asks people, and what it remembers until they press."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from posthouse.handlers.assistant.sentences import say
from posthouse.llm.model import ToolCall
from posthouse.model.action import Ask, Who
from posthouse.model.message import Content
from posthouse.store.asked import Verdict

FEEDBACK_EXPIRES_S: Final = 7 * 86_400.0
OFFER_EXPIRES_S: Final = 3600.0
THUMBS: Final = ("👍", "👎")
_VERDICTS: Final = (Verdict.GOOD, Verdict.BAD)


class Pending(Struct, frozen=True, omit_defaults=True):
    """The state of a question of ours."""

    kind: Literal["feedback", "human", "tool", "answer"]
    turn: int = 0  # whose answer is judged
    question: str = ""
    call: str = ""  # what a model wanted to have done; for ``answer``, the function that asks
    state: str = ""  # what that function wants back

    @property
    def runs(self) -> bool:
        """Whether the answer to it lets a function run."""
        return self.kind in {"tool", "answer"}

    def said(self) -> str:
        """Say for the book what an answer of the person leads to."""
        if self.kind == "answer":
            return f"{self.call}: goes on"
        call = msgspec.json.decode(self.call, type=ToolCall)
        return f"{call.name} {call.arguments}: confirmed"


def read(state: str) -> Pending:
    """Return what was remembered."""
    return msgspec.json.decode(state, type=Pending)


def verdict_of(choice: int | None) -> Verdict:
    """Return what a thumb means."""
    return _VERDICTS[choice] if choice is not None and choice < len(_VERDICTS) else Verdict.NONE


def with_thumbs(answer: str, turn: int, *, is_quoting: bool) -> Ask:
    """Say an answer with two buttons below it."""
    state = Pending("feedback", turn=turn)
    return Ask(
        Content(answer),
        THUMBS,
        expires_s=FEEDBACK_EXPIRES_S,
        state=_json(state),
        is_quoting=is_quoting,
    )


def offer_human(question: str, words: str, language: str) -> Ask:
    """Ask whether a human is to be called."""
    choices = say("offer_yes", language), say("offer_no", language)
    state = _json(Pending("human", question=question))
    return Ask(Content(words), choices, expires_s=OFFER_EXPIRES_S, state=state)


def offer_tool(call: str, words: str, language: str) -> Ask:
    """Ask whether something is to be done."""
    choices = say("confirm_yes", language), say("confirm_no", language)
    state = _json(Pending("tool", call=call))
    return Ask(Content(words), choices, expires_s=OFFER_EXPIRES_S, state=state)


def asked_by(function: str, ask: Ask) -> Ask:
    """Ask what a function asks: only who has called it may answer."""
    state = Pending("answer", call=function, state=ask.state)
    return replace(ask, state=_json(state), who=Who.ASKER)


def passed_on(ask: Ask, words: str) -> Ask:
    """Ask it in words that may leave."""
    return replace(ask, question=Content(words))


def ask_of(state: str) -> Ask:
    """Return what ``asked_by`` has made, when it comes back in writing."""
    return msgspec.json.decode(state, type=Ask)


def _json(pending: Pending) -> str:
    return msgspec.json.encode(pending).decode()
