"""What the house can call, class by class and fault by fault, over real HTTP."""

import asyncio

import aiohttp
import pytest

from posthouse.simulators.probe.bots import BotClass
from posthouse.simulators.probe.faults import Fault, Verb
from posthouse.simulators.probe.state import Limits
from tests.unit.simulators.scene import NOON, open_scene, script

ALL_CLASSES = [str(each) for each in BotClass]
HTTP_CLASSES = [each for each in ALL_CLASSES if each != "connection"]


def with_id(name: str) -> dict[str, str]:
    """The id that only an overwriting bot must choose."""
    return {"message_id": "mine-1"} if name == "overwrite" else {}


# --- classes --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_CLASSES)
async def test_a_bot_says_what_it_is(name: str) -> None:
    async with open_scene() as scene:
        card = (await scene.call("GET", f"/v1/bots/{name}")).body
    assert card["class"] == name
    assert card["bot_id"] == f"bot-{name}"
    assert card["can_edit"] is (name != "none")
    assert card["can_recall"] is (name != "none")
    assert (card["window_s"] > 0) is (name == "keyed")
    assert (card["slot_s"] > 0) is (name == "slot")
    assert card["webhook_url"] is None
    assert not {"token", "secret"} & card.keys()


@pytest.mark.parametrize(
    ("name", "copies"), [("keyed", 1), ("lookup", 2), ("overwrite", 1), ("none", 2), ("slot", 2)]
)
async def test_a_message_sent_twice(name: str, copies: int) -> None:
    async with open_scene() as scene:
        first = await scene.send(name, key="k", **with_id(name))
        second = await scene.send(name, key="k", **with_id(name))
        entries = scene.platform.ledger().messages
    assert (first.status, second.status) == (200, 200)
    assert (first.body == second.body) is (copies == 1)
    assert [(entry.key, entry.copies) for entry in entries] == [("k", copies)] * copies


async def test_a_key_is_forgotten_after_its_window() -> None:
    async with open_scene() as scene:
        await scene.send("keyed", key="k")
        scene.clock.advance(3599.0)
        await scene.send("keyed", key="k")
        assert scene.texts() == ["hello"]
        scene.clock.advance(1.0)
        await scene.send("keyed", key="k")
        assert scene.texts() == ["hello", "hello"]


async def test_a_key_counts_in_its_chat_only() -> None:
    async with open_scene() as scene:
        await scene.send("keyed", key="k", chat="c-1")
        await scene.send("keyed", key="k", chat="c-2")
        assert (scene.texts("c-1"), scene.texts("c-2")) == (["hello"], ["hello"])


async def test_messages_without_a_key_are_never_the_same() -> None:
    async with open_scene() as scene:
        await scene.send("keyed")
        await scene.send("keyed")
        assert scene.texts() == ["hello", "hello"]


async def test_overwriting_keeps_the_place_and_counts() -> None:
    async with open_scene() as scene:
        await scene.send("overwrite", message_id="one", text="first")
        await scene.send("overwrite", message_id="two", text="second")
        await scene.send("overwrite", message_id="one", text="changed")
        assert scene.texts() == ["changed", "second"]
        assert [entry.writes for entry in scene.platform.ledger().messages] == [2, 1]
        elsewhere = await scene.send("overwrite", message_id="one", chat="c-2")
        await scene.call("DELETE", "/v1/bots/overwrite/messages/one")
        recalled = await scene.send("overwrite", message_id="one")
    assert (elsewhere.status, elsewhere.body["code"]) == (409, "taken")
    assert (recalled.status, recalled.body["code"]) == (410, "recalled")


