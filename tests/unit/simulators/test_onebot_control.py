"""The control surface, the program, and the record as others judge it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.onebot.accounts import IdStyle, MessageFormat
from posthouse.simulators.onebot.faults import Fault, FaultPlan, FaultSettings, Verb
from posthouse.simulators.onebot.program import Options, accounts_of
from posthouse.simulators.onebot.remote import NoPlatform, started
from posthouse.simulators.onebot.switches import SwitchSettings
from posthouse.simulators.onebot.verdict import as_ledger
from posthouse.simulators.probe.verdict import judge
from tests.unit.simulators.onebot_scene import (
    ADA,
    BEN,
    NEST,
    TEAM,
    WITHIN_S,
    Hall,
    Stage,
    open_stage,
    said,
    script,
)

SAID = {
    "type": "message",
    "bot": "a",
    "chat": {"id": 20001, "title": "Team"},
    "sender": {"user_id": 30001, "nickname": "Ada"},
    "text": "hello",
}

# ── over HTTP ────────────────────────────────────────────────────────────────────────────────


class Control:
    def __init__(self, stage: Stage, session: aiohttp.ClientSession) -> None:
        self.stage = stage
        self._session = session

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        url = self.stage.server.address + path
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._session.request(method, url, data=data) as answer:
            raw = await answer.read()
            is_json = answer.content_type == "application/json"
            return answer.status, json.loads(raw) if is_json else raw


@asynccontextmanager
async def control() -> AsyncIterator[Control]:
    async with open_stage() as stage, aiohttp.ClientSession() as session:
        yield Control(stage, session)


async def test_people_are_made_to_talk_and_the_record_is_read() -> None:
    async with control() as on:
        guest = await on.stage.bots.guest()
        status, told = await on.ask("POST", "/v1/say?wait=1", SAID)
        assert (status, told["is_pushed"]) == (200, True)
        assert (await guest.frame())["message_id"] == told["message_id"]
        await guest.send("hi")
        await guest.frame()
        _, record = await on.ask("GET", "/v1/record")
        assert [entry["text"] for entry in record["messages"]] == ["hello", "hi"]
        assert record["complaints"] == []
        _, chat = await on.ask("GET", "/v1/chats/a/group:20001")
        assert [entry["is_own"] for entry in chat["messages"]] == [False, True]
        assert await on.ask("DELETE", "/v1/record") == (204, b"")
        assert (await on.ask("GET", "/v1/record"))[1]["messages"] == []


async def test_faults_are_planned() -> None:
    async with control() as on:
        guest = await on.stage.bots.guest()
        plan = {"retcode": 100, "script": {"a": {"send": ["refused"]}}}
        assert await on.ask("PUT", "/v1/faults", plan) == (204, b"")
        answer = await guest.call("send_group_msg", group_id=20001, message="hi")
        assert answer["retcode"] == 100


async def test_connections_are_switched_and_cut() -> None:
    async with control() as on:
        guest = await on.stage.bots.guest()
        path = "/v1/accounts/a"
        _, before = await on.ask("GET", f"{path}/switches")
        _, after = await on.ask("PUT", f"{path}/switches", {"is_reading": False})
        assert after == {**before, "is_reading": False}
        await on.ask("DELETE", f"{path}/connections?how=cut")
        assert await guest.until_gone() == 1006
        await on.ask("PUT", f"{path}/switches", {"is_reading": True})
        guest = await on.stage.reconnected()
        await on.ask("DELETE", f"{path}/connections")
        assert await guest.until_gone() == 1000


async def test_files_are_kept_and_fetched() -> None:
    async with control() as on:
        _, kept = await on.ask("PUT", "/v1/files/x.png", b"123")
        assert kept["url"].endswith("/v1/files/x.png")
        assert await on.ask("GET", "/v1/files/x.png") == (200, b"123")
        assert (await on.ask("GET", "/v1/files/y.png"))[0] == 409


async def test_health_tells_who_is_connected() -> None:
    async with control() as on:
        await on.stage.bots.guest()
        await on.stage.server.until_connected("a")
        _, health = await on.ask("GET", "/v1/health")
        assert health["accounts"] == [
            {"bot": "a", "self_id": 10000, "connections": 1, "forward_url": None}
        ]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/say", {"type": "flown"}),
        ("POST", "/v1/say", {**SAID, "bot": "z"}),
        ("POST", "/v1/say", {**SAID, "message": []}),
        ("PUT", "/v1/faults", {"rates": {"a": {"send": {"lost": 1}}}}),
        ("PUT", "/v1/accounts/a/switches", {"is_happy": True}),
        ("PUT", "/v1/accounts/z/switches", {}),
    ],
)
async def test_what_makes_no_sense_is_refused(method: str, path: str, body: object) -> None:
    async with control() as on:
        status, answer = await on.ask(method, path, body)
        assert (status, bool(answer["message"])) == (400, True)


@pytest.mark.parametrize(
    "settings",
    [
        FaultSettings(rates={"*": {Verb.SEND: {Fault.TWICE: 0.6, Fault.DELAY: 0.6}}}),
        FaultSettings(rates={"*": {Verb.SEND: {Fault.TWICE: -0.1}}}),
        FaultSettings(script={"a": {Verb.PUSH: (Fault.ASYNC,)}}),
        FaultSettings(script={"a": {Verb.SEND: (None,) * 10_001}}),
    ],
)
def test_a_plan_that_cannot_be_changes_nothing(settings: FaultSettings) -> None:
    plan = FaultPlan(script(Verb.SEND, Fault.TWICE))
    with pytest.raises(OperatorMistake):
        plan.change(settings)
    assert plan.draw("a", Verb.SEND) is Fault.TWICE


# ── as a program ─────────────────────────────────────────────────────────────────────────────


def test_options_say_what_accounts_are_like() -> None:
    one, two = accounts_of(
        Options(
            accounts="a,b=12345",
            urls=("ws://h/ws?x=1", "b=ws://i/ws"),
            forwards=("a=0",),
            tokens=("secret", "b=other"),
            message_format="string",
            ids="signed",
            heartbeat_s=1.5,
        )
    )
    assert (one.urls, two.urls) == (("ws://h/ws?x=1",), ("ws://h/ws?x=1", "ws://i/ws"))
    assert (one.token, two.token) == ("secret", "other")
    assert (one.forward_port, two.forward_port) == (0, None)
    assert (one.message_format, one.ids) == (MessageFormat.STRING, IdStyle.SIGNED)
    assert (one.heartbeat_s, two.self_id) == (1.5, 12345)


@pytest.mark.parametrize(
    "options",
    [Options(forwards=("a=x",)), Options(forwards=("70000",)), Options(message_format="xml")],
)
def test_options_that_make_no_sense_are_refused(options: Options) -> None:
    with pytest.raises(OperatorMistake):
        accounts_of(options)


async def program_of(*arguments: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "posthouse.simulators.onebot", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_programs_talk_in_lines_of_json() -> None:
    async with asyncio.timeout(4 * WITHIN_S):
        program = await program_of("--seed", "7", "--forward", "0", "--json")
        assert program.stdout is not None
        first = (await program.stdout.readline()).decode().split()
        assert first[0].startswith("http://127.0.0.1:")
        assert first[1] == "seed=7"
        async with aiohttp.ClientSession() as session:
            bot = await session.ws_connect(first[2].removeprefix("a="))
            assert (await bot.receive_json())["meta_event_type"] == "lifecycle"
            assert program.stdin is not None
            program.stdin.write(b'{"type":"flown"}\n' + json.dumps(SAID).encode() + b"\n")
            problem, shown = [json.loads(await program.stdout.readline()) for _ in range(2)]
            assert "problem" in problem
            assert (shown["text"], shown["is_own"]) == ("hello", False)
            assert (await bot.receive_json())["message_id"] == shown["message_id"]
            program.stdin.close()
            assert await program.wait() == 0


async def test_people_type_and_read() -> None:
    async with asyncio.timeout(4 * WITHIN_S):
        program = await program_of("--talk")
        out, _ = await program.communicate(b"hi\n/recall\n/group 20001\n/as 30002\nyou\n/as x\n")
        assert program.returncode == 0
        assert out.decode().splitlines()[1:] == [
            "[private:30001] 30001: hi",
            "[private:30001] 30001: (recalled)",
            "[group:20001] 30002: @10000 you",
            "! invalid literal for int() with base 10: 'x'",
        ]


async def test_a_mistake_is_told_in_a_line(tmp_path: Path) -> None:
    plan = tmp_path / "faults.json"
    plan.write_text('{"rates": 7}')
    async with asyncio.timeout(4 * WITHIN_S):
        program = await program_of("--faults", plan)
        _, told = await program.communicate()
    assert program.returncode == 1
    assert told.decode().startswith(f"onebot: {plan} is no fault plan")
    assert "Traceback" not in told.decode()


# ── as others judge it ───────────────────────────────────────────────────────────────────────


def answered(*answers: str) -> Hall:
    """Two messages of one person in a chat, and what was answered."""
    hall = Hall()
    for mark in ("m-1", "m-2"):
        hall.hear(said(f"hello {mark}"))
        event = hall.network.record().events[-1]
        event.pushes, event.pushed_at = 1, event.happened_at
    for text in answers:
        hall.send(text)
    return hall


def test_a_good_run_is_good() -> None:
    verdict = judge(as_ledger(answered("re m-1", "re m-2").network.record()))
    assert verdict.is_good
    assert verdict.acknowledged == 2


def test_what_is_lost_is_found_also_by_what_the_bot_server_says_it_has() -> None:
    hall = answered("re m-1")
    record = hall.network.record()
    assert judge(as_ledger(record)).lost == ("m-2",)
    first = record.events[-2].message_id
    assert first is not None
    assert judge(as_ledger(record, taken={first})).lost == ()


def test_a_copy_is_found_and_excused_where_it_was_flagged() -> None:
    hall = answered("re m-1", "re m-1", "re m-2")
    (copy,) = judge(as_ledger(hall.network.record())).duplicates
    assert (copy.mark, copy.copies, copy.is_flagged) == ("m-1", 2, False)
    ledger = as_ledger(hall.network.record(), key_of=lambda _bot, _chat, text: f"key of {text}")
    assert [message.copies for message in ledger.messages] == [2, 2, 1]
    (copy,) = judge(ledger, {"key of re m-1"}).duplicates
    assert copy.is_flagged


def test_a_recalled_copy_is_none() -> None:
    hall = answered("re m-1", "re m-1", "re m-2")
    own = [entry for entry in hall.network.record().messages if entry.is_own]
    hall.do("delete_msg", message_id=own[0].message_id)
    assert judge(as_ledger(hall.network.record())).duplicates == ()


def test_answers_that_changed_places_are_found() -> None:
    verdict = judge(as_ledger(answered("re m-2", "re m-1").network.record()))
    assert [(each.earlier, each.later) for each in verdict.inversions] == [("m-1", "m-2")]


def test_two_doubts_at_once_are_found() -> None:
    hall = Hall()
    hall.faults.change(script(Verb.SEND, Fault.ASYNC, Fault.ASYNC, None, None))
    for text in ("one", "two", "one", "two"):
        hall.call("send_group_msg", group_id=20001, message=text)
    ledger = as_ledger(hall.network.record(), key_of=lambda _bot, _chat, text: text)
    (overlap,) = judge(ledger).overlaps
    assert (overlap.first_key, overlap.second_key) == ("one", "two")


def test_people_of_other_chats_are_kept_apart() -> None:
    hall = Hall()
    hall.hear(said("m-1", sender=BEN))
    hall.hear(said("m-2", chat=NEST, sender=ADA))
    chats = {event.chat for event in as_ledger(hall.network.record()).events}
    assert chats == {f"group:{TEAM.id}", f"private:{NEST.id}"}


# ── in a process of its own ──────────────────────────────────────────────────────────────────


async def test_a_platform_elsewhere_is_driven_from_here() -> None:
    async with asyncio.timeout(4 * WITHIN_S), started("--forward", "0", "--seed", "7") as remote:
        async with aiohttp.ClientSession() as session:
            bot = await session.ws_connect(remote.forwards["a"])
            await bot.receive_json()
            await remote.fail(script(Verb.PUSH, Fault.TWICE))
            assert (await remote.say(said())).is_pushed
            heard = [(await bot.receive_json())["raw_message"] for _ in range(2)]
            assert heard == ["hello", "hello"]
            await remote.switch("a", SwitchSettings(keeps_missed=True))
            await remote.cut("a")
            assert (await bot.receive()).type is aiohttp.WSMsgType.CLOSED
        record = await remote.record()
        assert [(entry.text, entry.pushes) for entry in record.events] == [("hello", 2)]
        assert [entry.text for entry in as_ledger(record).events] == ["hello"]


async def test_a_platform_that_does_not_start_says_so() -> None:
    with pytest.raises(NoPlatform):
        async with started("--accounts", "no such thing"):
            pass
