"""Commands that one handler lends to another: described for machines, run for a person."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from msgspec import Struct

from posthouse.handlers.handler import Moment
from posthouse.model.action import Action
from posthouse.model.turn import Answer, Turn


class Lent(Struct, frozen=True):
    """One command, as it is now."""

    name: str  # ``scene.command``
    help: str
    parameters: str  # JSON schema
    is_readonly: bool = False  # it changes nothing
    is_public: bool = False  # for everybody who is not blocked
    defaults: tuple[
        tuple[str, str], ...
    ] = ()  # what an argument is that is left out, as it is said


class Lender(Protocol):
    """Has commands. Every turn that it is given names the lender as its handler.

    Who may run what is asked each time, without a cache, as if the person had typed it.
    """

    async def find(self, name: str) -> Lent | None:
        """Find ``scene.command``; wait for scenes that are still being loaded."""
        ...

    async def refusal(self, name: str, turn: Turn, moment: Moment) -> str:
        """Return why the person of a turn may not run it, a ruling's reason; empty: they may."""
        ...

    async def check(
        self, name: str, given: Mapping[str, object], turn: Turn, moment: Moment
    ) -> None:
        """Read the arguments of a call as ``run`` would, and run nothing.

        Raises:
            CannotAnswer: they do not fit, or nobody can tell now; or they may not.
        """
        ...

    def run(
        self, name: str, given: Mapping[str, object], turn: Turn, moment: Moment
    ) -> AsyncGenerator[Action]:
        """Run it with arguments by name; it says things, or asks.

        Raises:
            CannotAnswer: they may not, or it could not be run to its end.
        """
        ...

    def go_on(self, answer: Answer, turn: Turn, moment: Moment) -> AsyncGenerator[Action]:
        """Give it the answer to what it has asked.

        Raises:
            CannotAnswer: they may not, or it could not be run to its end.
        """
        ...