async def test_a_search_finds_by_key_and_time() -> None:
    async with open_scene() as scene:
        await scene.send("lookup", key="k1", text="one")
        scene.clock.advance(10.0)
        await scene.send("lookup", key="k2", text="two")
        path = "/v1/bots/lookup/chats/c-1/messages"
        by_key = (await scene.call("GET", f"{path}?key=k1")).body["messages"]
        by_time = (await scene.call("GET", f"{path}?since={NOON + 5}")).body["messages"]
        await scene.send("lookup", key="k3", chat="c-2")
        path = path.replace("c-1", "c-2")
        elsewhere = [
            len((await scene.call("GET", f"{path}?key={key}")).body["messages"])
            for key in ("k1", "k3")
        ]
    assert [(found["key"], found["text"], found["at"]) for found in by_key] == [("k1", "one", NOON)]
    assert [found["text"] for found in by_time] == ["two"]
    assert elsewhere == [0, 1]


async def test_a_search_tells_of_recalled_messages() -> None:
    async with open_scene() as scene:
        sent = await scene.send("lookup", key="k")
        await scene.call("DELETE", f"/v1/bots/lookup/messages/{sent.body['message_id']}")
        found = await scene.call("GET", "/v1/bots/lookup/chats/c-1/messages?key=k")
    assert [message["is_recalled"] for message in found.body["messages"]] == [True]


@pytest.mark.parametrize("name", ["keyed", "overwrite", "none", "slot"])
async def test_only_one_class_can_search(name: str) -> None:
    async with open_scene() as scene:
        answer = await scene.call("GET", f"/v1/bots/{name}/chats/c-1/messages?key=k")
    assert (answer.status, answer.body["code"]) == (405, "no_search")


@pytest.mark.parametrize("name", ["keyed", "lookup", "overwrite", "slot"])
async def test_edit_and_recall(name: str) -> None:
    async with open_scene() as scene:
        sent = await scene.send(name, **with_id(name))
        path = f"/v1/bots/{name}/messages/{sent.body['message_id']}"
        edited = await scene.call("PATCH", path, {"text": "changed"})
        assert scene.texts() == ["changed"]
        assert scene.platform.ledger().messages[0].edits == [NOON]
        recalled = await scene.call("DELETE", path)
        again = await scene.call("DELETE", path)
        assert scene.texts() == []
        too_late = await scene.call("PATCH", path, {"text": "ghost"})
    assert edited == (200, sent.body, edited.headers)
    assert [recalled.status, again.status] == [200, 200]
    assert (too_late.status, too_late.body["code"]) == (410, "recalled")


async def test_the_least_bot_cannot_edit_or_recall() -> None:
    async with open_scene() as scene:
        sent = await scene.send("none")
        path = f"/v1/bots/none/messages/{sent.body['message_id']}"
        edited = await scene.call("PATCH", path, {"text": "changed"})
        recalled = await scene.call("DELETE", path)
        assert scene.texts() == ["hello"]
    assert (edited.status, edited.body["code"]) == (403, "cannot_edit")
    assert (recalled.status, recalled.body["code"]) == (403, "cannot_recall")


async def test_sends_of_a_connection_bot_are_refused_by_http() -> None:
    async with open_scene() as scene:
        answer = await scene.send("connection")
        assert scene.texts() == []
    assert (answer.status, answer.body["code"]) == (409, "wrong_road")


async def test_typing_and_media() -> None:
    async with open_scene() as scene:
        typing = await scene.call("POST", "/v1/bots/keyed/chats/c-1/typing")
        kept = await scene.call("POST", "/v1/bots/keyed/media?name=a.txt&mime=text/plain", "words")
        ref = kept.body["media_ref"]
        sent = await scene.send("keyed", text=None, media_ref=ref)
        fetched = await scene.call("GET", f"/v1/bots/keyed/media/{ref}")
        missing = await scene.send("keyed", text=None, media_ref="f-0")
    assert typing.status == 204
    assert (sent.status, fetched.body) == (200, b'"words"')
    assert (missing.status, missing.body["code"]) == (404, "no_such_media")


# --- refusals -------------------------------------------------------------------------------

