"""What `posthouse doctor` says about an app: by a pretended tenant, and by answers made up here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from posthouse.bootstrap import examined
from posthouse.channels.channel import ConnectionState
from posthouse.channels.feishu.channel import LOOK_FOR_OTHERS_AFTER_S, FeishuChannel
from posthouse.channels.finding import Finding, Mark
from posthouse.settings.settings import BotSettings, Settings
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.faults import Fault, Verb
from tests.channels.feishu.stage import APP, opened
from tests.channels.onebot.stage import Statuses, tools

ALL_SCOPES = (
    "im:message",
    "im:message.group_msg",
    "im:chat",
    "contact:contact.base:readonly",
    "contact:user.base:readonly",
    "cardkit:card:write",
)
URL = "wss://msg-frontier.example/ws/v2?service_id=1&access_key=secret"


async def _found(channel: FeishuChannel) -> list[Finding]:
    return [finding async for finding in channel.examine()]


def _bad(findings: list[Finding]) -> list[str]:
    return [finding.said.en for finding in findings if finding.mark is not Mark.OK]


# --- by the pretended tenant -------------------------------------------------------------------


async def test_a_good_app_has_nothing_to_mend(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        findings = await _found(stage.channel)
        assert _bad(findings) == []
        assert stage.feishu.connections() == 1, "looking takes nobody's connection"


async def test_a_wrong_secret_is_the_only_thing_to_say(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        table = {
            "channel": "feishu",
            "app_id": APP.app_id,
            "app_secret": "wr0ng",
            "domain": stage.feishu.address,
        }
        settings = Settings(bots={"fs": BotSettings.model_validate(table)})
        (finding,) = [each async for each in examined("fs", settings)]
        assert finding.mark is Mark.FAIL
        assert f"/app/{APP.app_id}/baseinfo" in finding.remedy.en
        assert "wr0ng" not in repr(finding)


async def test_missing_scopes_are_named_though_the_platform_does_not_list_them(
    tmp_path: Path,
) -> None:
    poor = App(
        name="a",
        app_id="cli_00000000000000aa",
        app_secret="s",
        bot_name="Bot",
        missing_scopes=frozenset({"cardkit:card:write", "im:chat:readonly"}),
    )
    async with opened(tmp_path, apps=(poor,)) as stage:
        bad = _bad(await _found(stage.channel))
        assert any("cardkit:card:write" in line for line in bad)


@pytest.mark.parametrize(
    ("fault", "words"),
    [(Fault.INVALID, "published"), (Fault.LIMIT, "connections"), (Fault.BUSY, "no address")],
)
async def test_why_no_line_can_be_opened(tmp_path: Path, fault: Fault, words: str) -> None:
    async with opened(tmp_path) as stage:
        stage.feishu.faults.add("a", Verb.DISCOVERY, (fault,))
        (line,) = _bad(await _found(stage.channel))
        assert words in line


async def test_a_second_program_on_the_same_app_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        options = {"domain": stage.feishu.address, "app_secret": APP.app_secret}
        statuses = Statuses()
        other = FeishuChannel.build(
            "other", {"app_id": APP.app_id} | options, tools(tmp_path, on_status=statuses.note)
        )
        run = asyncio.ensure_future(other.run(stage.door))
        await statuses.until_state(ConnectionState.CONNECTED)
        (line,) = _bad(await _found(stage.channel))
        assert "2 long connections" in line
        with capture_logs() as told:
            stage.clock.advance(LOOK_FOR_OTHERS_AFTER_S)
            async with asyncio.timeout(10.0):
                while not told:  # noqa: ASYNC110 - a log cannot be waited for
                    await asyncio.sleep(0.01)
        assert [(line["event"], line["count"]) for line in told] == [("feishu_shared", 2)]
        run.cancel()
        await asyncio.wait({run})
        await other.close()


# --- by answers made up here --------------------------------------------------------------------


@asynccontextmanager
async def platform(
    tmp_path: Path, answers: Mapping[str, Any], **options: object
) -> AsyncIterator[FeishuChannel]:
    """A bot in front of a platform that answers each path by a table."""
    given = {
        "/open-apis/auth/v3/tenant_access_token/internal": {
            "code": 0,
            "tenant_access_token": "t-1",
            "expire": 7200,
        },
        "/open-apis/bot/v3/info": {
            "code": 0,
            "bot": {"open_id": "ou_1", "app_name": "Helper", "activate_status": 2},
        },
        "/open-apis/application/v6/scopes": scopes(*ALL_SCOPES),
        "/open-apis/event/v1/connection": online(1),
        "/callback/ws/endpoint": {"code": 0, "data": {"URL": URL}},
    } | dict(answers)

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(given.get(request.path, {"code": 99, "msg": "none"}))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        every = {"app_id": "cli_1", "app_secret": "s", "domain": f"http://{host}:{port}"}
        channel = FeishuChannel.build("fs", every | options, tools(tmp_path))
        yield channel
        await channel.close()
    finally:
        await runner.cleanup()


def scopes(*granted: str) -> dict[str, object]:
    each = [{"scope_name": name, "grant_status": 1, "scope_type": "tenant"} for name in granted]
    return {"code": 0, "data": {"scopes": each}}


def online(count: int) -> dict[str, object]:
    return {"code": 0, "data": {"online_instance_cnt": count}}


async def test_scopes_that_are_missing_and_what_they_cost(tmp_path: Path) -> None:
    few = scopes("im:message.p2p_msg:readonly", "im:message:send_as_bot")
    async with platform(tmp_path, {"/open-apis/application/v6/scopes": few}) as channel:
        findings = await _found(channel)
        marks = {f.said.en: f.mark for f in findings if f.mark is not Mark.OK}
        needed = [line for line, mark in marks.items() if mark is Mark.FAIL]
        assert len(needed) == 1
        assert "im:message.group_at_msg:readonly" in needed[0]
        assert any("contact:user.base:readonly" in line for line in marks)


async def test_scopes_that_wait_for_approval_are_missing(tmp_path: Path) -> None:
    waiting = scopes(*ALL_SCOPES)
    waiting["data"]["scopes"][0]["grant_status"] = 2  # type: ignore[index]
    async with platform(tmp_path, {"/open-apis/application/v6/scopes": waiting}) as channel:
        assert any("im:message:send_as_bot" in line for line in _bad(await _found(channel)))


async def test_connections_of_other_programs_are_told(tmp_path: Path) -> None:
    async with platform(tmp_path, {"/open-apis/event/v1/connection": online(3)}) as channel:
        (line,) = _bad(await _found(channel))
        assert "3 long connections" in line


async def test_an_app_without_a_bot(tmp_path: Path) -> None:
    no_bot = {"code": 11205, "msg": "app do not have bot"}
    async with platform(tmp_path, {"/open-apis/bot/v3/info": no_bot}) as channel:
        (finding,) = [f for f in await _found(channel) if f.mark is Mark.FAIL]
        assert finding.remedy.zh.startswith("添加应用能力 → 机器人")


async def test_a_bot_that_is_not_published(tmp_path: Path) -> None:
    info = {"code": 0, "bot": {"open_id": "ou_1", "app_name": "Helper", "activate_status": 0}}
    async with platform(tmp_path, {"/open-apis/bot/v3/info": info}) as channel:
        (finding,) = [f for f in await _found(channel) if f.mark is Mark.FAIL]
        assert "not enabled" in finding.said.en
        assert "/version" in finding.remedy.en


async def test_a_webhook_names_the_address_to_enter(tmp_path: Path) -> None:
    options = {"entrance": "webhook", "encrypt_key": "k"}
    async with platform(tmp_path, {}, **options) as channel:
        (line,) = _bad(await _found(channel))
        assert "how Feishu reaches" in line


async def test_a_bot_behind_a_relay_is_looked_at_on_both_sides(tmp_path: Path) -> None:
    options = {"entrance": "relay", "relay": {"url": "http://127.0.0.1:1", "token": "t"}}
    async with platform(tmp_path, {}, **options) as channel:
        said = [finding.said.en for finding in await _found(channel)]
        assert said[0].startswith("fs: the relay cannot be reached")
        assert "fs: messages come by way of the relay" in said
        assert not any("long connection" in line for line in said)


async def test_nobody_there(tmp_path: Path) -> None:
    options = {"app_id": "cli_1", "app_secret": "s", "domain": "http://127.0.0.1:1"}
    channel = FeishuChannel.build("fs", options, tools(tmp_path))
    (finding,) = await _found(channel)
    assert "cannot reach http://127.0.0.1:1" in finding.said.en
    await channel.close()
