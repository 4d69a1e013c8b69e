"""What operators do: it goes the same road as everything, once, and with their name."""

import json
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from posthouse.model.address import ChatMode, SessionKind
from posthouse.model.delivery import Sent, State
from posthouse.model.permission import DOOR, Field, OperatorRole
from posthouse.model.turn import TurnState
from posthouse.store.grants import Stranger
from posthouse.store.journal import Result
from posthouse.store.sqlite.file import mark_restored
from posthouse.store.sqlite.store import SqliteStore
from posthouse.testing.conformance.scene import BOT
from tests.unit.console.office import CAN, Browser, Office, hidden, lead


async def test_a_reply_is_sent_as_the_bot_and_once(office: Office, operator: Browser) -> None:
    path = f"chats/{office.chat}"
    key = hidden((await operator.get(path)).text, "key")
    for _ in range(2):  # pressed twice
        answer = await operator.post(f"{path}/reply", {"text": "on my way", "key": key})
        assert lead(f"{path}/reply", answer.headers["location"]).startswith(f"/console/{path}")
    (row,) = (await office.store.reader.page(office.chat)).said
    assert (row.text, row.delivery.origin) == ("on my way", f"console:olga:{key}")
    assert (await office.scene.deliver()).state is State.SENT
    assert "olga 回复" in (await operator.get(path)).text
    assert [line for line in await office.audit() if line[1] == "reply"] == [
        ("operator:olga", "reply", f"chat:{office.chat}")
    ]


async def test_taking_over_pauses_the_bot_and_replies(office: Office, operator: Browser) -> None:
    form = {"text": "I am here", "key": "k1", "take_over": "1"}
    await operator.post(f"chats/{office.chat}/reply", form)
    chat = await office.store.chats.get(office.chat)
    assert chat is not None
    assert chat.mode_at(office.scene.now) is ChatMode.PAUSED
    assert {line[1] for line in await office.audit()} >= {"pause", "reply"}


async def test_an_empty_or_endless_reply_is_refused(office: Office, operator: Browser) -> None:
    for form in (
        {"text": " ", "key": "k"},
        {"text": "x" * 9000, "key": "k"},
        {"text": "x", "key": ""},
        {"text": "x", "key": "a:b"},
    ):
        assert (await operator.post(f"chats/{office.chat}/reply", form)).status == 422
    assert (await office.store.reader.page(office.chat)).said == ()


async def test_pausing_and_resuming(office: Office, operator: Browser) -> None:
    async def mode(later_s: float = 0) -> ChatMode:
        chat = await office.store.chats.get(office.chat)
        assert chat is not None
        return chat.mode_at(office.scene.now + later_s)

    await operator.post(f"chats/{office.chat}/pause", {"for": "hour"})
    assert (await mode(), await mode(3601)) == (ChatMode.PAUSED, ChatMode.MENTION)
    await operator.post(f"chats/{office.chat}/pause", {"for": "ever"})
    assert await mode(1e6) is ChatMode.PAUSED
    assert "恢复机器人" in (await operator.get(f"chats/{office.chat}")).text
    await operator.post(f"chats/{office.chat}/resume")
    assert await mode() is ChatMode.MENTION
    assert [line[1] for line in await office.audit()][:3] == ["resume", "pause", "pause"]


async def test_a_chat_that_listened_listens_again(office: Office, operator: Browser) -> None:
    await office.store.chats.set_mode(office.chat, ChatMode.LISTEN, office.scene.now)
    await operator.post(f"chats/{office.chat}/pause", {"for": "ever"})
    for _ in range(2):  # a second click changes nothing
        await operator.post(f"chats/{office.chat}/resume")
        chat = await office.store.chats.get(office.chat)
        assert chat is not None
        assert chat.mode is ChatMode.LISTEN


