"""Frameworks that no one here wrote take the simulator for a OneBot implementation.

They run in an environment of their own, which ``make judges`` sets up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from posthouse.simulators.onebot.accounts import Account, IdStyle, MessageFormat
from posthouse.simulators.onebot.happenings import (
    AnyHappening,
    Chat,
    FriendAdded,
    Joined,
    Left,
    Person,
    Poked,
    Recalled,
    Requested,
    Said,
    Uploaded,
)
from posthouse.simulators.onebot.record import MessageEntry
from posthouse.simulators.onebot.server import OneBotServer, Told
from posthouse.simulators.onebot.state import Network
from tests.channels.onebot_judges.environment import PYTHON, is_there

HERE = Path(__file__).parent
WITHIN_S = 30.0
TOKEN = "open-sesame"
TEAM = Chat(20001, title="Team")
ADA = Person(30001, "Ada", card="Countess")
NEST = Chat(30001, "private")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_there(), reason="the frameworks are not set up: `make judges`"),
]


class Framework(Struct, frozen=True):
    """A framework, and what it calls things."""

    program: str
    path: str  # where it waits for connections
    knows_models: bool = False  # it says which type an event was read as


AIOCQHTTP = Framework("judge_aiocqhttp.py", "/ws")
NONEBOT = Framework("judge_nonebot.py", "/onebot/v11/ws", knows_models=True)

every_framework = pytest.mark.parametrize("framework", [AIOCQHTTP, NONEBOT], ids=lambda f: f.path)


class Bench:
    """A framework's bot, the simulator it is connected to, and what it said of what it saw."""

    def __init__(self, server: OneBotServer, output: asyncio.StreamReader) -> None:
        self.server = server
        self._output = output

    async def says(self, what: str) -> dict[str, Any]:
        """Wait until the bot says something of a kind."""
        async with asyncio.timeout(WITHIN_S):
            async for line in self._output:
                if line.startswith(b"{") and (said := json.loads(line))["what"] == what:
                    return dict(said)
        raise AssertionError(f"the bot ended before it said {what!r}")

    async def tell(self, what: AnyHappening) -> Told:
        async with asyncio.timeout(WITHIN_S):
            return await self.server.tell(what)

    async def say(self, text: str, *, chat: Chat = TEAM, quote: int | None = None) -> int:
        said = Said(bot="a", chat=chat, sender=ADA, text=text, mentions_bot=True, quote=quote)
        told = await self.tell(said)
        assert told.message_id is not None
        return told.message_id

    def shown(self, message_id: int) -> MessageEntry:
        """What people see of a message of the bot."""
        found = self.server.network.find(self.server.network.account("a"), message_id)
        assert found is not None
        assert found.is_own
        return found

    @property
    def complaints(self) -> list[str]:
        return [each.problem for each in self.server.network.record().complaints]


