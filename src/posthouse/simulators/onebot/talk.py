"""A conversation for people: type a line, see what everyone in the chat sees.

Plain lines are said in the current chat; ``/group 20001``, ``/private`` and ``/as 10002`` change
who and where, ``/recall`` takes the last line back. In JSON, each line in is a happening as
``POST /v1/say`` takes it, and each line out an entry of the record.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import msgspec
from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.onebot.happenings import AnyHappening, Chat, Person, Recalled, Said
from posthouse.simulators.onebot.record import MessageEntry
from posthouse.simulators.onebot.segments import Malformed
from posthouse.simulators.onebot.server import OneBotServer
from posthouse.simulators.onebot.state import Failed
from posthouse.simulators.timing import end

GROUP = 20_001
PERSON = 30_001
LINE_CHARACTERS_MAX = 64 * 1024

Say = Callable[[str], None]


class Seat(Struct):
    """Who speaks at the moment, and where."""

    bot: str
    person: int = PERSON
    group: int | None = None  # None: in private
    last_id: int | None = None

    @property
    def chat(self) -> Chat:
        return Chat(self.group) if self.group else Chat(self.person, "private")

    @property
    def speaker(self) -> Person:
        return Person(self.person, f"Person {self.person}")


async def converse(
    server: OneBotServer, say: Say, interrupted: asyncio.Event, *, is_json: bool
) -> None:
    """Talk until the input ends or somebody interrupts."""
    seat = Seat(next(iter(server.network.accounts)))
    server.network.watch(lambda entry: say(_shown(entry, is_json=is_json)))
    waiting = asyncio.create_task(interrupted.wait())
    try:
        while (line := await _line(waiting)) is not None:
            try:
                await _do(server, seat, line.strip(), is_json=is_json)
            except (OperatorMistake, Failed, Malformed, msgspec.MsgspecError, ValueError) as no:
                say(_refused(str(no), is_json=is_json))
    finally:
        await end(waiting)


async def _line(waiting: asyncio.Task[bool]) -> str | None:
    """Read a line beside the loop; the thread of an abandoned read dies with the process."""
    reading = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline, LINE_CHARACTERS_MAX))
    await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
    return reading.result() or None if reading.done() else None


async def _do(server: OneBotServer, seat: Seat, line: str, *, is_json: bool) -> None:
    if not line:
        return
    if is_json:
        await server.tell(msgspec.json.decode(line, type=AnyHappening))
        return
    command, _, word = line.partition(" ")
    match command:
        case "/group":
            seat.group = int(word or GROUP)
        case "/private":
            seat.group = None
        case "/as":
            seat.person = int(word)
        case "/recall" if seat.last_id is not None:
            await server.tell(
                Recalled(bot=seat.bot, chat=seat.chat, sender=seat.speaker, message_id=seat.last_id)
            )
        case _:
            said = Said(
                bot=seat.bot,
                chat=seat.chat,
                sender=seat.speaker,
                text=line,
                mentions_bot=seat.group is not None,
            )
            told = await server.tell(said)
            seat.last_id = told.message_id


def _shown(entry: MessageEntry, *, is_json: bool) -> str:
    if is_json:
        return msgspec.json.encode(entry).decode()
    who = entry.bot if entry.is_own else str(entry.sender)
    what = "(recalled)" if entry.is_recalled else entry.text
    return f"[{entry.chat}] {who}: {what}"


def _refused(problem: str, *, is_json: bool) -> str:
    return msgspec.json.encode({"problem": problem}).decode() if is_json else f"! {problem}"
