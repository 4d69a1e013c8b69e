"""REST: tokens, limits, messages, files, chats, and what goes wrong with calls."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from posthouse.simulators.feishu.apps import Hears, app
from posthouse.simulators.feishu.events import MESSAGE_RECALLED, MESSAGE_RECEIVED, REACTION_CREATED
from posthouse.simulators.feishu.faults import Fault, Verb
from posthouse.simulators.feishu.happenings import Members, Say
from posthouse.simulators.feishu.people import PIXEL
from posthouse.simulators.feishu.settings import TenantSettings
from tests.unit.simulators.feishu_scene import WITHIN_S, A, Answer, Town, open_town, script

B = app("b")
HUGE = b"\x89PNG\r\n\x1a\n" + bytes(10 * 1024 * 1024)
UNPACED = TenantSettings(is_paced=False)


# ── tokens ───────────────────────────────────────────────────────────────────────────────────


async def test_a_token_stays_the_same_until_half_an_hour_is_left() -> None:
    async with open_town() as town:
        first = (await town.ask_token()).body
        assert (first["code"], first["expire"]) == (0, 7200)
        town.clock.advance(5400.0)
        second = (await town.ask_token()).body
        assert (second["tenant_access_token"], second["expire"]) == (
            first["tenant_access_token"],
            1800,
        )
        town.clock.advance(1.0)
        third = (await town.ask_token()).body
        assert third["tenant_access_token"] != first["tenant_access_token"]
        for token in (first["tenant_access_token"], third["tenant_access_token"]):
            assert (await info(town, f"Bearer {token}")).code == 0
        town.clock.advance(1799.0)
        assert (await info(town, f"Bearer {first['tenant_access_token']}")).code == 99991663


async def info(town: Town, authorization: str) -> Answer:
    return await town.raw("GET", "/bot/v3/info", headers={"Authorization": authorization})


async def test_wrong_credentials_get_no_token() -> None:
    async with open_town() as town:
        answer = await town.ask_token(secret="wrong")
        assert (answer.status, answer.code) == (200, 10014)
        assert (await town.ask_token(B)).code == 10014


@pytest.mark.parametrize(
    ("authorization", "code", "is_malformed"),
    [("", 99991661, True), ("Bearer abc", 99991671, True), ("Bearer t-abc", 99991663, False)],
)
async def test_tokens_are_looked_at(authorization: str, code: int, *, is_malformed: bool) -> None:
    async with open_town() as town:
        answer = await info(town, authorization)
        assert answer.code == code
        assert answer.body["error"]["log_id"] == answer.headers["X-Tt-Logid"]
        assert bool(town.server.complaints) == is_malformed


async def test_tokens_can_be_made_to_expire() -> None:
    async with open_town() as town:
        await town.token()
        town.server.tokens.expire(A)
        assert (await town.send()).code == 99991663


async def test_one_of_the_scopes_is_enough_and_all_are_named() -> None:
    poor = replace(A, missing_scopes=frozenset({"im:message", "im:message:send"}))
    async with open_town(poor) as town:
        assert (await town.send()).code == 0
    scopes = {"im:message", "im:message:send", "im:message:send_as_bot"}
    async with open_town(replace(A, missing_scopes=frozenset(scopes))) as town:
        answer = await town.send()
        assert answer.code == 99991672
        assert all(scope in answer.body["msg"] for scope in scopes)


async def test_what_the_console_has_is_told() -> None:
    poor = replace(A, missing_scopes=frozenset({"im:resource"}))
    async with open_town(poor) as town:
        await town.client()
        await town.server.until_connected()
        connected = (await town.call("GET", "/event/v1/connection")).data
        assert connected == {"online_instance_cnt": 1}
        listed = (await town.call("GET", "/application/v6/scopes")).data["scopes"]
        refused = [each["scope_name"] for each in listed if each["grant_status"] == 2]
        assert refused == ["im:resource"]
        assert len(listed) > 10
        town.server.switches["a"].card_webhook = "http://127.0.0.1:9/event"
        path = "/application/v6/applications/me"
        told = (await town.call("GET", path, lang="zh_cn")).data["app"]
        assert (told["status"], told["online_version_id"] != "") == (1, True)
        assert told["event"]["subscription_type"] == "websocket"
        assert "im.message.receive_v1" in told["event"]["subscribed_events"]
        assert told["callback"]["callback_type"] == "webhook"
        assert (await town.call("GET", path)).code == 99992402


# ── limits ───────────────────────────────────────────────────────────────────────────────────


async def test_a_chat_takes_five_messages_a_second_from_all_bots_together() -> None:
    async with open_town(A, B) as town:
        codes = [(await town.send(who=who)).code for who in (A, B, A, B, A, B)]
        assert codes == [0, 0, 0, 0, 0, 230020]
        town.clock.advance(1.0)
        assert (await town.send()).code == 0


async def test_an_app_calls_fifty_times_a_second() -> None:
    async with open_town() as town:
        answers = [await town.call("GET", "/bot/v3/info") for _ in range(51)]
        assert [each.status for each in answers] == [*[200] * 50, 429]
        assert answers[-1].code == 99991400
        assert answers[-1].headers["x-ogw-ratelimit-reset"] == "1"


async def test_and_a_thousand_times_a_minute() -> None:
    settings = TenantSettings(calls_per_s=10**6, calls_per_min=3)
    async with open_town(settings=settings) as town:
        answers = [await town.call("GET", "/bot/v3/info") for _ in range(4)]
        assert answers[-1].code == 99991400
        assert 1 < int(answers[-1].headers["x-ogw-ratelimit-reset"]) <= 60


# ── sending ──────────────────────────────────────────────────────────────────────────────────


async def test_what_is_sent_is_seen() -> None:
    async with open_town() as town:
        answer = (await town.send("hi <b>there</b>")).data
        assert (answer["msg_type"], answer["chat_id"]) == ("text", town.team)
        assert answer["sender"]["id"] == A.app_id
        shown = town.shown(answer["message_id"])
        assert (shown.text, shown.chat, shown.bot, shown.is_own) == ("hi there", "team", "a", True)


async def test_people_are_mentioned() -> None:
    async with open_town() as town:
        ada = town.tenant.open_id(A, town.tenant.people["ada"])
        answer = (await town.send(f'hi <at user_id="{ada}">Ada</at> <at user_id="all"></at>')).data
        assert json.loads(answer["body"]["content"]) == {"text": "hi @_user_1 @_all"}
        assert answer["mentions"][0] | {"tenant_key": ""} == {
            "key": "@_user_1", "id": ada, "id_type": "open_id", "name": "Ada", "tenant_key": "",
        }  # fmt: skip
        assert town.shown(answer["message_id"]).text == "hi @Ada @all"


async def test_a_key_is_said_once_an_hour() -> None:
    async with open_town() as town:
        first = await town.sent(key="k-1")
        assert await town.sent(key="k-1") == first
        assert len(town.server.visible()) == 1
        town.clock.advance(3601.0)
        assert await town.sent(key="k-1") != first


async def test_a_repeated_key_may_be_called_busy() -> None:
    async with open_town(settings=TenantSettings(repeated_key="busy")) as town:
        await town.sent(key="k-1")
        assert (await town.send(key="k-1")).code == 230049


async def test_keys_of_two_apps_do_not_meet() -> None:
    async with open_town(A, B) as town:
        assert await town.sent(key="k-1") != await town.sent(key="k-1", who=B)


async def test_a_person_is_written_to_by_any_id() -> None:
    async with open_town() as town:
        ada = town.tenant.people["ada"]
        ids = {
            "open_id": town.tenant.open_id(A, ada),
            "union_id": town.tenant.union_id(ada),
            "user_id": town.tenant.user_id(ada),
            "email": "ada@example.com",
        }
        for kind, some_id in ids.items():
            body = {"receive_id": some_id, "msg_type": "text", "content": '{"text":"hi"}'}
            answer = await town.call("POST", "/im/v1/messages", body, receive_id_type=kind)
            assert town.shown(answer.data["message_id"]).chat == "ada@a"


async def test_ids_of_another_app_are_refused() -> None:
    async with open_town(A, B) as town:
        foreign = town.tenant.open_id(B, town.tenant.people["ada"])
        body = {"receive_id": foreign, "msg_type": "text", "content": '{"text":"hi"}'}
        answer = await town.call("POST", "/im/v1/messages", body, receive_id_type="open_id")
        assert answer.code == 99992361


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("text", {"text": " "}, 230001),
        ("text", {"text": "x" * 151 * 1024}, 230025),
        ("post", {"zh_cn": {"content": [[{"tag": "text", "text": "x" * 31 * 1024}]]}}, 230025),
        ("post", {"content": []}, 230001),
        ("post", {"zh_cn": {"content": [[{"tag": "img"}, {"tag": "text", "text": "x"}]]}}, 230001),
        ("poem", {"text": "x"}, 230054),
        ("image", {"image_key": "nothing"}, 230001),
        ("interactive", {"schema": "2.0", "body": {}}, 230099),
        ("interactive", {"elements": [{"no": "tag"}]}, 230099),
        ("interactive", {"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}, 230099),
        ("interactive", {"elements": [{"tag": "hr"}] * 201}, 230099),
    ],
)
async def test_bad_content_is_refused(kind: str, content: dict[str, Any], code: int) -> None:
    async with open_town() as town:
        assert (await town.send(kind=kind, content=content)).code == code
        assert bool(town.server.complaints) == (code != 230025)


async def test_a_body_without_sense_is_refused_and_a_strange_field_only_complained_of() -> None:
    async with open_town() as town:
        body = {"receive_id": town.team, "msg_type": "text", "content": {"text": "x"}}
        answer = await town.call("POST", "/im/v1/messages", body, receive_id_type="chat_id")
        assert answer.code == 99992402
        assert (await town.call("POST", "/im/v1/messages", body)).code == 99992402
        strange = {**body, "content": '{"text":"x"}', "colour": "red"}
        answer = await town.call("POST", "/im/v1/messages", strange, receive_id_type="chat_id")
        assert answer.code == 0
        assert "no field 'colour'" in town.server.complaints[-1]
        assert (await town.call("GET", "/im/v1/nothing")).status == 404
        assert len(town.server.complaints) == 4


async def test_a_bot_speaks_where_it_may() -> None:
    async with open_town() as town:
        assert (await town.send(to="oc_nowhere")).code == 230034
        chat = town.tenant.chats["team"]
        town.tenant.refused["team"] = 230035
        assert (await town.send()).code == 230035
        town.tenant.refused.clear()
        chat.is_muted = True
        assert (await town.send()).code == 230018
        chat.is_muted, chat.is_dissolved = False, True
        assert (await town.send()).code == 232009
        chat.is_dissolved = False
        town.server.tell(town.server.people.leave(Members(chat="team", apps=("a",))))
        assert (await town.send()).code == 230002
        assert town.server.complaints == []


async def test_replies_quote_and_may_open_a_thread() -> None:
    async with open_town() as town:
        asked = town.said("a question")
        body = {"msg_type": "text", "content": '{"text":"an answer"}'}
        data = (await town.call("POST", f"/im/v1/messages/{asked}/reply", body)).data
        assert (data["parent_id"], data["root_id"], "thread_id" in data) == (asked, asked, False)
        threaded = {**body, "reply_in_thread": True}
        data = (await town.call("POST", f"/im/v1/messages/{asked}/reply", threaded)).data
        assert data["thread_id"].startswith("omt_")
        told = town.say("on", reply_to=data["message_id"])
        heard = told.errands[0].event.body["event"]["message"]
        assert (heard["thread_id"], heard["root_id"]) == (data["thread_id"], asked)


# ── changing ─────────────────────────────────────────────────────────────────────────────────


async def edit(town: Town, message_id: str, text: str = "other") -> Answer:
    body = {"msg_type": "text", "content": json.dumps({"text": text})}
    return await town.call("PUT", f"/im/v1/messages/{message_id}", body)


async def test_a_message_is_edited_twenty_times() -> None:
    async with open_town(settings=UNPACED) as town:
        sent = await town.sent()
        answers = [await edit(town, sent, f"edit {number}") for number in range(21)]
        assert [each.code for each in answers] == [*[0] * 20, 230072]
        shown = town.shown(sent)
        assert (shown.text, shown.edits, len(shown.history)) == ("edit 19", 20, 20)


async def test_edits_and_recalls_have_their_windows() -> None:
    settings = TenantSettings(edit_window_s=60.0, recall_window_s=60.0)
    async with open_town(settings=settings) as town:
        sent = await town.sent()
        town.clock.advance(61.0)
        assert (await edit(town, sent)).code == 230075
        assert (await town.call("DELETE", f"/im/v1/messages/{sent}")).code == 230009


async def test_only_ones_own_messages_are_edited() -> None:
    async with open_town() as town:
        assert (await edit(town, town.said())).code == 230071
        assert (await edit(town, "om_unknown")).code == 99992354
        assert (await edit(town, "c-token")).code == 99992354


async def test_a_recalled_message_stays_so() -> None:
    async with open_town(settings=UNPACED) as town:
        sent = await town.sent()
        assert (await town.call("DELETE", f"/im/v1/messages/{sent}")).data == {}
        shown = town.shown(sent)
        assert (shown.is_recalled, shown.recalled_by) == (True, "a")
        assert (await edit(town, sent)).code == 230011
        assert (await town.call("DELETE", f"/im/v1/messages/{sent}")).code == 230110
        item = (await town.call("GET", f"/im/v1/messages/{sent}")).data["items"][0]
        assert (item["deleted"], item["body"]["content"]) == (True, "This message was recalled")
        entry = town.tenant.notes.events.entries[-1]
        assert (entry.type, entry.message_id) == (MESSAGE_RECALLED, sent)


async def test_what_others_said_is_recalled_by_those_who_manage() -> None:
    async with open_town() as town:
        asked = town.said()
        path = f"/im/v1/messages/{asked}"
        assert (await town.call("DELETE", path)).code == 230026
        town.tenant.chats["team"].admins = {"a"}
        assert (await town.call("DELETE", path)).code == 0


# ── history ──────────────────────────────────────────────────────────────────────────────────


async def history(town: Town, **query: str) -> dict[str, Any]:
    return (await ask_history(town, **query)).data


async def ask_history(town: Town, **query: str) -> Answer:
    asked: dict[str, Any] = {"container_id_type": "chat", "container_id": town.team, **query}
    return await town.call("GET", "/im/v1/messages", **asked)


async def test_history_goes_by_pages_and_time() -> None:
    async with open_town() as town:
        said = []
        for number in range(5):
            said.append(town.said(f"number {number}"))
            town.clock.advance(10.0)
        page = await history(town, page_size="2")
        assert [each["message_id"] for each in page["items"]] == said[:2]
        page = await history(town, page_size="3", page_token=page["page_token"])
        assert [each["message_id"] for each in page["items"]] == said[2:]
        assert (page["has_more"], "page_token" in page) == (False, False)
        since = str(int(town.clock.now) - 20)
        page = await history(town, start_time=since, sort_type="ByCreateTimeDesc")
        assert [each["message_id"] for each in page["items"]] == [said[4], said[3]]
        assert page["items"][0]["sender"]["sender_type"] == "user"
        milliseconds = str(int(town.clock.now * 1000))
        assert (await ask_history(town, start_time=milliseconds)).code == 230001


# ── files ────────────────────────────────────────────────────────────────────────────────────


async def upload(town: Town, path: str, content: bytes, **fields: str) -> Answer:
    form = aiohttp.FormData(fields)
    form.add_field("image" if path == "images" else "file", io.BytesIO(content), filename="a.bin")
    headers = {"Authorization": f"Bearer {await town.token()}"}
    return await town.raw("POST", f"/im/v1/{path}", data=form, headers=headers)


async def test_files_are_kept_and_given_back_to_their_owner() -> None:
    async with open_town(A, B) as town:
        answer = await upload(town, "images", PIXEL, image_type="message")
        path = f"/im/v1/images/{answer.data['image_key']}"
        assert (await town.call("GET", path)).body == PIXEL
        assert (await town.call("GET", path, who=B)).code == 234008
        sent = await town.send(kind="image", content=answer.data)
        assert town.shown(sent.data["message_id"]).text == "[图片]"


@pytest.mark.parametrize(
    ("path", "content", "fields", "code"),
    [
        ("images", b"no image", {"image_type": "message"}, 234011),
        ("images", b"", {"image_type": "message"}, 234010),
        ("images", PIXEL, {}, 234001),
        ("images", HUGE, {"image_type": "message"}, 234006),
        ("files", b"x", {"file_type": "poem", "file_name": "a"}, 234001),
    ],
)
async def test_bad_files_are_refused(
    path: str, content: bytes, fields: dict[str, str], code: int
) -> None:
    async with open_town() as town:
        assert (await upload(town, path, content, **fields)).code == code


async def test_a_file_fits_its_message() -> None:
    async with open_town() as town:
        kept = await upload(town, "files", b"x", file_type="mp4", file_name="film.mp4")
        codes = [
            (await town.send(kind=kind, content=kept.data)).code
            for kind in ("media", "file", "audio")
        ]
        assert codes == [0, 230055, 230055]


async def test_what_people_send_is_fetched_by_its_message() -> None:
    async with open_town() as town:
        said = town.said(type="image")
        key = json.loads(town.shown(said).content)["image_key"]
        path = f"/im/v1/messages/{said}/resources/{key}"
        assert (await town.call("GET", path, type="image")).body == PIXEL
        assert (await town.call("GET", path, type="file")).code == 234001
        other = f"/im/v1/messages/{town.said()}/resources/{key}"
        assert (await town.call("GET", other, type="image")).code == 234003
        sticker = town.said(type="sticker")
        key = json.loads(town.shown(sticker).content)["file_key"]
        path = f"/im/v1/messages/{sticker}/resources/{key}"
        assert (await town.call("GET", path, type="file")).code == 234043


# ── reactions, chats, people ─────────────────────────────────────────────────────────────────


async def test_reactions_come_and_go() -> None:
    async with open_town() as town:
        said = town.said()
        path = f"/im/v1/messages/{said}/reactions"
        body = {"reaction_type": {"emoji_type": "OK"}}
        made = (await town.call("POST", path, body)).data
        assert town.shown(said).reactions == {"OK": ["a"]}
        assert town.tenant.notes.events.entries[-1].type == REACTION_CREATED
        assert len((await town.call("GET", path)).data["items"]) == 1
        assert (await town.call("DELETE", f"{path}/{made['reaction_id']}")).code == 0
        assert town.shown(said).reactions == {}
        assert (await town.call("DELETE", f"{path}/{made['reaction_id']}")).code == 231011


async def test_chats_and_people_are_told_of() -> None:
    async with open_town(A, B) as town:
        chats = (await town.call("GET", "/im/v1/chats")).data["items"]
        assert [each["chat_id"] for each in chats] == [town.team]
        chat = (await town.call("GET", f"/im/v1/chats/{town.team}")).data
        assert (chat["chat_mode"], chat["user_count"], chat["bot_count"]) == ("group", "1", "2")
        members = (await town.call("GET", f"/im/v1/chats/{town.team}/members")).data
        ada = town.tenant.open_id(A, town.tenant.people["ada"])
        assert [(each["member_id"], each["name"]) for each in members["items"]] == [(ada, "Ada")]
        user = (await town.call("GET", f"/contact/v3/users/{ada}", user_id_type="open_id")).data
        assert user["user"]["name"] == "Ada"
        town.tenant.refused["ada"] = 41050
        assert (await town.call("GET", f"/contact/v3/users/{ada}")).code == 41050
        assert town.tenant.open_id(B, town.tenant.people["ada"]) != ada


async def test_a_bot_hears_what_concerns_it() -> None:
    hearing = replace(B, hears_bots=True)
    async with open_town(A, hearing) as town:
        assert [each.event.app.name for each in town.say("hi @a").errands] == ["a"]
        assert town.say("hi all", mentions=()).errands == ()
        private = town.say("hi", chat_type="p2p", app="b", mentions=())
        assert [each.event.app.name for each in private.errands] == ["b"]
        other = town.tenant.open_id(A, hearing)
        await town.sent(f'<at user_id="{other}">B</at> your turn')
        entry = town.tenant.notes.events.entries[-1]
        assert (entry.bot, entry.sender, entry.type) == ("b", "a", MESSAGE_RECEIVED)


async def test_scopes_decide_what_a_bot_hears() -> None:
    deaf = frozenset({"im:message.p2p_msg:readonly", "im:message.group_at_msg:readonly"})
    async with open_town(replace(A, missing_scopes=deaf)) as town:
        assert town.say("hi @a").errands == ()
        assert town.say("hi", chat_type="p2p").errands == ()
    async with open_town(replace(A, hears=Hears.EVERYTHING)) as town:
        assert len(town.say("hi all", mentions=()).errands) == 1


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "status", "code", "is_done"),
    [
        (Fault.TOO_MANY, 429, 99991400, False),
        (Fault.CHAT_RATE, 400, 230020, False),
        (Fault.BAD_TOKEN, 400, 99991663, False),
        (Fault.REFUSED, 400, 230027, False),
        (Fault.ERROR_BEFORE, 502, -1, False),
        (Fault.ERROR_AFTER, 502, -1, True),
    ],
)
async def test_calls_fail_on_demand(fault: Fault, status: int, code: int, *, is_done: bool) -> None:
    async with open_town(faults=script(Verb.SEND, fault)) as town:
        answer = await town.send(key="k-1")
        assert (answer.status, answer.code) == (status, code)
        assert len(town.server.visible()) == is_done
        entry = town.tenant.notes.calls.entries[-1]
        assert (entry.fault, entry.key, entry.chat) == (fault, "k-1", "team")
        assert entry.is_clear == (status < 500)
        await town.sent(key="k-1")
        assert len(town.server.visible()) == 1


@pytest.mark.parametrize(
    ("fault", "is_done"),
    [(Fault.RESET_BEFORE, False), (Fault.RESET_AFTER, True), (Fault.HALF_RESPONSE, True)],
)
async def test_calls_are_cut(fault: Fault, *, is_done: bool) -> None:
    async with open_town(faults=script(Verb.SEND, fault)) as town:
        with pytest.raises(aiohttp.ClientError):
            await town.send()
        assert len(town.server.visible()) == is_done
        assert not town.tenant.notes.calls.entries[-1].is_clear


@pytest.mark.parametrize(
    ("fault", "is_done"), [(Fault.SILENT_BEFORE, False), (Fault.SILENT_AFTER, True)]
)
async def test_calls_are_never_answered(fault: Fault, *, is_done: bool) -> None:
    async with open_town(faults=script(Verb.SEND, fault)) as town:
        called = asyncio.Event()
        await town.token()
        town.tenant.listen(called.set)
        sending = asyncio.ensure_future(town.send())
        async with asyncio.timeout(WITHIN_S):
            await called.wait()
        while len(town.server.visible()) < is_done:  # noqa: ASYNC110 - the body comes in pieces
            await asyncio.sleep(0)
        assert not sending.done()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert len(town.server.visible()) == is_done


async def test_a_slow_call_is_done_though_nobody_waits() -> None:
    async with open_town(faults=script(Verb.SEND, Fault.SLOW)) as town:
        shown = asyncio.Event()
        town.tenant.watch(lambda _: shown.set())
        sending = asyncio.ensure_future(town.send())
        await town.clock.until_asleep(7.0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert town.server.visible() == ()
        town.clock.advance(7.0)
        async with asyncio.timeout(WITHIN_S):
            await shown.wait()


async def test_a_call_that_is_answered_late_is_done_at_once() -> None:
    async with open_town(faults=script(Verb.SEND, Fault.DELAY)) as town:
        sending = asyncio.ensure_future(town.send())
        await town.passes(7.0)
        assert (await sending).code == 0


async def test_every_kind_of_message_can_be_said() -> None:
    async with open_town() as town:
        content = {"name": "Eiffel", "longitude": "2.29", "latitude": "48.85"}
        told = town.server.say(
            Say(person="ada", type="location", content=content, mentions=("a",), text="")
        )
        message = told.errands[0].event.body["event"]["message"]
        assert message["message_type"] == "location"
        assert json.loads(message["content"]) == content


async def test_a_forwarded_bundle_is_fetched_with_its_parts() -> None:
    async with open_town() as town:
        parts = tuple(town.said(f"part {number}") for number in range(2))
        told = town.say(type="merge_forward", forwarded=parts)
        message = told.errands[0].event.body["event"]["message"]
        assert message["content"] == "Merged and Forwarded Message"
        items = (await town.call("GET", f"/im/v1/messages/{told.message_id}")).data["items"]
        assert [each["message_id"] for each in items] == [told.message_id, *parts]
        assert [each.get("upper_message_id") for each in items] == [None, *[told.message_id] * 2]