@contextlib.asynccontextmanager
async def bench(
    framework: Framework,
    *,
    is_dialling: bool = True,
    message_format: MessageFormat = MessageFormat.ARRAY,
    ids: IdStyle = IdStyle.INT32,
) -> AsyncIterator[Bench]:
    """Start the simulator and a framework's bot, and connect them."""
    port = _free_port()
    account = Account(
        name="a",
        self_id=10000,
        token=TOKEN,
        urls=(f"ws://127.0.0.1:{port}{framework.path}",) if is_dialling else (),
        forward_port=0,
        message_format=message_format,
        ids=ids,
        heartbeat_s=0.5,
        reconnect_s=0.1,
    )
    async with OneBotServer(Network(7, accounts=(account,))) as server:
        dials = [] if is_dialling else [f"{server.forward_url('a')}/"]
        environ = {**os.environ, "PORT": str(port), "TOKEN": TOKEN, "DIALS": json.dumps(dials)}
        process = await asyncio.create_subprocess_exec(
            PYTHON,
            HERE / framework.program,
            env=environ,
            cwd=HERE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(WITHIN_S):
                await server.until_connected("a")
            yield Bench(server, process.stdout)
        finally:
            process.kill()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ── messages ─────────────────────────────────────────────────────────────────────────────────


@every_framework
@pytest.mark.parametrize("message_format", [*MessageFormat])
async def test_it_is_heard_and_answered(
    framework: Framework, message_format: MessageFormat
) -> None:
    async with bench(framework, message_format=message_format) as on:
        await on.say("ping one")
        heard = await on.says("message")
        assert (heard["text"], heard["sender"]) == ("ping one", "Ada")
        assert heard["name"] == "message.group.normal"
        answer = on.shown((await on.says("sent"))["message_id"])
        assert (answer.chat, answer.text) == ("group:20001", "pong one [&],")

        await on.say("ping two [&],", chat=NEST)
        heard = await on.says("message")
        assert (heard["text"], heard["name"]) == ("ping two [&],", "message.private.friend")
        assert on.complaints == []


@every_framework
async def test_segments_come_as_they_were_meant(framework: Framework) -> None:
    async with bench(framework) as on:
        asked = await on.say("array three")
        answer = on.shown((await on.says("sent"))["message_id"])
        kinds = [segment.type for segment in answer.segments]
        assert [kind for kind in kinds if kind != "text"] == ["reply", "at", "face", "image"]
        assert answer.quote == asked
        assert "pong three [&]," in answer.text
        assert [file.size_bytes for file in answer.files] == [8]
        assert on.complaints == []


@every_framework
async def test_strings_with_codes_are_read(framework: Framework) -> None:
    async with bench(framework) as on:
        asked = await on.say("string four")
        answer = on.shown((await on.says("sent"))["message_id"])
        assert (answer.quote, answer.text) == (asked, "pong four [&],")
        assert on.complaints == []


@every_framework
@pytest.mark.parametrize("ids", [*IdStyle])
async def test_ids_of_every_kind_survive(framework: Framework, ids: IdStyle) -> None:
    async with bench(framework, ids=ids) as on:
        await on.say("recall five")
        answer = on.shown((await on.says("recalled"))["message_id"])
        assert (answer.text, answer.is_recalled) == ("pong five", True)
        assert on.complaints == []


async def test_nonebot_finds_what_is_replied_to() -> None:
    async with bench(NONEBOT) as on:
        await on.say("ping six")
        answer = (await on.says("sent"))["message_id"]
        said = Said(bot="a", chat=TEAM, sender=ADA, text="hello", quote=answer)
        await on.tell(said)
        heard = await on.says("message")
        assert (heard["quote"], heard["to_me"], heard["text"]) == (answer, True, "hello")
        assert heard["model"] == "GroupMessageEvent"


# ── actions ──────────────────────────────────────────────────────────────────────────────────


@every_framework
async def test_they_find_their_way_around(framework: Framework) -> None:
    async with bench(framework) as on:
        asked = await on.say("look")
        looked = await on.says("looked")
        assert looked == {
            "what": "looked",
            "me": 10000,
            "message": asked,
            "group": "Team",
            "member": "member",
            "members": 2,
            "status": True,
        }
        assert on.complaints == []


@every_framework
async def test_an_unknown_action_fails_as_they_expect(framework: Framework) -> None:
    async with bench(framework) as on:
        await on.say("wrong")
        assert await on.says("failed") == {
            "what": "failed",
            "error": "ActionFailed",
            "retcode": 1404,
        }
        assert on.complaints == ["no action 'no_such_thing'"]


# ── other events ─────────────────────────────────────────────────────────────────────────────

HAPPENINGS: tuple[tuple[AnyHappening, str, str], ...] = (
    (Joined(bot="a", chat=TEAM, sender=ADA), "notice.group_increase.approve", "GroupIncrease"),
    (Left(bot="a", chat=TEAM, sender=ADA), "notice.group_decrease.leave", "GroupDecrease"),
    (Poked(bot="a", chat=TEAM, sender=ADA), "notice.notify.poke", "PokeNotify"),
    (Uploaded(bot="a", chat=TEAM, sender=ADA, name="x.txt"), "notice.group_upload", "GroupUpload"),
    (FriendAdded(bot="a", sender=ADA), "notice.friend_add", "FriendAdd"),
)


@every_framework
async def test_notices_and_requests_are_read(framework: Framework) -> None:
    async with bench(framework) as on:
        for what, name, model in HAPPENINGS:
            await on.tell(what)
            _assert_read(framework, await on.says("notice"), name, model)
        asked = await on.say("something")
        recalled = Recalled(bot="a", chat=TEAM, sender=ADA, message_id=asked)
        await on.tell(recalled)
        _assert_read(framework, await on.says("notice"), "notice.group_recall", "GroupRecall")
        asked = await on.say("something", chat=NEST)
        await on.tell(Recalled(bot="a", chat=NEST, sender=ADA, message_id=asked))
        _assert_read(framework, await on.says("notice"), "notice.friend_recall", "FriendRecall")
        assert on.complaints == []


@every_framework
async def test_a_friend_is_let_in(framework: Framework) -> None:
    async with bench(framework) as on:
        told = await on.tell(Requested(bot="a", sender=ADA, comment="hello"))
        _assert_read(framework, await on.says("request"), "request.friend", "FriendRequest")
        await on.say("ping seven", chat=NEST)  # handled after the request was
        await on.says("sent")
        assert on.server.network.requests[str(told.event["flag"])] is True
        assert on.complaints == []


@every_framework
async def test_heartbeats_are_read(framework: Framework) -> None:
    async with bench(framework) as on:
        names = [(await on.says("meta"))["name"] for _ in range(2)]
        assert set(names) <= {"meta_event.lifecycle.connect", "meta_event.heartbeat"}
        assert "meta_event.heartbeat" in names


def _assert_read(framework: Framework, said: dict[str, Any], name: str, model: str) -> None:
    assert said["name"] == name
    if framework.knows_models:  # a fallback would be called NoticeEvent: fields were missing
        assert said["model"] in (f"{model}Event", f"{model}NoticeEvent")


# ── roads ────────────────────────────────────────────────────────────────────────────────────


async def test_nonebot_dials_in() -> None:
    async with bench(NONEBOT, is_dialling=False) as on:
        await on.say("ping eight")
        answer = on.shown((await on.says("sent"))["message_id"])
        assert answer.text == "pong eight [&],"
        assert [each.road for each in on.server.network.record().connections] == ["forward"]
        assert on.complaints == []


@every_framework
async def test_a_cut_connection_comes_back(framework: Framework) -> None:
    async with bench(framework) as on:
        await on.say("ping nine")
        await on.says("sent")
        connections = on.server.network.notes.connections.entries
        on.server.cut("a")
        async with asyncio.timeout(WITHIN_S):
            while sum(each.opened_at is not None for each in connections) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await on.server.until_connected("a")
        await on.say("ping ten")
        answer = on.shown((await on.says("sent"))["message_id"])
        assert answer.text == "pong ten [&],"
