"""Says things to a bot and enters what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from itertools import count

from aiohttp import ClientError, ClientSession

from benchmarks.peers.implementation import Account, Implementation, connect
from benchmarks.peers.ledger import Ledger
from benchmarks.peers.wire import Said, Shown

PATH = "/onebot/v11/ws"
START_WITHIN_S = 60.0
QUIET_S = 10.0  # without any answer for so long, nothing more is expected
SETTLED_AFTER_S = 0.5  # for repeats, and for what the bot still does after its last answer


class Driver:
    """A connection to the bot on a port, and the ledger of the load at hand."""

    def __init__(self, session: ClientSession, port: int) -> None:
        self._session = session
        self._url = f"ws://127.0.0.1:{port}{PATH}"
        self._account = Account()
        self._tokens = (f"m-{number}" for number in count())
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._heard = asyncio.Event()
        self._bot: Implementation | None = None
        self.ledger = Ledger()

    async def connect(self) -> None:
        """Connect as soon as the bot listens; also again, after it was killed.

        Raises:
            TimeoutError: it did not listen in time.
        """
        await self.close()
        self._bot = await connect(
            self._session, self._url, self._account, self._hear, give_up_after_s=START_WITHIN_S
        )

    async def close(self) -> None:
        """Leave the bot; whatever it said until it ended is heard first."""
        if self._bot is not None:
            await self._bot.close()

    def turn_page(self) -> Ledger:
        """Begin an empty ledger."""
        self._waiting.clear()
        self.ledger = Ledger()
        return self.ledger

    async def say(self, person: int, group: int | None = None) -> asyncio.Future[None]:
        """Send the bot a message; what is returned is done when the answer is here.

        Raises:
            ClientError: the connection is gone; the message does not count.
        """
        assert self._bot is not None
        token = next(self._tokens)
        answer = self._waiting[token] = asyncio.get_running_loop().create_future()
        self.ledger.push(token, (group, person), time.perf_counter())
        try:
            await self._bot.push(Said(token, person, group))
        except ClientError:
            self.ledger.take_back(token)
            raise
        return answer

    async def ask(self, person: int, group: int | None = None) -> bool:
        """Send the bot a message and wait for the answer, but not for ever."""
        answer = await self.say(person, group)
        done, _ = await asyncio.wait({answer}, timeout=QUIET_S)
        return bool(done)

    async def greet(self) -> None:
        """Send the bot one message that it must answer.

        Raises:
            TimeoutError: it did not.
        """
        if not await self.ask(person=1):
            raise TimeoutError

    async def hear(self, answers: int) -> None:
        """Wait until so many messages have their answer, or nothing has come for long."""
        with contextlib.suppress(TimeoutError):
            while self.ledger.answered < answers:
                self._heard.clear()
                async with asyncio.timeout(QUIET_S):
                    await self._heard.wait()

    def _hear(self, shown: Shown, at: float) -> None:
        self.ledger.answer(shown.text, (shown.group, shown.person), at)
        answer = self._waiting.pop(shown.text, None)
        if answer is not None:
            answer.set_result(None)
        self._heard.set()