REFUSED_BODIES = [
    ("keyed", {"text": None}, 400, "bad_request"),
    ("keyed", {"colour": "red"}, 400, "bad_request"),
    ("keyed", {"text": 7}, 400, "bad_request"),
    ("keyed", {"key": "k" * 65}, 400, "bad_request"),
    ("keyed", {"message_id": "mine"}, 400, "foreign_message_id"),
    ("overwrite", {}, 400, "missing_message_id"),
    ("overwrite", {"message_id": "no spaces"}, 400, "bad_request"),
    ("keyed", {"text": "x" * 4001}, 413, "too_long"),
    ("keyed", {"text": "x" * 1_100_000}, 413, "too_long"),
    ("keyed", {"choices": [{"label": "a", "token": "t"}] * 9}, 413, "too_long"),
    ("keyed", {"choices": [{"label": "a", "token": "t" * 25}]}, 400, "bad_request"),
]


@pytest.mark.parametrize(("name", "fields", "status", "code"), REFUSED_BODIES)
async def test_what_makes_no_sense_is_refused(
    name: str, fields: dict[str, object], status: int, code: str
) -> None:
    async with open_scene() as scene:
        answer = await scene.send(name, **fields)
        assert scene.texts() == []
    assert (answer.status, answer.body["code"]) == (status, code)


async def test_strangers_are_refused() -> None:
    async with open_scene() as scene:
        wrong = await scene.call("GET", "/v1/bots/keyed", token="guess")
        nobody = await scene.call("GET", "/v1/bots/nobody")
        missing = await scene.call("DELETE", "/v1/bots/keyed/messages/b-0")
    assert (wrong.status, wrong.body["code"]) == (401, "bad_token")
    assert (nobody.status, nobody.body["code"]) == (404, "no_such_bot")
    assert (missing.status, missing.body["code"]) == (404, "no_such_message")


async def test_a_crowd_is_turned_away() -> None:
    async with open_scene(limits=Limits(requests_max=0)) as scene:
        answer = await scene.send("keyed")
        assert scene.texts() == []
    assert (answer.status, answer.body["code"]) == (503, "busy")


async def test_a_full_ledger_refuses_instead_of_forgetting() -> None:
    async with open_scene(limits=Limits(messages_max=1, calls_max=1)) as scene:
        await scene.send("keyed")
        full = await scene.send("keyed")
        ledger = scene.platform.ledger()
    assert (full.status, full.body["code"]) == (507, "ledger_full")
    assert (len(ledger.messages), len(ledger.calls), ledger.forgotten) == (1, 1, 1)


# --- faults ---------------------------------------------------------------------------------

CUTS = [(Fault.RESET_BEFORE, False), (Fault.RESET_AFTER, True), (Fault.HALF_RESPONSE, True)]
ANSWERED = [
    (Fault.TOO_MANY, 429, False),
    (Fault.REFUSED, 422, False),
    (Fault.ERROR_BEFORE, 500, False),
    (Fault.ERROR_AFTER, 500, True),
]


@pytest.mark.parametrize("name", HTTP_CLASSES)
@pytest.mark.parametrize(("fault", "is_handled"), CUTS)
async def test_a_call_that_is_cut(name: str, fault: Fault, *, is_handled: bool) -> None:
    async with open_scene(script(name, Verb.SEND, fault)) as scene:
        with pytest.raises(aiohttp.ClientError):
            await scene.send(name, key="k", **with_id(name))
        assert scene.texts() == ["hello"] * is_handled
        call = scene.platform.ledger().calls[0]
        assert (call.key, call.fault, call.is_clear) == ("k", fault, False)
        assert (await scene.send(name, key="k", **with_id(name))).status == 200


@pytest.mark.parametrize("name", HTTP_CLASSES)
@pytest.mark.parametrize(("fault", "status", "is_handled"), ANSWERED)
async def test_a_call_that_is_answered_badly(
    name: str, fault: Fault, status: int, *, is_handled: bool
) -> None:
    async with open_scene(script(name, Verb.SEND, fault)) as scene:
        answer = await scene.send(name, **with_id(name))
        assert scene.texts() == ["hello"] * is_handled
        call = scene.platform.ledger().calls[0]
    assert answer.status == status
    assert answer.headers.get("Retry-After") == ("0.5" if status == 429 else None)
    assert (call.status, call.is_clear) == (status, status < 500)