async def test_a_recall_says_its_count_first(office: Office, operator: Browser) -> None:
    scene = office.scene
    await scene.told("one", "answer one")
    await scene.wait(2 * 3600)  # the platform allows an hour
    await scene.told("two", "answer two")
    await scene.answer("three", "answer three")
    path = f"chats/{office.chat}/recall"
    page = (await operator.get(path)).text
    assert "撤回 3 条，其中 1 条还没发出，将直接取消，其中 1 条已过平台允许撤回的时间" in page
    await scene.answer("four", "said after the page was shown", who="ben")
    await operator.post(path, {"deliveries": hidden(page, "deliveries")})
    rows = (await office.store.reader.page(office.chat)).said
    assert [(row.text, row.delivery.state) for row in rows] == [
        ("answer one", State.KEPT),
        ("answer two", State.WITHDRAWING),
        ("answer three", State.DROPPED),
        ("said after the page was shown", State.QUEUED),
    ]
    await scene.settle_amend(await scene.amend_one(CAN), Sent(), CAN)
    assert "已撤回" in (await operator.get(f"chats/{office.chat}")).text
    assert ("operator:olga", "recall", f"chat:{office.chat}") in await office.audit()


async def test_one_message_is_recalled_and_none_of_another_chat(
    office: Office, operator: Browser
) -> None:
    delivery = await office.scene.told("one", "answer one")
    other = await office.scene.room("other")
    page = (await operator.get(f"chats/{office.chat}/recall?delivery={delivery.id}")).text
    assert hidden(page, "deliveries") == str(delivery.id)
    assert (await operator.get(f"chats/{other.id}/recall?delivery={delivery.id}")).status == 404
    await operator.post(f"chats/{other.id}/recall", {"deliveries": str(delivery.id)})
    row = await office.store.reader.delivery(delivery.id)
    assert row is not None
    assert row.delivery.state is State.SENT


async def test_a_retry_shows_what_will_be_sent_and_happens_once(
    office: Office, operator: Browser
) -> None:
    failed = await office.failed("the very words")
    page = (await operator.get(f"deliveries/{failed}")).text
    assert "the very words" in page
    assert "平台拒绝 (60020)" in page
    assert (await operator.post(f"deliveries/{failed}/retry")).status == 303
    assert (await operator.post(f"deliveries/{failed}/retry")).status == 409
    assert (await office.scene.deliver()).id == failed
    assert ("operator:olga", "retry", f"delivery:{failed}") in await office.audit()


async def test_what_was_given_up_is_handled_again(office: Office, operator: Browser) -> None:
    await office.scene.say("the question that failed")
    claimed = await office.scene.claim_one()
    await office.scene.finish(claimed, result=Result(state=TurnState.BURIED, reason="buried"))
    turn = claimed.turn.id
    assert "the question that failed" in (await operator.get(f"turns/{turn}")).text
    assert f"turns/{turn}" in (await operator.get("trouble")).text
    assert (await operator.post(f"turns/{turn}/revive")).status == 303
    assert (await operator.post(f"turns/{turn}/revive")).status == 409
    assert (await office.scene.claim_one()).turn.id == turn
    assert ("operator:olga", "revive", f"turn:{turn}") in await office.audit()


async def test_settings_of_a_chat_are_changed(office: Office, operator: Browser) -> None:
    form = {"mode": "listen", "handler": "demo", "session_kind": "chat", "language": "en"}
    assert (await operator.post(f"settings/chats/{office.chat}", form)).status == 303
    chat = await office.store.chats.get(office.chat)
    assert chat is not None
    assert (chat.mode, chat.handler, chat.session_kind, chat.language) == (
        ChatMode.LISTEN,
        "demo",
        SessionKind.CHAT,
        "en",
    )
    for wrong in ({"mode": "x"}, {"handler": "x"}, {"session_kind": "x"}, {"language": "fr"}):
        answer = await operator.post(f"settings/chats/{office.chat}", {**form, **wrong})
        assert answer.status == 422
    audit = await office.store.access.audit_lines()
    (line,) = [line for line in audit if line.action == "settings"]
    assert json.loads(line.details) == {
        "mode": "listen",
        "handler": "demo",
        "session": "chat",
        "language": "en",
    }


async def test_a_chat_is_given_back_to_the_rules(office: Office, operator: Browser) -> None:
    await office.store.chats.set_handler(office.chat, "demo")
    form = {"mode": "mention", "handler": "", "session_kind": "member", "language": ""}
    assert (await operator.post(f"settings/chats/{office.chat}", form)).status == 303
    chat = await office.store.chats.get(office.chat)
    assert chat is not None
    assert chat.handler == ""


