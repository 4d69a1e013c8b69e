"""What the author of a scene imports: who asks, and what a command can answer with.

A scene is a Python file in a folder of ``scene_dirs``; each of its functions ``cmd_<name>`` is a
command. A command returns, or yields one after the other, texts (Markdown) and the things below::

    from posthouse.scene import Ask, Image, caller


    def cmd_restart(host: str):
        "Restart a host."
        return Ask(f"Restart {host}?", ("Yes", "No"), then=restart, state=host)


    def restart(answer, host): ...

Scenes run in worker processes of their own. This module needs the standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Mistake(Exception):
    """What the person asked for cannot be done as it stands; they are shown this sentence."""


# ── who asks, and where ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Person:
    """Who asks. Rights hang on ``id``; ``name`` is whatever the person likes to be called."""

    id: str  # the platform's verified id
    name: str
    role: str  # in this chat: "member", "admin" or "owner"
    groups: tuple[str, ...]  # the groups of people that operators put them in


@dataclass(frozen=True)
class Chat:
    """Where they ask."""

    number: int  # the house's own; what ``Push`` takes
    platform_id: str
    title: str
    is_private: bool


@dataclass(frozen=True)
class Call:
    """One run of a command."""

    person: Person
    chat: Chat
    bot: str
    language: str  # "zh" or "en": what the house speaks in this chat
    text: str  # the whole message


_calls: list[Call] = []  # the one that runs; a worker does one thing at a time


def caller() -> Call:
    """Return who asks, and where.

    Raises:
        RuntimeError: no command is running, for example while the scene is loaded.
    """
    if not _calls:
        raise RuntimeError("No command is running; ask for the caller inside a command.")
    return _calls[-1]


def begin(call: Call) -> None:
    """Let ``caller`` return this; for workers, and for tests of scenes."""
    _calls[:] = [call]


# ── what a command can answer with ───────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Text:
    """Words as they are: nothing in them is Markdown."""

    text: str


@dataclass(frozen=True)
class Markdown:
    """Words with Markdown in them; a plain ``str`` means the same."""

    text: str


@dataclass(frozen=True)
class Image:
    """A picture: the path of a file, or its bytes."""

    source: str | Path | bytes
    name: str = ""


@dataclass(frozen=True)
class File:
    """A document: the path of a file, or its bytes with a ``name``."""

    source: str | Path | bytes
    name: str = ""


@dataclass(frozen=True)
class Progress:
    """How far it is.

    Shown in a growing message where the platform can; the next answer takes its place.
    """

    text: str


@dataclass(frozen=True)
class Answer:
    """What was answered to an ``Ask`` or pressed on a ``Card``."""

    text: str  # the button's label, or what was typed
    choice: int | None  # which button, counted from 0; None when it was typed


@dataclass(frozen=True)
class Ask:
    """A question. The command ends here.

    The answer goes to the function ``then`` of the same scene, as ``then(answer, state)``, even
    after a restart.
    """

    question: str
    choices: Sequence[str] = ()  # buttons; without any, the next message is the answer
    then: Callable[..., Any] | str = ""
    state: Any = None  # what JSON can hold
    anyone: bool = False  # may anyone in the chat answer, or only who asked
    typed: bool | None = None  # may it be typed; left out: where there are no buttons
    expires_s: float = 600.0


@dataclass(frozen=True)
class Card:
    """A message with buttons, each with its own function: ``then(answer, state)``."""

    text: str
    buttons: Mapping[str, Callable[..., Any] | str] = field(default_factory=dict)
    state: Any = None
    anyone: bool = False
    expires_s: float = 86400.0


@dataclass(frozen=True)
class Push:
    """A message to another chat, named by the house's number of it (``/chat_id`` says it)."""

    chat: int
    content: str | Text | Markdown | Image | File


# ── how a command is run ─────────────────────────────────────────────────────────────────────


def readonly(function: _Function) -> _Function:
    """Mark a command that changes nothing: it looks something up, or only asks.

    The assistant runs it without asking the person first. A command that asks by itself before
    it does anything is such a one.
    """
    function.is_readonly = True  # type: ignore[attr-defined]
    return function


def limit(*, give_up_s: float) -> Callable[[_Function], _Function]:
    """Give a command its own time: after ``give_up_s`` seconds it is killed.

    ::

        @limit(give_up_s=120)
        def cmd_backup(): ...
    """
    if give_up_s <= 0:
        raise ValueError("give_up_s must be above 0")

    def mark(function: _Function) -> _Function:
        function.give_up_s = give_up_s  # type: ignore[attr-defined]
        return function

    return mark
