"""A platform with a bot of every class, and a house for them all, each in its own process."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import aiohttp
import msgspec

from posthouse.cli.laboratory import book, feishu, qq
from posthouse.cli.laboratory.book import Book
from posthouse.cli.laboratory.judgement import Judgement, both, judge_run, ledger_of
from posthouse.cli.laboratory.neighbour import Neighbour
from posthouse.cli.laboratory.premises import Premises, free_port
from posthouse.simulators.probe.bots import Bot, BotClass
from posthouse.simulators.probe.bots import bot as declare
from posthouse.simulators.probe.faults import Fault, FaultPlan, FaultSettings, Verb
from posthouse.simulators.probe.ledger import CallEntry, Ledger
from posthouse.simulators.probe.pusher import Errand, Patience
from posthouse.simulators.probe.server import ProbeServer
from posthouse.simulators.probe.state import Event, Limits, ProbePlatform
from posthouse.simulators.probe.wire import Chat, Envelope, MessageBody, Person, Saying, signature

LOOK_EVERY_S = 0.02
LOOKS_BACK_S = 20.0  # what a house has not found by then in a history it does not find
MOVES_IN_S = 60.0
EVENTS_MAX = 20_000

# A bot of every class, named by it; some are told by webhook, some over a long connection.
BOTS: tuple[Bot, ...] = tuple(declare(kind.value, kind) for kind in BotClass)
NEIGHBOURS = (feishu.FEISHU, qq.QQ)
EVERY_BOT = (*BOTS, *NEIGHBOURS)
CLASSES = {each.bot: each.bot_class for each in EVERY_BOT}
CONNECTED = frozenset({BotClass.LOOKUP, BotClass.NONE, BotClass.CONNECTION})

SHAKY_CALLS = {
    Fault.DELAY: 0.1,
    Fault.RESET_BEFORE: 0.02,
    Fault.RESET_AFTER: 0.03,
    Fault.HALF_RESPONSE: 0.02,
    Fault.TOO_MANY: 0.03,
    Fault.ERROR_BEFORE: 0.02,
    Fault.ERROR_AFTER: 0.03,
}
SHAKY_PUSHES = {
    Fault.DELAY: 0.05,
    Fault.RESET_BEFORE: 0.03,
    Fault.RESET_AFTER: 0.05,
    Fault.TWICE: 0.05,
}
# Who lost a connection waits before the next, each time longer; so they are seldom cut: a long run
# would else wait for connections most of the time.
RARE_CUTS = {Fault.RESET_BEFORE: 0.0005, Fault.RESET_AFTER: 0.001}
SHAKY_LINES = {**SHAKY_CALLS, **RARE_CUTS, Fault.HALF_RESPONSE: 0.0005}


def shaky(seed: int) -> FaultSettings:
    """Return a network that often fails."""
    calls = dict.fromkeys((Verb.SEND, Verb.EDIT, Verb.LOOK_UP), SHAKY_CALLS)
    by_webhook = {**calls, Verb.PUSH: SHAKY_PUSHES}
    by_connection = {**calls, Verb.PUSH: {**SHAKY_PUSHES, **RARE_CUTS}}
    over_connection = {**by_connection, Verb.SEND: SHAKY_LINES, Verb.EDIT: SHAKY_LINES}
    return FaultSettings(
        seed=seed,
        delay_s=0.05,
        retry_after_s=0.2,
        rates={
            "*": by_webhook,
            **dict.fromkeys(CONNECTED, by_connection),
            BotClass.CONNECTION: over_connection,
        },
    )


class Platform(ProbePlatform):
    """A platform that counts what happens, so that a kill can wait for it."""

    def __init__(
        self, seed: int, bots: tuple[Bot, ...] = BOTS, limits: Limits | None = None
    ) -> None:
        super().__init__(seed, bots=bots, limits=limits)
        self._happened = 0
        self._happens = asyncio.Event()
        self._shows = asyncio.Event()
        self.shown = 0

    def push(self, event: Event) -> Envelope:
        self.count()
        return super().push(event)

    def acknowledge(self, event: Event) -> None:
        super().acknowledge(event)
        self.count()

    def note_call(self, entry: CallEntry) -> None:
        super().note_call(entry)
        self.count()

    def send(self, bot: Bot, body: MessageBody) -> str:
        message_id = super().send(bot, body)
        self.show()
        return message_id

    def count(self) -> None:
        """Something has happened, here or on another platform."""
        self._happened += 1
        self._happens.set()

    def show(self) -> None:
        """People see one more message of the house, here or on another platform."""
        self.shown += 1
        self._shows.set()

    async def until_happened(self, times: int) -> None:
        """Wait for so many pushes, acknowledgements and calls from now on."""
        enough = self._happened + times
        while self._happened < enough:
            self._happens.clear()
            await self._happens.wait()

    async def until_shown(self) -> None:
        """Wait for the next message of the house."""
        self._shows.clear()
        await self._shows.wait()


class Laboratory:
    """The platform, the premises of the house, and people who talk."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        faults: FaultSettings | None = None,
        *,
        bots: tuple[Bot, ...] = BOTS,
        events_max: int = EVENTS_MAX,
        word_pause_s: float = 0.002,  # how slowly the demonstration bot speaks
    ) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self.bots = bots
        self._seed = seed
        self._is_shaky = faults is not None
        self._probes = tuple(each for each in bots if each not in NEIGHBOURS)
        self.platform = Platform(seed, self._probes or BOTS, _room_for(events_max))
        self.server = ProbeServer(
            self.platform,
            faults=FaultPlan(faults),
            patience=Patience(back_off_s=0.05, back_off_max_s=0.4, pushes_max=10_000),
        )
        self._folder = folder
        self._word_pause_s = word_pause_s
        self._events_max = events_max
        self._spoken = 0
        self._errands: list[Errand] = []
        self.premises: Premises
        self._neighbours: dict[str, Neighbour] = {}

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Laboratory]:
        """Open the platform and write the settings of a house that knows it."""
        port = free_port()
        self._neighbours = self._met(port)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.server)
            for neighbour in self._neighbours.values():
                neighbour.tell(self.platform.count, self.platform.show)
                await stack.enter_async_context(neighbour.opened())
            self.premises = Premises(self._folder, self._settings(), port)
            for each in self._probes:
                if each.bot_class not in CONNECTED:
                    self.server.set_webhook(each, f"{self.premises.url}/webhooks/{each.bot}")
            yield self

    def _met(self, port: int) -> dict[str, Neighbour]:
        """Return the other platforms that are asked for, not open yet."""
        seed, is_shaky, events_max = self._seed, self._is_shaky, self._events_max
        found: dict[str, Neighbour] = {}
        if feishu.FEISHU in self.bots:
            faults = feishu.shaky(seed) if is_shaky else None
            found[feishu.NAME] = feishu.Platform(seed, faults, events_max=events_max)
        if qq.QQ in self.bots:
            qq_faults = qq.shaky(seed) if is_shaky else None
            found[qq.NAME] = qq.Platform(seed, port, qq_faults, events_max=events_max)
        return found

    def _settings(self) -> str:
        """Write the settings of a house with a bot of every class."""
        return "\n".join(
            (
                'language = "en"',
                "[handlers.demo]",
                f"word_pause_s = {self._word_pause_s}",
                *(_bot_table(each, self.server.address) for each in self._probes),
                *(neighbour.settings() for neighbour in self._neighbours.values()),
            )
        )

    # --- people -------------------------------------------------------------------------------

    def talk(self, messages: int, *, chats: int = 3, people: int = 2) -> None:
        """Let people say something here and there; half of it are commands."""
        for _ in range(messages):
            chat, person = self.dice.randrange(chats), self.dice.randrange(people)
            words = self.dice.choice(("hello there", "/echo"))
            self.say(self.dice.choice(self.bots).bot, f"c-{chat}", f"u-{person}", words)

    def say(self, bot: str, chat: str, person: str, words: str) -> str:
        """Let somebody say something with a mark; returns the mark."""
        self._spoken += 1
        mark = f"m-{self._spoken}"
        self.do(
            Saying(
                bot=bot,
                chat=Chat(id=chat, title=f"Chat {chat}"),
                sender=Person(id=person, name=f"Person {person}"),
                text=f"{words} {mark}",
                mentions_bot=True,
            )
        )
        return mark

    def do(self, saying: Saying) -> str | None:
        """Let somebody do something; returns the id of the message that it concerns."""
        if saying.bot in self._neighbours:
            return self._neighbours[saying.bot].do(saying)
        errand = self.server.say(saying)
        self._errands.append(errand)
        return errand.event.entry.message_id

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything that people did on the probe platform, in order."""
        return tuple(errand.event for errand in self._errands)

    async def hand_over(self, event: Event) -> int:
        """Push an event to its bot's webhook, once; returns the status."""
        envelope = self.platform.push(event)
        status = await self.knock(event.bot, msgspec.json.encode(envelope))
        if status == HTTPStatus.OK:
            self.platform.acknowledge(event)
        return status

    async def knock(self, bot: Bot, body: bytes | AsyncIterator[bytes]) -> int:
        """Post to a bot's webhook as the platform would; returns the status."""
        timestamp = str(int(time.time()))
        signed = body if isinstance(body, bytes) else b""
        headers = {
            "X-Probe-Timestamp": timestamp,
            "X-Probe-Signature": signature(bot.secret, timestamp, signed),
        }
        async with aiohttp.ClientSession() as session:
            url = f"{self.premises.url}/webhooks/{bot.bot}"
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                return answer.status

    async def move_in(self) -> int:
        """Let the house hear once of each platform that repeats nothing; returns how often it did.

        Before, it has nothing to look back at: what is said while it is away is not missed.
        """
        names = [name for name, each in self._neighbours.items() if not each.repeats]
        if names:
            async with self.premises.house() as house:
                await house.until_open()
                await self.until_connected(MOVES_IN_S)
                for name in names:
                    self.say(name, "c-0", "u-0", "hello")
                await self.until_at_rest(MOVES_IN_S)
        return len(names)

    async def until_connected(self, within_s: float) -> None:
        """Wait a while for those who repeat nothing: what is said before may never be found."""
        for each in self._neighbours.values():
            if not each.repeats:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(within_s):
                        await each.until_connected()

    # --- the end ------------------------------------------------------------------------------

    async def until_at_rest(self, within_s: float) -> None:
        """Wait until the house has everything, and has nothing left to do."""
        async with asyncio.timeout(within_s):
            await asyncio.gather(*(asyncio.shield(errand.done) for errand in self._errands))
            await asyncio.gather(*(each.until_handed_over() for each in self._neighbours.values()))
            await self._until_done()
            if await self._has_looked_back():
                await self._until_done()

    async def _until_done(self) -> None:
        while True:
            began_at = time.monotonic()
            if not book.unrest(self.premises.database):
                return
            looked_s = time.monotonic() - began_at  # looking shall not slow what is looked at
            await asyncio.sleep(max(LOOK_EVERY_S, 10 * looked_s))

    async def _has_looked_back(self) -> bool:
        """Give a platform that repeats nothing time to be asked; False: nothing was missing."""
        until_at = time.monotonic() + LOOKS_BACK_S
        is_missing = False
        while self._untaken() and time.monotonic() < until_at:
            is_missing = True
            await asyncio.sleep(1.0)
        return is_missing

    def _untaken(self) -> int:
        written = self._book()
        return sum(each.untaken(written) for each in self._neighbours.values())

    def _book(self) -> Book:
        return book.read(self.premises.database)

    @property
    def unanswered(self) -> int:
        """Roughly how many messages still wait for their answer."""
        return max(0, self._spoken - self.platform.shown)

    def judgement(self) -> Judgement:
        """Judge what happened."""
        written = self._book()
        return judge_run(self._ledger(written), written, CLASSES)

    def judgements(self) -> dict[str, Judgement]:
        """Judge each bot by itself."""
        written = self._book()
        ledger = self._ledger(written)
        return {
            each.bot: judge_run(ledger_of(ledger, each.bot), written.of(each.bot), CLASSES)
            for each in self.bots
        }

    def ledger(self) -> Ledger:
        """Return what people saw, on all platforms."""
        return self._ledger(self._book())

    def _ledger(self, written: Book) -> Ledger:
        ledger = self.platform.ledger()
        for each in self._neighbours.values():
            ledger = both(ledger, each.ledger(written))
        return ledger


def _room_for(events: int) -> Limits:
    """Let the platform remember all: a ledger that forgot something cannot be judged."""
    return Limits(messages_max=4 * events, events_max=4 * events, calls_max=100 * events)


def _bot_table(each: Bot, platform: str) -> str:
    is_connected = each.bot_class in CONNECTED
    return f"""
[bots.{each.bot}]
channel = "probe"
class = "{each.bot_class}"
base_url = "{platform}"
entrance = "{"long_connection" if is_connected else "webhook"}"
token = "{each.token}"
secret = "{each.secret}"
answer_within_s = 3.0
"""
