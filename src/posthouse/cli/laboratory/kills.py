"""Kills a house again and again at random, under load, on a network that often fails.

One seed decides what people say, what fails, and how much has happened before each kill. The
machine decides the rest, so a second run with the same seed is alike, not the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from msgspec import Struct

from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.judgement import Judgement
from posthouse.cli.laboratory.laboratory import EVERY_BOT, Laboratory, shaky

HAPPENINGS_PER_MESSAGE = 4  # pushes, acknowledgements and calls, at most before the next kill
HESITATION_S_MAX = 0.05  # a kill comes between two of them, or in the middle of the next
LIFE_S_MAX = 2.0  # a life ends also when less happens, and
MESSAGES_PER_S_MIN = 40.0  # when so many messages, waiting ones included, could have been answered
REST_S = 300.0  # at the end, beside the time for what still waits
MESSAGES_PER_CHAT = 80  # decides how many chats there are, of each bot
CHATS_MIN, CHATS_MAX = 3, 200
LOOKS_MAX = 40  # so many of the books left behind are checked, evenly spread
CHECK_S_MAX = 600.0
FIRST_REPLY_S_MAX = 3.0


class Plan(Struct, frozen=True, kw_only=True):
    """How long a run is, and its seed."""

    seed: int
    kills: int
    events: int

    @property
    def share(self) -> int:
        """How many messages people send in each life."""
        return self.events // (self.kills + 1)

    @property
    def chats(self) -> int:
        """In how many chats of each bot people talk."""
        return min(max(self.events // MESSAGES_PER_CHAT, CHATS_MIN), CHATS_MAX)


class Life(Struct, frozen=True):
    """What there is to tell of one life of the house."""

    first_reply_s: float | None  # from the start of its process; None: it was killed before
    caught: book.Caught


class Report(Struct, frozen=True, kw_only=True):
    """How a run went."""

    seed: int
    events: int
    kills: int
    turns_caught: int  # running when their process was killed
    sends_caught: int  # on their way then
    first_reply_p50_s: float
    first_reply_max_s: float
    took_s: float
    problems: tuple[str, ...]  # what `db check` found in the books that were left behind
    judgements: dict[str, Judgement]  # by class of platform, and for OneBot

    @property
    def is_kept(self) -> bool:
        """Whether the promise was kept."""
        return not self.problems and all(each.is_good for each in self.judgements.values())

    @property
    def acknowledged(self) -> int:
        """How many messages the house took."""
        return sum(each.acknowledged for each in self.judgements.values())


class Kills:
    """One run.

    Args:
        folder: an empty directory for the house's settings, data and log.
        plan: how long, and the seed.
        on_kill: called after each life.
    """

    def __init__(self, folder: Path, plan: Plan, on_kill: Callable[[], None]) -> None:
        self._plan = plan
        self._copy = folder / "copy"
        self._on_kill = on_kill
        self.laboratory = Laboratory(
            folder,
            plan.seed,
            shaky(plan.seed),
            bots=EVERY_BOT,
            events_max=max(plan.events, 1000),
        )
        self._look_every = max(1, plan.kills // LOOKS_MAX)
        self._lives: list[Life] = []
        self._problems: list[str] = []

    async def run(self) -> Report:
        """Kill as often as planned, let the last life do all that is left, and judge."""
        began_at = time.monotonic()
        plan, laboratory = self._plan, self.laboratory
        async with laboratory.opened():
            first = await laboratory.move_in()
            for number in range(plan.kills):
                laboratory.talk(plan.share // 2, chats=plan.chats)
                await self._live_and_die(is_checked=number % self._look_every == 0)
                self._on_kill()
            laboratory.talk(plan.events - plan.share * plan.kills - first, chats=plan.chats)
            await self._live_to_the_end()
            code, said = await laboratory.premises.command("db", "check", within_s=CHECK_S_MAX)
        if code:
            self._problems.append(said)
        return self._report(time.monotonic() - began_at)

    async def _live_and_die(self, *, is_checked: bool) -> None:
        """Kill a house after some happenings, and look at what it left."""
        laboratory, waiting = self.laboratory, self.laboratory.unanswered
        overdue = max(0, waiting - 2 * self._plan.share)  # a life that only begins helps nobody
        happenings_max = HAPPENINGS_PER_MESSAGE * max(self._plan.share, 1)
        happenings = laboratory.dice.randint(1, happenings_max) + HAPPENINGS_PER_MESSAGE * overdue
        hesitation_s = laboratory.dice.uniform(0.0, HESITATION_S_MAX)
        first_reply_s = asyncio.create_task(self._first_reply_s())
        async with laboratory.premises.house() as house:
            await house.until_open()
            await laboratory.until_connected(LIFE_S_MAX)
            laboratory.talk(self._plan.share - self._plan.share // 2, chats=self._plan.chats)
            life = asyncio.create_task(laboratory.platform.until_happened(happenings))
            await asyncio.wait({life}, timeout=LIFE_S_MAX + waiting / MESSAGES_PER_S_MIN)
            await asyncio.sleep(hesitation_s)
            await house.kill()
        life.cancel()
        first_reply_s.cancel()
        is_known = first_reply_s.done() and not first_reply_s.cancelled()
        replied_s = first_reply_s.result() if is_known else None
        await self._note(replied_s, is_checked=is_checked)

    async def _note(self, first_reply_s: float | None, *, is_checked: bool) -> None:
        database = self.laboratory.premises.database
        caught, problems = await book.inspect(database, self._copy, is_checked=is_checked)
        self._lives.append(Life(first_reply_s, caught))
        self._problems += problems

    async def _first_reply_s(self) -> float:
        began_at = time.monotonic()
        await self.laboratory.platform.until_shown()
        return time.monotonic() - began_at

    async def _live_to_the_end(self) -> None:
        within_s = REST_S + self.laboratory.unanswered / MESSAGES_PER_S_MIN
        async with self.laboratory.premises.house():
            try:
                await self.laboratory.until_at_rest(within_s)
            except TimeoutError:  # what happened until then is worth a judgement all the same
                self._problems.append(f"not everything was done after {within_s:.0f} s")

    def _report(self, took_s: float) -> Report:
        lives = self._lives
        replies_s = [life.first_reply_s for life in lives if life.first_reply_s is not None]
        return Report(
            seed=self._plan.seed,
            events=self._plan.events,
            kills=len(lives),
            turns_caught=sum(life.caught.turns for life in lives),
            sends_caught=sum(life.caught.sends for life in lives),
            first_reply_p50_s=median(replies_s) if replies_s else 0.0,
            first_reply_max_s=max(replies_s, default=0.0),
            took_s=took_s,
            problems=tuple(self._problems),
            judgements=self.laboratory.judgements(),
        )
