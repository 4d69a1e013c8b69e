"""Everything that one seed decides: random people, platforms, faults and deaths, on virtual time.

People talk, in bursts too, edit, take back, say the recall word, stop and begin anew; platforms
answer late, unclearly, or ask to wait; the store takes its time, refuses calls, and the process
dies at any moment or at a named point, or is stopped. When all has become quiet, ``judge`` holds
the house to its promise: nothing is lost, each session was answered in order, nothing is seen twice
unless it is flagged, what was taken back is gone, what an operator said is said once.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.cli.crash_at import SEND_POINTS
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Draft, Send
from posthouse.model.address import Chat
from posthouse.model.capabilities import Capabilities, DraftKind, SendsFrom
from posthouse.model.delivery import Outcome, State
from posthouse.model.disposition import NewDelivery
from posthouse.model.errors import TryLater
from posthouse.model.event import Event, MessageReceived
from posthouse.model.message import Content
from posthouse.model.turn import OnCrash, OnEdit, Turn, TurnState
from posthouse.settings.settings import GatewaySettings, RouteRule
from posthouse.store.points import POINTS as STORE_POINTS
from posthouse.store.reader import DeliveryRow, Road, TurnRow
from posthouse.testing.null_channel import ScriptedChannel, chances
from tests.house.kit import HouseKit, Scripted, closed
from tests.house.people import edited, pressed, recalled, said

CLASSES = {
    "keyed": Capabilities(can_recall=True, can_edit=True, resend_key_window_s=3600.0),
    "lookup": Capabilities(can_recall=True, can_look_up=True),
    "overwritable": Capabilities(can_recall=True, can_overwrite=True, can_edit=True),
    "growing": Capabilities(
        can_recall=True,
        can_edit=True,
        resend_key_window_s=3600.0,
        draft=DraftKind.MESSAGE,
        has_draft_buttons=True,
        choices_max=3,
    ),
    "none": Capabilities(can_recall=True),
    "connection": Capabilities(can_recall=True, sends_from=SendsFrom.CONNECTION),
    "paced": Capabilities(
        can_recall=True, resend_key_window_s=3600.0, chat_sends_per_s=2.0, bot_sends_per_s=5.0
    ),
}
CAN_TELL = CLASSES.keys() - {"none", "connection"}
PEOPLE = ("ann", "ben", "eve")
ROOMS = ("room1", "room2")
BUSY_S = 60.0
QUIET_S = 1800.0  # back-off ends after five minutes
BURST_S = 1.5
PASSES_MAX = 6  # how often a named point is passed before the process dies there
POINTS = (*STORE_POINTS, *SEND_POINTS)


def _answers(shown: str, texts: Sequence[str]) -> bool:
    """Say whether a shown text answers one of these, perhaps among others of a burst."""
    return shown.startswith("re ") and bool(set(shown[3:].split("\n")) & set(texts))


class Platform(ScriptedChannel):
    """Takes its time, now and then loses count, and watches what is unclear at once."""

    def __init__(self, name: str, random: Random) -> None:
        super().__init__(chances(random, unknown=0.08, not_sent=0.08), CLASSES[name])
        self.random = random
        self.name = name
        self.house: HouseKit | None = None
        self.trace: list[str] = []

    def be_kind(self) -> None:
        """Let everything succeed from now on."""
        self._script = iter(())

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        await asyncio.sleep(self.random.random() * 0.3)
        if part.verb is Verb.SEND:
            self._hold_to_one_unclear(chat)
        outcome = await super().perform(part, chat)
        at = asyncio.get_running_loop().time()
        self.trace.append(f"{at:.6f} {self.name} {part.verb} {part.key} {outcome} {part.body!r}")
        await asyncio.sleep(self.random.random() * 0.3)
        return outcome

    def _hold_to_one_unclear(self, chat: Chat) -> None:
        assert self.house is not None
        rows = self.house.store._reading.connection.execute(
            "SELECT count(*) FROM deliveries WHERE chat = ? AND state IN ('sending', 'unknown')",
            (chat.id,),
        )
        ((unclear,),) = rows
        assert unclear <= 1, f"{unclear} unclear messages at once in chat {chat.id}"


Places = dict[tuple[str, str, str], list[list[int]]]  # where answers stand, by session


@dataclass
class Said:
    """A message, and what its author did with it later."""

    bot: str
    room: str
    who: str
    message: MessageReceived
    texts: list[str]
    is_taken_back: bool = False
    is_acknowledged: bool = False
    is_called_off: bool = False  # somebody stopped it, or said the recall word
    is_of_before: bool = False  # its author began anew behind it: what ran then was cancelled
    called_back: list[str] = field(default_factory=list)  # answers that stood there then

    @property
    def session(self) -> tuple[str, str, str]:
        return self.bot, self.room, self.who


@dataclass
class World:
    """Everything that one seed decides."""

    random: Random
    house: HouseKit
    said: list[Said] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    effects: Counter[int] = field(default_factory=Counter)
    notices: int = 0
    is_hostile: bool = True

    # --- what happens -----------------------------------------------------------------------

    async def hand_over(self, event: Event) -> None:
        """Do as a platform does: again and again, until it is acknowledged; at times once more."""
        while True:
            try:
                async with asyncio.timeout(5.0):
                    await self.house.accept(event)
                if self.random.random() < 0.9:
                    return
            except (TryLater, TimeoutError):
                pass
            await asyncio.sleep(self.random.random() * 3.0)

    async def person(self, bot: str, room: str, who: str) -> None:
        for number in range(self.random.randrange(1, 7)):
            is_burst = self.random.random() < 0.25
            await asyncio.sleep(self.random.random() * (1.0 if is_burst else BUSY_S / 5))
            prefix = self.random.choices(("", "report ", "look "), (14, 3, 3))[0]
            text = f"{prefix}{bot}-{room}-{who}-{number}"
            at = self.house.clock()
            message = said(text, who=who, room=room, bot=bot, at=at, message_id=f"om-{text}")
            spoken = Said(bot, room, who, message, [text])
            self.said.append(spoken)
            await self.hand_over(message)
            spoken.is_acknowledged = True
            if self.random.random() < 0.12 and not prefix:
                await self.edit(spoken)
            if self.random.random() < 0.1:
                await self.take_back(spoken)
            if self.random.random() < 0.08:
                await self.order(spoken, self.random.choice(("recall", "/stop", "/new")))
            if self.random.random() < 0.08:
                await self.press_stop(spoken)

    async def order(self, last: Said, words: str) -> None:
        """Say the recall word or an order; note what stands there and what may be called off."""
        await asyncio.sleep(self.random.random() * 8.0)
        mine = [each for each in self.said if each.session == last.session]
        standing = set(await self.shown(last)) if words == "recall" else set()
        at, number = self.house.clock(), len(self.said)
        order = said(
            words, who=last.who, room=last.room, bot=last.bot, at=at, message_id=f"o-{number}-{at}"
        )
        await self.hand_over(order)
        for each in mine:
            if words == "/new":
                each.is_of_before = True
                continue
            each.is_called_off = True
            each.called_back += [text for text in standing if _answers(text, each.texts)]

    async def press_stop(self, spoken: Said) -> None:
        """Press the button that would stand below its answer; note what may be called off."""
        await asyncio.sleep(self.random.random() * 6.0)
        turn = (await self.road(spoken)).turn
        if turn is None:
            return
        token, at = f"stop:{turn.id}", self.house.clock()
        await self.hand_over(
            pressed(token, who=spoken.who, room=spoken.room, bot=spoken.bot, at=at)
        )
        for each in self.said:  # an edit of an earlier one may have joined its turn
            each.is_called_off |= each.session == spoken.session

    async def operator(self) -> None:
        """Say something as the bot, and try failed messages again, as the console does."""
        for _ in range(self.random.randrange(3)):
            await asyncio.sleep(self.random.random() * BUSY_S / 2)
            bot, room = self.random.choice(sorted(self.house.bots)), self.random.choice(ROOMS)
            self.notices += 1
            words = f"notice {self.notices}"
            chat = await self.house.chat(room, bot)
            new = NewDelivery(
                origin=f"console:eve:{self.notices}",
                ordinal=0,
                part=0,
                content=Content(words),
                key=f"notice-{self.notices}",
                body=self.house.bots[bot].encode(Content(words), Letter(chat=chat)),
            )
            await self.insist("put_notice", chat.id, new)
            await self.insist("retry_delivery", 10**9, CLASSES[bot])

    async def insist(self, call: str, *arguments: object) -> None:
        """Write something until a process has lived to say that it is done."""
        while True:
            with suppress(TryLater, TimeoutError):
                async with asyncio.timeout(5.0):
                    journal = self.house.mortal.journal
                    await getattr(journal, call)(*arguments, self.house.clock())
                    return
            await asyncio.sleep(self.random.random() * 3.0)

    async def edit(self, spoken: Said) -> None:
        await asyncio.sleep(self.random.random() * 8.0)
        text = f"{spoken.texts[0]}-edited"
        spoken.texts.append(text)
        await self.hand_over(edited(spoken.message, text, at=self.house.clock()))

    async def take_back(self, spoken: Said) -> None:
        await asyncio.sleep(self.random.random() * 8.0)
        spoken.is_taken_back = True
        await self.hand_over(recalled(spoken.message, at=self.house.clock()))

    async def fate(self) -> None:
        """Kill the process, or stop it, a few times."""
        for _ in range(self.random.randrange(5)):
            await asyncio.sleep(self.random.random() * BUSY_S / 3)
            if self.random.random() < 0.2:
                await self.house.close()
                await self.house.open()
                continue
            if self.random.random() < 0.5:
                await self.die_at(
                    self.random.choice(POINTS), 5.0, self.random.randrange(PASSES_MAX)
                )
                continue
            await self.house.crash()
            await asyncio.sleep(self.random.random() * 10.0)
            await self.house.open()

    async def die_at(self, point: str, within_s: float, passes: int) -> bool:
        """Let the process die at a point, or when it is stopped; returns whether it came there.

        Args:
            point: its name.
            within_s: how long it may take.
            passes: how often it comes there before.
        """
        self.house.passes, self.house.dies_at = passes, point
        await self.comes_there(self.house.died.wait(), within_s)
        has_come = await self.comes_there(self.house.close(), 30.0)
        self.house.dies_at = ""
        await self.house.crash()
        await asyncio.sleep(self.random.random() * 10.0)
        await self.house.open()
        return has_come

    async def comes_there(self, work: Coroutine[object, object, object], within_s: float) -> bool:
        """Wait for something, which the dead never finish; returns whether the process has died."""
        if not self.house.died.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await work
        work.close()
        return self.house.died.is_set()

    async def trouble(self, call: str) -> None:
        """The store takes its time, and now and then refuses."""
        if not self.is_hostile or call in {"enter", "perform", "house"}:
            return
        if self.random.random() < 0.3:
            await asyncio.sleep(self.random.random() * 0.05)
        if self.random.random() < 0.03:
            raise TryLater

    async def answer(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        thinks_s = self.random.random() * 4.0
        for part in range(3):
            if self.random.random() < 0.7:
                yield Draft(f"thinking {part} about {turn.text}")
            await context.sleep(thinks_s / 3)
        yield Send(Content(f"re {turn.text}"))

    async def report(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        self.runs[f"{turn.id}"] += 1
        await context.sleep(self.random.random() * 4.0)
        yield Send(Content(f"re {turn.text}"))
        await context.sleep(self.random.random() * 4.0)

    async def look(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        async def effect() -> str:
            self.effects[turn.id] += 1
            await context.sleep(self.random.random())
            return "seen"

        if self.is_hostile and self.random.random() < 0.3:
            raise TryLater  # what it looks at is busy
        await context.once("look", effect)
        yield Send(Content(f"re {turn.text}"))

    async def live(self, fate: Coroutine[object, object, object] | None = None) -> None:
        """Let everything happen, under the given fate or a random one, then let it be quiet."""
        await self.house.open()
        people = [
            self.person(bot, room, who)
            for bot in self.house.bots
            for room in ROOMS
            for who in PEOPLE
            if self.random.random() < 0.5
        ]
        await asyncio.gather(*people, self.operator(), fate or self.fate())
        self.is_hostile = False
        for platform in self.house.bots.values():
            assert isinstance(platform, Platform)
            platform.be_kind()
        await asyncio.sleep(QUIET_S)

    # --- what must be true afterwards -------------------------------------------------------

    async def judge(self) -> None:
        await self.house.check()
        assert not [turn for turn, runs in self.runs.items() if runs > 1], "a report ran twice"
        assert not [turn for turn, runs in self.effects.items() if runs > 1], "an effect ran twice"
        order: Places = defaultdict(list)
        for spoken in self.said:
            await self.judge_one(spoken, order)
        for session, places in order.items():
            first, last = [min(each) for each in places], [max(each) for each in places]
            positions = (first, last)  # of a repeat, both copies; those of a burst stand together
            assert positions == (sorted(first), sorted(last)), (
                f"{session} was answered out of order: {positions}"
            )
        await self.judge_notices()

    async def judge_notices(self) -> None:
        texts: Counter[str] = Counter()
        for bot in sorted(self.house.bots):
            for room in ROOMS:
                texts.update(await self.house.texts(room, bot))
        for number in range(1, self.notices + 1):
            most = 1 if self.house.bots.keys() <= CAN_TELL else 2
            assert texts[f"notice {number}"] <= most, f"notice {number} more than {most} times"

    async def judge_one(self, spoken: Said, order: Places) -> None:
        what = spoken.texts[-1]
        shown = await self.shown(spoken)
        seen = [at for at, text in enumerate(shown) if _answers(text, [what])]
        stale = [text for text in shown if _answers(text, spoken.texts[:-1])]
        road = await self.road(spoken)
        rows = await self.rows(spoken)
        is_doubtful = any(row.delivery.state is State.DOUBTFUL for row in rows)
        is_flagged = any(row.delivery.may_be_duplicate for row in rows) or is_doubtful
        assert len(seen) <= 1 or (spoken.bot not in CAN_TELL and is_flagged), f"{what} twice"
        assert len(seen) <= 2, f"{what} more than twice"
        # Of a message repeated in doubt, only the copy that has a name can be taken back or edited.
        is_named = is_doubtful or (is_flagged and spoken.bot not in CAN_TELL)
        left = [text for text in shown if text in spoken.called_back]
        assert not left or is_named, f"{left} was called back and is there"
        if spoken.is_taken_back:
            assert not seen or is_named, f"{what} was taken back, its answer is there"
            return
        last = await self.last_turn(spoken)
        is_cut = last is not None and last.state is TurnState.CANCELLED
        is_called_off = spoken.is_called_off or (spoken.is_of_before and is_cut)
        is_kept = is_named or is_called_off  # the turn that should have replaced it
        assert not stale or is_kept, (
            f"{what} was edited, its old answer is there: {stale} {road} {rows}"
        )
        reason = last.reason if last is not None else ""
        is_reported = reason in {"interrupted", "handler_error"}
        is_excused = is_reported or is_called_off or self.is_withdrawn(spoken, rows)
        assert seen or is_doubtful or is_excused, f"{what} was lost: {road}"
        if len(spoken.texts) == 1:
            order[spoken.session] += [seen] if seen else []

    def is_withdrawn(self, spoken: Said, rows: Sequence[DeliveryRow]) -> bool:
        """Say whether its answer went with another message of its burst that was taken back."""
        others = [each for each in self.said if each.session == spoken.session]
        gone = {State.WITHDRAWN, State.DROPPED}
        is_withdrawn = any(row.delivery.state in gone for row in rows)
        return is_withdrawn and any(each.is_taken_back for each in others)

    async def shown(self, spoken: Said) -> tuple[str, ...]:
        return await self.house.texts(spoken.room, spoken.bot)

    async def road(self, spoken: Said) -> Road:
        return await self.house.road(spoken.message)

    async def last_turn(self, spoken: Said) -> TurnRow | None:
        """Return the turn that answered it last: after an edit that may be another one."""
        chat = await self.house.chat(spoken.room, spoken.bot)
        for road in await self.house.store.reader.recent(chat.id, 10_000):
            if road.event.message_id == spoken.message.message_id and road.turn is not None:
                return road.turn
        return None

    async def rows(self, spoken: Said) -> tuple[DeliveryRow, ...]:
        """The deliveries of every turn that answered the message or an edit of it."""
        numbers = await self.house.store.reader.find_message(spoken.bot, spoken.message.message_id)
        roads = [await self.house.store.reader.road(number) for number in numbers]
        return tuple(row for road in roads if road is not None for row in road.deliveries)


def world(seed: int, *classes: str) -> World:
    """Make a house with bots of these classes, by default of some."""
    random = Random(seed)
    names = classes or tuple(random.sample(sorted(CLASSES), random.randrange(1, 4)))
    platforms = {name: Platform(name, random) for name in names}
    house = closed(
        bots=platforms,
        handlers={name: Scripted(_never) for name in ("answer", "report", "look")},
        routes=(
            RouteRule(prefix="report", handler="report"),
            RouteRule(prefix="look", handler="look"),
            RouteRule(handler="answer"),
        ),
        gateway=GatewaySettings(
            turns_max=random.choice((1, 3, 200)), sends_max=random.choice((2, 200))
        ),
        seed=seed,
    )
    made = World(random, house)
    house.troubles = made.trouble
    burst_s = random.choice((0.0, BURST_S))
    house.handlers["answer"] = Scripted(
        made.answer, attempts_max=20, burst_s=burst_s, on_edit=OnEdit.RERUN
    )
    house.handlers["look"] = Scripted(made.look, attempts_max=20)
    house.handlers["report"] = Scripted(made.report, on_crash=OnCrash.REPORT)
    for platform in platforms.values():
        platform.house = house
    return made


async def _never(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
    yield Send(Content(""))
