"""``/_sim``, the page, the program, and the record in the words of the laboratory."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.feishu.apps import app, parse_apps
from posthouse.simulators.feishu.faults import Fault, Verb
from posthouse.simulators.feishu.program import Options, run
from posthouse.simulators.feishu.record import Limits
from posthouse.simulators.feishu.verdict import as_ledger
from posthouse.simulators.probe.verdict import LedgerIncomplete, judge
from tests.unit.simulators.feishu_scene import CARD, WITHIN_S, A, Town, event_of, open_town, script

B = app("b")


async def test_programs_speak_and_see() -> None:
    async with open_town() as town:
        client = await town.client()
        saying = asyncio.ensure_future(
            town.sim("POST", "/say?wait=1", {"chat": "team", "person": "ada", "text": "hi @all",
                                             "mentions": ["a", "all"]})
        )  # fmt: skip
        frame = await client.frame()
        assert json.loads(event_of(frame)["event"]["message"]["content"]) == {
            "text": "@_user_1 hi @_all"
        }
        await client.ack(frame)
        status, said = await saying
        assert (status, said["told"], said["is_taken"]) == (200, ["a"], True)
        sent = await town.sent("one")
        body = {"msg_type": "text", "content": '{"text":"two"}'}
        await town.call("PUT", f"/im/v1/messages/{sent}", body)
        await town.sim("POST", "/react", {"message_id": sent, "person": "ben", "emoji": "OK"})
        await town.call("DELETE", f"/im/v1/messages/{sent}")
        _, seen = await town.sim("GET", "/visible?chat=team")
        shown = seen["chats"]["team"]["messages"]
        assert [each["text"] for each in shown] == ["@Bot a hi @all", "two"]
        assert [each["what"] for each in shown[1]["history"]] == ["edited", "reacted", "recalled"]
        assert (shown[1]["recalled_by"], shown[1]["reactions"]) == ("a", {"OK": ["ben"]})
        assert seen["complaints"] == []


async def test_people_recall_press_join_and_leave() -> None:
    async with open_town() as town:
        client = await town.client()

        async def heard(path: str, body: dict[str, Any]) -> str:
            asking = asyncio.ensure_future(town.sim("POST", path, body))
            frame = await client.frame()
            await client.ack(frame, data={} if path == "/press" else None)
            assert (await asking)[0] == 200
            return str(event_of(frame)["header"]["event_type"])

        said = town.said()
        await client.ack(await client.frame())
        assert await heard("/recall", {"message_id": said}) == "im.message.recalled_v1"
        card = await town.sent(kind="interactive", content=CARD)
        press = {"message_id": card, "person": "ada", "value": {"ticket": 7}}
        assert await heard("/press", press) == "card.action.trigger"
        ben = {"chat": "team", "people": ["ben"]}
        assert await heard("/join", ben) == "im.chat.member.user.added_v1"
        assert await heard("/leave", ben) == "im.chat.member.user.deleted_v1"
        bot = {"chat": "team", "apps": ["a"], "by": "ada"}
        assert await heard("/leave", bot) == "im.chat.member.bot.deleted_v1"
        assert await heard("/join", bot) == "im.chat.member.bot.added_v1"
        entered = "im.chat.access_event.bot_p2p_chat_entered_v1"
        assert await heard("/enter", {"person": "ada"}) == entered
        assert await heard("/menu", {"person": "ada", "key": "x"}) == "application.bot.menu_v6"
        assert await heard("/event", {"type": "x.y_v1", "event": {"z": 1}}) == "x.y_v1"
        assert town.server.complaints == []


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/say", {"person": "ada", "colour": "red"}, "colour"),
        ("/say", {"person": "ada", "chat_type": "p2p", "app": "z"}, "no app 'z'"),
        ("/say", {"person": "ada", "reply_to": "om_x"}, "no message om_x"),
        ("/recall", {"message_id": "om_x"}, "no message om_x"),
        ("/press", {"message_id": "om_x", "person": "ada"}, "no message om_x"),
        ("/fault", {"verb": "push", "fault": "too_many"}, "cannot happen to push"),
        ("/kick", {"app": "z"}, "no app 'z'"),
    ],
)
async def test_what_cannot_be_is_said(path: str, body: dict[str, Any], words: str) -> None:
    async with open_town() as town:
        status, answer = await town.sim("POST", path, body)
        assert (status, words in answer["message"]) == (400, True)


async def test_another_persons_message_is_recalled_by_its_group_s_owner_only() -> None:
    async with open_town() as town:
        said = town.said(person="ben")
        status, _ = await town.sim("POST", "/recall", {"message_id": said, "person": "eve"})
        assert status == 400
        status, _ = await town.sim("POST", "/recall", {"message_id": said, "person": "ada"})
        assert status == 200  # she was there first


async def test_faults_settings_and_switches_are_changed_by_name() -> None:
    async with open_town() as town:
        await town.sim("POST", "/fault", {"verb": "send", "fault": "too_many", "times": 2})
        assert [(await town.send()).status for _ in range(3)] == [429, 429, 200]
        _, settings = await town.sim("PUT", "/settings", {"redelivery_s": [1, 2]})
        assert (settings["redelivery_s"], settings["ack_s"]) == ([1, 2], 3)
        assert list(town.server.settings.redelivery_s) == [1.0, 2.0]
        _, switches = await town.sim("PUT", "/apps/a/switches", {"pong": "none"})
        assert (switches["pong"], switches["connections_max"]) == ("none", 50)
        status, _ = await town.sim("PUT", "/apps/a/switches", {"pong": "loud"})
        assert status == 400
        assert (await town.sim("GET", "/apps/a/switches"))[1]["pong"] == "none"
        plan = {"script": {"a": {"edit": ["error_before"]}}}
        assert (await town.sim("PUT", "/faults", plan))[0] == 204
        await town.sim("POST", "/refuse", {"to": "team", "code": 230035})
        assert (await town.send()).code == 230035
        await town.sim("POST", "/expire", {})
        assert (await town.send()).code == 99991663


async def test_ids_and_credentials_are_told() -> None:
    async with open_town(A, B) as town:
        _, ids = await town.sim("GET", "/ids")
        ada = town.tenant.people["ada"]
        assert ids["people"]["ada"]["open_id"]["b"] == town.tenant.open_id(B, ada)
        assert ids["chats"] == {"team": town.team}
        _, health = await town.sim("GET", "/health")
        assert [each["app_id"] for each in health["apps"]] == [A.app_id, B.app_id]


async def test_everything_is_forgotten() -> None:
    async with open_town() as town:
        town.said()
        assert (await town.sim("DELETE", "/record"))[0] == 204
        assert town.server.visible() == ()
        assert town.server.record().events == ()


# ── the page ─────────────────────────────────────────────────────────────────────────────────


async def test_people_talk_in_the_browser() -> None:
    async with open_town() as town:
        form = {"text": "<b>hi</b>", "mention": "a"}
        page = await post(town, "/_sim/page/say?person=ada&chat=team", form)
        assert "说点什么" in page
        shown = town.server.visible()[-1]
        assert (shown.sender, shown.text) == ("ada", "@Bot a hi")
        await town.sent(kind="interactive", content=CARD)
        messages = await get(town, "/_sim/page?person=ada&chat=team")
        assert "Close</button>" in messages
        assert "撤回</button>" in messages
        assert "<b>hi" not in messages
        await post(town, "/_sim/page/recall?person=ada&chat=team", {"message_id": shown.message_id})
        assert "已撤回" in await get(town, "/_sim/page?person=ada&chat=team")
        private = await post(
            town, "/_sim/page/say?person=ada&chat=team", {"text": "x", "private": "1"}
        )
        assert 'value="ada@a"' in private


async def get(town: Town, path: str) -> str:
    async with town.session.get(town.server.address + path) as answer:
        return await answer.text()


async def post(town: Town, path: str, form: dict[str, str]) -> str:
    async with town.session.post(town.server.address + path, data=form) as answer:
        assert answer.status == 200
        return await answer.text()


# ── the program ──────────────────────────────────────────────────────────────────────────────


async def test_the_program_says_where_it_is() -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    options = Options(apps="a,b=cli_0123456789abcdef:s3", seed=7, speed=10.0)
    running = asyncio.ensure_future(run(options, lines.put_nowait))
    async with asyncio.timeout(WITHIN_S):
        address, *words = (await lines.get()).split()
    assert words == ["seed=7", f"a={A.app_id}:a-secret", "b=cli_0123456789abcdef:s3"]
    url = f"{address}/_sim/settings"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert (await answer.json())["redelivery_s"] == [1.5, 30.0, 360.0, 2160.0]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("text", ["a,a", "a=cli_x:y", "1"])
def test_apps_are_looked_at(text: str) -> None:
    with pytest.raises(OperatorMistake):
        parse_apps(text)


async def test_options_are_looked_at(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"script": 3}')
    for options in (Options(speed=0), Options(webhooks=("z=http://x",)), Options(faults=plan)):
        with pytest.raises(OperatorMistake):
            await run(options, lambda _: None)


# ── the verdict ──────────────────────────────────────────────────────────────────────────────


async def taken(town: Town, client: Any, text: str) -> str:  # noqa: ANN401 - Client
    told = town.say(text)
    await client.ack(await client.frame())
    assert await town.done(told)
    assert told.message_id is not None
    return told.message_id


async def test_a_good_run_is_judged_good() -> None:
    async with open_town() as town:
        client = await town.client()
        await taken(town, client, "hello m-1")
        await town.sent("answer m-1", key="k-1")
        await town.sent("answer m-1", key="k-1")
        verdict = judge(as_ledger(town.server.record()))
        assert (verdict.acknowledged, verdict.is_good) == (1, True)


async def test_what_is_lost_twice_or_unclear_side_by_side_is_found() -> None:
    faults = script(Verb.SEND, Fault.ERROR_AFTER, Fault.ERROR_BEFORE)
    async with open_town(faults=faults) as town:
        client = await town.client()
        for mark in ("m-1", "m-2"):
            await taken(town, client, f"hello {mark}")
        for key in ("k-1", "k-2", "k-1", "k-2"):
            await town.send(f"answer m-1 {key}", key=key)
        verdict = judge(as_ledger(town.server.record()))
        assert verdict.lost == ("m-2",)
        assert [(each.mark, each.copies) for each in verdict.duplicates] == [("m-1", 2)]
        assert [(each.first_key, each.second_key) for each in verdict.overlaps] == [("k-1", "k-2")]


async def test_a_record_that_forgot_cannot_be_judged() -> None:
    async with open_town(limits=Limits(events_max=1)) as town:
        town.said()
        town.said()
        with pytest.raises(LedgerIncomplete):
            judge(as_ledger(town.server.record()))