async def test_half_of_an_empty_answer_is_a_cut() -> None:
    async with open_scene(script("none", Verb.TYPING, Fault.HALF_RESPONSE)) as scene:
        with pytest.raises(aiohttp.ClientError):
            await scene.call("POST", "/v1/bots/none/chats/c-1/typing")


async def test_a_delayed_call_is_handled_at_once() -> None:
    async with open_scene(script("keyed", Verb.SEND, Fault.DELAY)) as scene:
        sending = asyncio.create_task(scene.send("keyed"))
        await scene.clock.pass_sleep(3.0)
        answer = await sending
        entry = scene.platform.ledger().messages[0]
        call = scene.platform.ledger().calls[0]
    assert answer.status == 200
    assert (entry.at, call.began_at, call.ended_at) == (NOON, NOON, NOON + 3)
    assert call.is_clear


@pytest.mark.parametrize(
    ("verb", "method", "path", "body"),
    [
        (Verb.EDIT, "PATCH", "/v1/bots/lookup/messages/{id}", {"text": "changed"}),
        (Verb.RECALL, "DELETE", "/v1/bots/lookup/messages/{id}", None),
        (Verb.LOOK_UP, "GET", "/v1/bots/lookup/chats/c-1/messages?key=k", None),
        (Verb.TYPING, "POST", "/v1/bots/lookup/chats/c-1/typing", None),
    ],
)
async def test_every_verb_can_fail(
    verb: Verb, method: str, path: str, body: dict[str, str] | None
) -> None:
    async with open_scene(script("lookup", verb, Fault.REFUSED, Fault.ERROR_BEFORE)) as scene:
        sent = await scene.send("lookup", key="k")
        path = path.replace("{id}", sent.body["message_id"])
        statuses = [(await scene.call(method, path, body)).status for _ in range(3)]
        calls = scene.platform.ledger().calls[1:]
    assert statuses[:2] == [422, 500]
    assert statuses[2] in (200, 204)
    assert {(call.verb, call.chat) for call in calls} == {(verb, "c-1")}


async def test_a_call_is_written_down_with_what_it_made() -> None:
    async with open_scene() as scene:
        sent = await scene.send("none", key="k")
        call = scene.platform.ledger().calls[0]
    assert (call.bot, call.chat, call.verb, call.key) == ("none", "c-1", "send", "k")
    assert (call.message_id, call.status, call.is_clear) == (sent.body["message_id"], 200, True)


# --- the laboratory's side ------------------------------------------------------------------


async def test_the_ledger_is_read_and_reset_over_http() -> None:
    async with open_scene() as scene:
        first = await scene.send("keyed", key="k")
        ledger = (await scene.call("GET", "/v1/ledger")).body
        assert (await scene.call("DELETE", "/v1/ledger")).status == 204
        empty = (await scene.call("GET", "/v1/ledger")).body
        second = await scene.send("keyed", key="k")
    assert [entry["text"] for entry in ledger["messages"]] == ["hello"]
    assert [call["verb"] for call in ledger["calls"]] == ["send"]
    assert empty == {"messages": [], "events": [], "calls": [], "forgotten": 0}
    assert first.body != second.body


async def test_a_fault_plan_is_set_over_http() -> None:
    async with open_scene() as scene:
        plan = {"rates": {"*": {"send": {"refused": 1.0}}}}
        assert (await scene.call("PUT", "/v1/faults", plan)).status == 204
        refused = await scene.send("keyed")
        senseless = {"rates": {"*": {"send": {"twice": 1.0}}}}
        answer = await scene.call("PUT", "/v1/faults", senseless)
        still = await scene.send("keyed")
    assert [refused.status, still.status] == [422, 422]
    assert (answer.status, answer.body["code"]) == (400, "bad_request")
