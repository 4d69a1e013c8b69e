"""A relay and a house, killed and cut apart: nothing is lost, nothing is handled twice.

``POSTHOUSE_CRASH_SEED`` plays the same people, kills and cuts again.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
from pathlib import Path

import aiohttp
import pytest

from posthouse.cli.laboratory.premises import Premises
from posthouse.simulators.feishu.happenings import Say
from posthouse.store.points import MOMENTS
from tests.acceptance.split import Split, split, token_of, until

SEED = int(os.environ.get("POSTHOUSE_CRASH_SEED") or secrets.randbits(32))
LIVES = 3
WORDS = 90
PEOPLE = ("ada", "bob", "eve")
OF_THE_RELAY = ("parcel", "parcel-lease", "parcel-take")

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(240)]


async def test_killed_and_cut_apart_at_random(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    async with split(tmp_path) as stage:
        async with asyncio.TaskGroup() as troubles:
            talking = troubles.create_task(_talk(stage, chance))
            troubles.create_task(_die_often(stage.relay, chance))
            troubles.create_task(_die_often(stage.house, chance))
            troubles.create_task(_cut_often(stage, chance))
        await talking
        async with stage.open_relay(), stage.house.house():
            await stage.settles()
    stage.judge(f"POSTHOUSE_CRASH_SEED={SEED}")


async def _talk(stage: Split, chance: random.Random) -> None:
    for _ in range(WORDS):
        stage.say(chance.choice(PEOPLE))
        await asyncio.sleep(chance.uniform(0, 0.1))


async def _die_often(premises: Premises, chance: random.Random) -> None:
    for _ in range(LIVES):
        async with premises.house() as running:
            await running.until_open()
            await asyncio.sleep(chance.uniform(0, 0.7))


async def _cut_often(stage: Split, chance: random.Random) -> None:
    for _ in range(LIVES):
        await asyncio.sleep(chance.uniform(0, 1.0))
        stage.wire.cut()
        await asyncio.sleep(chance.uniform(0, 0.3))
        stage.wire.mend()


async def test_the_relay_dies_at_every_named_point(tmp_path: Path) -> None:
    async with split(tmp_path) as stage, stage.house.house():
        for point in [f"{step}:{moment}" for step in OF_THE_RELAY for moment in MOMENTS]:
            crash = {"POSTHOUSE_CRASH_AT": f"{point}:1"}
            async with stage.relay.house(environ=crash) as relay:
                stage.say("ada", 4)
                assert await relay.until_ended(60.0) != 0, point
        async with stage.open_relay():
            await stage.settles()
    stage.judge()


async def test_the_house_dies_between_its_book_and_the_acknowledgement(tmp_path: Path) -> None:
    async with split(tmp_path) as stage, stage.open_relay():
        for point in ("accept:before-commit", "accept:after-commit"):
            stage.say("ada", 3)
            async with stage.house.house(environ={"POSTHOUSE_CRASH_AT": f"{point}:1"}) as house:
                assert await house.until_ended(60.0) != 0, point
            assert await stage.waiting() >= 3
        async with stage.house.house():
            await stage.settles()
    stage.judge()


async def test_an_old_worker_fetches_one_by_one_and_recall_words_first(tmp_path: Path) -> None:
    async with split(tmp_path) as stage, stage.open_relay():
        said = [
            stage.feishu.say(Say(person="ada", chat="team", text=text))
            for text in ("1", "2", "3", "豆哥撤回")
        ]
        assert all([await told.taken() for told in said])
        token = await token_of(stage.relay, "relay:bot=support")
        async with aiohttp.ClientSession() as session:
            fetched = [await _fetch(session, f"{stage.relay.url}/fetch/{token}") for _ in range(4)]
            assert [each["content"] for each in fetched] == ["豆哥撤回", "1", "2", "3"]
            first = fetched[1]
            assert sorted(first) == [
                *("content", "group_id", "msg_id", "msg_time", "source", "user_id")
            ]
            assert first["source"] == "lark"
            assert first["msg_id"] == said[0].message_id
            assert await _fetch(session, f"{stage.relay.url}/fetch/{token}") == {}
            async with session.post(f"{stage.relay.url}/fetch") as answer:
                assert answer.status == 401
            async with session.post(f"{stage.relay.url}/fetch/{token}x") as answer:
                assert answer.status == 401


async def _fetch(session: aiohttp.ClientSession, url: str) -> dict[str, str]:
    async with session.post(url) as answer:
        assert answer.status == 200
        record: dict[str, str] = await answer.json()
        return record


async def test_a_second_house_gets_nothing_while_the_first_fetches(tmp_path: Path) -> None:
    async with split(tmp_path) as stage, stage.open_relay() as relay:
        folder = tmp_path / "second"
        folder.mkdir()
        second = Premises(folder, stage.house_settings)
        async with stage.house.house():
            stage.say("ada", 3)
            await stage.settles()
            async with second.house():
                await second.until_logged("superseded")
                stage.say("ada", 3)
                stage.say("eve", in_group=True)
                await stage.settles()
            relay.tell(signal.SIGTERM)
            assert await relay.until_ended(60.0) == 0
            assert "request_failed" not in stage.relay.log_tail()
    stage.judge()


async def test_saving_the_address_is_answered_and_strangers_are_not(tmp_path: Path) -> None:
    async with split(tmp_path) as stage, stage.open_relay():
        assert not await stage.feishu.challenge("a", f"{stage.relay.url}/event")
        stage.feishu.switches["a"].signature = "wrong"
        stage.say("eve")
        await until(lambda: bool(stage.feishu.record().events[-1].problem))
        assert await stage.waiting() == 0
