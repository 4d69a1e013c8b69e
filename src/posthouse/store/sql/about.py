"""What a write is about: of two writes about the same thing, one waits for the other.

A database with one writer needs none of this. Where several gateways write, each operation is
given locks on what it is about before it reads anything, so it sees and changes a chat as if it
were alone. Claims are about nothing: they pass by what is locked.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from posthouse.store.journal import Claim
from posthouse.store.sql.database import Value


class Ask(Struct, frozen=True):
    """The chats that a query of ``about.sql`` finds."""

    query: str
    values: dict[str, Value]


Thing = int | str | Ask  # a chat's number, anything else by a name of its own, or chats to be found
About = tuple[Thing, ...]

NOTHING: About = ()
DESK: About = ("desk",)  # who may do what: written rarely, and all of it belongs together
HOLDERS: About = ("holders",)  # who holds which connection
FILES = "files"  # which files are used: somebody may be about to remove them


def ask(query: str, **values: Value) -> Ask:
    return Ask(query, values)


def claim(held: Claim) -> About:
    """Return the chat of a lane: its name begins with a letter and the chat's number."""
    return (_chat(held.lane.split(":", 2)[1]) or ask("of_lane", lane=held.lane),)


def session(name: str) -> About:
    return (_chat(name.split(":", 1)[0]) or f"session {name}",)


def place(bot: str, platform_id: str) -> About:
    return (f"place {bot} {platform_id}",)


def deliveries(numbers: Iterable[int]) -> About:
    return (ask("of_deliveries", deliveries="[" + ",".join(map(str, numbers)) + "]"),)


def push(number: int) -> About:
    return (f"push {number}", ask("of_push", push=number))


def room(name: str, *, has_files: bool = False) -> About:
    return (f"room {name}", FILES) if has_files else (f"room {name}",)


def _chat(digits: str) -> int:
    return int(digits) if digits.isdecimal() else 0