async def test_grants_are_given_and_taken(office: Office, operator: Browser) -> None:
    form = {
        "effect": "allow",
        "kind": "person",
        "name": "ou_1",
        "bot": "b",
        "handler": "commands",
        "scene": "deploy",
        "command": "*",
        "until": "2025-06-30",
        "note": "for June",
    }
    assert (await operator.post("settings/grants", form)).status == 303
    (grant,) = await office.store.grants.list()
    assert (grant.subject.name, grant.field.scene, grant.author) == (
        "ou_1",
        "deploy",
        "operator:olga",
    )
    assert grant.until_at == 1751328000.0  # the day itself is included
    page = (await operator.get("settings/people")).text
    assert "for June" in page
    for wrong in ({"name": ""}, {"name": "two words"}, {"until": "soon"}, {"effect": "maybe"}):
        assert (await operator.post("settings/grants", {**form, **wrong})).status == 422
    assert (await operator.post(f"settings/grants/{grant.id}/revoke")).status == 303
    assert await office.store.grants.list() == ()
    assert (await operator.post(f"settings/grants/{grant.id}/revoke")).status == 409
    await operator.post("settings/groups", {"name": "ops", "bot": "b", "members": "ou_1 ou_2"})
    assert (await office.store.grants.people())[0].members == ("ou_1", "ou_2")


GRANT = {"effect": "allow", "kind": "person", "name": "ou_1"}


@pytest.mark.parametrize(
    ("reason", "scene"), [("not_granted deploy", "deploy"), ("not_granted", DOOR)]
)
async def test_allowing_somebody_who_came_opens_what_they_wanted_and_nothing_else(
    office: Office, operator: Browser, reason: str, scene: str
) -> None:
    stranger = Stranger(bot=BOT, person="ann", handler="demo", reason=reason, at=office.scene.now)
    await office.store.grants.meet(stranger)
    page = (await operator.get("settings/people")).text.partition("<h2>授权</h2>")[0]
    names = ("effect", "kind", "name", "bot", "handler", "scene", "door")
    form = {name: hidden(page, name) for name in names if f'name="{name}" value="' in page}
    assert (await operator.post("settings/grants", form)).status == 303
    (grant,) = await office.store.grants.list()
    assert grant.field == Field(bot=BOT, handler="demo", scene=scene)


@pytest.mark.parametrize(
    "wrong",
    [{"until": "9999-12-31"}, {"from": "0001-01-01"}, {"until": "10000-01-01"}],
)
async def test_a_day_that_no_calendar_reaches_is_refused_in_words(
    wrong: dict[str, str],
) -> None:
    office = await Office.open(zone=timezone(timedelta(hours=14)))
    operator = await office.enter(OperatorRole.OPERATOR)
    answer = await operator.post("settings/grants", {**GRANT, **wrong})
    assert answer.status == 422
    assert "2999-12-31" in answer.text
    assert await office.store.grants.list() == ()
    await office.store.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"bot": "nobot"},
        {"from": "2026-12-01", "until": "2026-11-01"},
        {"until": "2020-01-01"},
        {"scene": "deploy.start"},
        {"handler": "a:b"},
    ],
)
async def test_what_the_command_line_and_chats_refuse_is_refused(
    office: Office, operator: Browser, wrong: dict[str, str]
) -> None:
    assert (await operator.post("settings/grants", {**GRANT, **wrong})).status == 422
    assert await office.store.grants.list() == ()


async def test_the_audit_speaks_in_dates_and_words(office: Office, admin: Browser) -> None:
    form = {**GRANT, "bot": BOT, "handler": "commands", "scene": "deploy", "until": "2125-06-30"}
    await admin.post("settings/grants", form)
    page = (await admin.get("settings/audit")).text
    assert f"什么: {BOT} deploy · 到: 2125-07-01 00:00" in page
    for raw in ("None", "{", "until_at", "&#39;"):
        assert raw not in page.partition("<tbody>")[2].partition("</tbody>")[0]


@pytest.mark.parametrize(
    ("kind", "name"), [("chat", "notanumber"), ("chat", "²"), ("chat", "٣"), ("chat", "*")]
)
async def test_a_grant_speaks_of_somebody_who_can_be(
    office: Office, operator: Browser, kind: str, name: str
) -> None:
    answer = await operator.post("settings/grants", {**GRANT, "kind": kind, "name": name})
    assert answer.status == 422
    assert await office.store.grants.list() == ()
    for known in (("chat", "7"), ("people", "ops"), ("person", "*"), ("person", "everyone")):
        form = {**GRANT, "kind": known[0], "name": known[1]}
        assert (await operator.post("settings/grants", form)).status == 303
    subjects = [str(grant.subject) for grant in await office.store.grants.list()]
    assert sorted(subjects) == ["chat:7", "people:ops", "person:*", "person:everyone"]


