"""The real process is killed while somebody chats: every message is there once, answered once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, CookieJar

from posthouse.cli.laboratory.premises import Premises

MESSAGES = 60
KILLS = 5
SETTINGS = """
[bots.web]
channel = "web"
posts_per_minute = 6000
"""

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(180)]


class Talker:
    """Sends until it is acknowledged, like the page does."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._api = f"{url}/chat/api"
        self.room = ""
        self.repeats = 0

    async def enter(self) -> None:
        await self.until_done("PUT", "/me", {"name": "Ann"})
        (line,) = await self.until_done("GET", "/rooms")
        self.room = line["id"]

    async def say(self, number: int) -> None:
        body = {"key": f"message-{number:05}", "text": f"/echo {number:05}"}
        await self.until_done("POST", f"/rooms/{self.room}/messages", body)

    async def until_done(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        while True:
            with contextlib.suppress(ClientError, TimeoutError):
                async with self._session.request(method, self._api + path, json=body) as answer:
                    if answer.status < 300:
                        return await answer.json()
                    assert answer.status in {429, 503}, await answer.text()
            self.repeats += 1
            await asyncio.sleep(0.05)

    async def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        before, is_more = "", True
        while is_more:
            path = f"/rooms/{self.room}/messages?limit=100{before}"
            page = await self.until_done("GET", path)
            found = page["messages"] + found
            before, is_more = f"&before={found[0]['number']}", page["is_more"]
        return found


async def test_a_chat_survives_being_killed_again_and_again(tmp_path: Path) -> None:
    chance = random.Random(20_261_120)
    premises = Premises(tmp_path, SETTINGS)
    jar, patience = CookieJar(unsafe=True), ClientTimeout(total=5)
    async with ClientSession(cookie_jar=jar, timeout=patience) as session:
        talker = Talker(session, premises.url)
        talking: asyncio.Task[None] | None = None
        for _ in range(KILLS):
            async with premises.house() as house:
                await house.until_open()
                talking = talking or asyncio.create_task(_talk(talker))
                await asyncio.sleep(chance.uniform(0.05, 0.6))
        assert talking is not None
        assert not talking.done(), "nothing was left to be said while it was killed"
        async with premises.house() as house:
            await house.until_open()
            await talking
            said = await _until_answered(talker)
    texts = Counter(message["text"] for message in said if message.get("is_mine"))
    assert texts == {f"/echo {number:05}": 1 for number in range(MESSAGES)}
    answers = [message["text"] for message in said if message.get("is_bot")]
    assert answers == [f"{number:05}" for number in range(MESSAGES)]
    assert talker.repeats >= KILLS


async def _talk(talker: Talker) -> None:
    await talker.enter()
    for number in range(MESSAGES):
        await talker.say(number)
        await asyncio.sleep(0.06)


async def _until_answered(talker: Talker) -> list[dict[str, Any]]:
    async with asyncio.timeout(30):
        while True:
            said = await talker.messages()
            if sum(1 for message in said if message.get("is_bot")) >= MESSAGES:
                return said
            await asyncio.sleep(0.1)