async def test_operators_are_invited_changed_and_never_all_lost(
    office: Office, admin: Browser
) -> None:
    page = (await admin.post("settings/operators", {"name": "nina", "role": "operator"})).text
    link = page.partition("/console/link/")[2].partition("<")[0]
    nina = office.stranger()
    assert (await nina.post(f"link/{link}", {"password": "too short"})).status == 403
    assert (await nina.post(f"link/{link}", {"password": "long enough 123"})).status == 303
    assert "nina" in (await nina.get("")).text
    assert (await nina.post(f"link/{link}", {"password": "long enough 123"})).status == 403
    numbers = {one.name: one.id for one in await office.store.access.operators()}
    await admin.post(f"settings/operators/{numbers['nina']}", {"state": "disable"})
    assert (await nina.get("")).status == 303
    alone = await admin.post(f"settings/operators/{numbers['ada']}", {"role": "viewer"})
    assert alone.status == 409
    assert (await admin.get("settings/operators")).status == 200


async def test_a_token_is_shown_once(office: Office, admin: Browser) -> None:
    form = {"name": "ci", "scopes": "push:bot=b", "days": "30"}
    page = (await admin.post("settings/tokens", form)).text
    secret = page.partition("<code>")[2].partition("<")[0]
    assert len(secret) > 20
    assert secret.startswith("ph_")
    (token,) = await office.store.access.tokens()
    assert token.expires_at == office.scene.now + 30 * 86400
    assert secret not in (await admin.get("settings/tokens")).text
    for scopes in ("everything", "", "push:foo=bar", "push:chat=x", "push:", "read:all"):
        answer = await admin.post("settings/tokens", {**form, "scopes": scopes})
        assert answer.status == 422, scopes
        assert "push:bot=" in answer.text, "it says which scopes there are"
    for wrong in ({"name": ""}, {"days": "x"}):
        assert (await admin.post("settings/tokens", {**form, **wrong})).status == 422
    assert (await admin.post(f"settings/tokens/{token.id}/revoke")).status == 303
    assert "token" in (await admin.get("settings/audit")).text


async def test_a_held_house_is_looked_at_before_it_speaks(office: Office, admin: Browser) -> None:
    assert "没有等待发送" in (await admin.get("held")).text
    assert (await admin.post("held", {"decision": "everything"})).status == 422
    for through in ("", "²", "-1", "9" * 5000):
        form = {"decision": "send", "through": through}
        assert (await admin.post("held", form)).status == 422, through[:9]
    assert (await admin.post("held", {"decision": "end"})).status == 303
    assert ("operator:ada", "held", "house") in await office.audit()


async def test_only_what_the_held_page_has_shown_is_decided(office: Office, tmp_path: Path) -> None:
    await office.scene.answer("question", "one", "two")
    await office.store.upkeep.backup(tmp_path / "copy.db")
    mark_restored(tmp_path / "copy.db")
    restored = await Office.open(store=SqliteStore.open(tmp_path / "copy.db"))
    operator = await restored.enter(OperatorRole.ADMIN)
    first, second = await restored.store.holding.held()
    for through in ("²", "9" * 5000):
        answer = await operator.post("held", {"decision": "drop", "through": through})
        assert answer.status == 422, through[:9]
    assert len(await restored.store.holding.held()) == 2
    await operator.post("held", {"decision": "drop", "through": str(first.id)})
    assert [each.id for each in await restored.store.holding.held()] == [second.id]
    await restored.store.close()


async def test_passwords_are_changed_by_their_owners(office: Office, admin: Browser) -> None:
    vic = await office.enter(OperatorRole.VIEWER, "vic")
    before = dict(vic.cookies)
    wrong = {"password": "not it", "new_password": "another long one 1"}
    assert (await vic.post("settings/account/password", wrong)).status == 409
    right = {"password": "a horse, a battery, a staple", "new_password": "another long one 1"}
    assert (await vic.post("settings/account/password", right)).status == 303
    assert (await vic.get("")).status == 200
    thief = office.stranger(cookies=before)
    assert (await thief.get("")).status == 303
