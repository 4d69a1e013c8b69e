"""How events reach a webhook: signed, in order, and again until acknowledged."""

import asyncio
import hashlib
import hmac

import pytest
from aiohttp import web

from posthouse.simulators.probe.faults import Fault, Verb
from posthouse.simulators.probe.refusals import Refusal
from posthouse.simulators.probe.state import Limits
from tests.unit.simulators.scene import (
    NOON,
    Scene,
    no,
    ok,
    open_house,
    open_scene,
    saying,
    script,
    silence,
)


def hook(scene: Scene, url: str, name: str = "keyed") -> None:
    scene.server.set_webhook(scene.platform.bot(name), url)


async def test_an_event_is_pushed_as_the_page_says() -> None:
    async with open_scene() as scene, open_house() as house:
        hook(scene, house.url)
        said = await scene.server.tell(saying(text="hello"))
        pushed = await house.pushed.get()
    assert pushed.envelope == {
        "event_id": pushed.envelope["event_id"],
        "type": "message",
        "chat": {"id": "c-1", "kind": "group", "title": ""},
        "sender": {"id": "u-1", "name": "Ada", "role": "member", "is_bot": False},
        "message_id": said.message_id,
        "text": "hello",
        "mentions_bot": False,
        "thread": None,
        "quote": None,
        "media": None,
        "token": None,
        "stamp": None,
        "at": NOON,
    }
    assert said.acknowledged_at == NOON


async def test_the_signature_covers_timestamp_and_raw_body() -> None:
    async with open_scene() as scene, open_house() as house:
        hook(scene, house.url)
        await scene.server.tell(saying())
        pushed = await house.pushed.get()
    timestamp = pushed.headers["X-Probe-Timestamp"]
    signed = f"{timestamp}.".encode() + pushed.raw
    assert timestamp == "1700000000"
    expected = hmac.new(b"keyed-secret", signed, hashlib.sha256).hexdigest()
    assert pushed.headers["X-Probe-Signature"] == expected


async def test_what_is_not_acknowledged_comes_again_later_and_later() -> None:
    refusals = [no(503), no(500), no(404), no(307, Location="/hook"), no(503), no(503)]
    async with open_scene() as scene, open_house(*refusals) as house:
        hook(scene, house.url)
        errand = scene.server.say(saying())
        for pause_s in (1.0, 2.0, 4.0, 8.0, 16.0, 30.0):
            await scene.clock.pass_sleep(pause_s)
        assert await errand.done
        pushed = [house.pushed.get_nowait().envelope for _ in range(7)]
        event = scene.platform.ledger().events[0]
    assert (event.pushes, event.acknowledged_at) == (7, NOON + 61)
    assert len({envelope["message_id"] for envelope in pushed}) == 1
    assert len({envelope["event_id"] for envelope in pushed}) == 7
    assert {envelope["at"] for envelope in pushed} == {NOON}


@pytest.mark.parametrize("event_type", ["pressed", "joined", "unknown-thing"])
async def test_what_has_no_message_of_its_own_keeps_its_event_id(event_type: str) -> None:
    event = saying(event_type=event_type, message_id="b-1", token="t")  # type: ignore[arg-type]
    async with open_scene() as scene, open_house(no(503)) as house:
        hook(scene, house.url)
        errand = scene.server.say(event)
        await scene.clock.pass_sleep(1.0)
        await errand.done
        first, second = [house.pushed.get_nowait().envelope for _ in range(2)]
    assert first == second


async def test_two_edits_of_a_message_differ_by_stamp() -> None:
    async with open_scene() as scene, open_house() as house:
        hook(scene, house.url)
        said = await scene.server.tell(saying())
        edit = saying(event_type="edited", message_id=said.message_id, text="better")
        await scene.server.tell(edit)
        await scene.server.tell(edit)
        _, first, second = [house.pushed.get_nowait().envelope for _ in range(3)]
    assert first["message_id"] == second["message_id"] == said.message_id
    assert first["stamp"] != second["stamp"]


async def test_the_house_may_ask_for_a_longer_pause() -> None:
    async with open_scene() as scene, open_house(no(503, Retry_After="7")) as house:
        hook(scene, house.url)
        errand = scene.server.say(saying())
        await scene.clock.pass_sleep(7.0)
        assert await errand.done


async def test_silence_is_no_acknowledgement() -> None:
    async with open_scene() as scene, open_house(silence()) as house:
        hook(scene, house.url)
        errand = scene.server.say(saying())
        await house.pushed.get()
        await scene.clock.pass_sleep(5.0)
        await scene.clock.pass_sleep(1.0)
        assert await errand.done
        assert scene.platform.ledger().events[0].pushes == 2


async def test_one_chat_waits_for_its_order_and_others_do_not() -> None:
    async with open_scene() as scene, open_house(no(503)) as house:
        hook(scene, house.url)
        first = scene.server.say(saying(text="one"))
        assert await house.texts(1) == ["one"]
        second = scene.server.say(saying(text="two"))
        elsewhere = scene.server.say(saying(text="other", chat="c-2"))
        assert await elsewhere.done
        assert not second.done.done()
        await scene.clock.pass_sleep(1.0)
        assert await second.done
        assert first.done.done()
        assert await house.texts(3) == ["other", "one", "two"]


async def test_a_bot_has_so_many_pushes_under_way_and_no_more() -> None:
    async with open_scene() as scene, open_house(*[silence()] * 64) as house:
        hook(scene, house.url)
        errands = [scene.server.say(saying(chat=f"c-{n}")) for n in range(65)]
        for _ in range(64):
            await house.pushed.get()
        assert errands[64].event.entry.pushes == 0
        await scene.clock.pass_sleep(5.0)
        assert await errands[64].done


async def test_after_many_attempts_an_event_is_abandoned_and_the_next_goes_on() -> None:
    async with open_scene() as scene, open_house(*[no(503)] * 40) as house:
        hook(scene, house.url)
        first, second = (scene.server.say(saying(text=text)) for text in ("one", "two"))
        for pause_s in (1.0, 2.0, 4.0, 8.0, 16.0, *[30.0] * 35):
            await scene.clock.pass_sleep(pause_s)
        assert await second.done
        assert not await first.done
        events = scene.platform.ledger().events
    assert [(event.pushes, event.is_abandoned) for event in events] == [(40, True), (1, False)]


async def test_events_wait_for_a_webhook() -> None:
    async with open_scene() as scene, open_house() as house:
        errand = scene.server.say(saying(text="early"))
        put = await scene.call("PUT", "/v1/bots/keyed/webhook", {"url": house.url})
        assert await errand.done
        card = await scene.call("GET", "/v1/bots/keyed")
        assert await house.texts(1) == ["early"]
        await scene.call("PUT", "/v1/bots/keyed/webhook", {"url": None})
        assert scene.server.road(scene.platform.bot("keyed")) is None
    assert (put.status, card.body["webhook_url"]) == (204, house.url)


# --- faults ---------------------------------------------------------------------------------


async def test_a_push_that_is_cut_before_a_byte_leaves() -> None:
    plan = script("keyed", Verb.PUSH, Fault.RESET_BEFORE)
    async with open_scene(plan) as scene, open_house() as house:
        hook(scene, house.url)
        errand = scene.server.say(saying())
        await scene.clock.pass_sleep(1.0)
        await errand.done
        assert house.pushed.qsize() == 1
        assert scene.platform.ledger().events[0].pushes == 2


async def test_a_push_whose_acknowledgement_is_not_heard() -> None:
    plan = script("keyed", Verb.PUSH, Fault.RESET_AFTER)
    async with open_scene(plan) as scene, open_house() as house:
        hook(scene, house.url)
        errand = scene.server.say(saying())
        await scene.clock.pass_sleep(1.0)
        await errand.done
        first, second = [house.pushed.get_nowait().envelope for _ in range(2)]
    assert first["message_id"] == second["message_id"]
    assert first["event_id"] != second["event_id"]


async def test_a_push_that_comes_twice() -> None:
    plan = script("keyed", Verb.PUSH, Fault.TWICE)
    async with open_scene(plan) as scene, open_house() as house:
        hook(scene, house.url)
        await scene.server.tell(saying())
        first, second = [(await house.pushed.get()).envelope for _ in range(2)]
    assert first["message_id"] == second["message_id"]
    assert first["event_id"] != second["event_id"]


async def test_a_push_that_is_late() -> None:
    plan = script("keyed", Verb.PUSH, Fault.DELAY)
    async with open_scene(plan) as scene, open_house() as house:
        hook(scene, house.url)
        errand = scene.server.say(saying())
        await scene.clock.pass_sleep(3.0)
        await errand.done
        assert scene.platform.ledger().events[0].acknowledged_at == NOON + 3


# --- answers inside the response ------------------------------------------------------------

ANSWER = {"text": "here", "choices": [{"label": "More", "token": "x"}], "key": "k"}


async def test_an_answer_in_the_slot_is_shown_and_cannot_be_touched() -> None:
    async with open_scene() as scene, open_house(ok(ANSWER)) as house:
        hook(scene, house.url, "slot")
        await scene.server.tell(saying("slot"))
        entry = scene.platform.ledger().messages[0]
        path = f"/v1/bots/slot/messages/{entry.message_id}"
        recalled = await scene.call("DELETE", path)
    assert (entry.text, entry.key, entry.is_slot, entry.chat) == ("here", "k", True, "c-1")
    assert [choice.token for choice in entry.choices] == ["x"]
    assert recalled.status == 404


async def test_an_answer_that_comes_too_late_is_not_shown() -> None:
    async with open_scene() as scene, open_house(silence(), ok(ANSWER)) as house:
        hook(scene, house.url, "slot")
        errand = scene.server.say(saying("slot"))
        await house.pushed.get()
        await scene.clock.pass_sleep(5.0)
        await scene.clock.pass_sleep(1.0)
        await errand.done
        assert scene.texts() == ["here"]


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.TWICE])
async def test_an_event_shows_one_answer_however_often_it_comes(fault: Fault) -> None:
    plan = script("slot", Verb.PUSH, fault)
    async with open_scene(plan) as scene, open_house(ok(ANSWER), ok(ANSWER)) as house:
        hook(scene, house.url, "slot")
        errand = scene.server.say(saying("slot"))
        if fault is Fault.RESET_AFTER:
            await scene.clock.pass_sleep(1.0)
        await errand.done
        await asyncio.gather(house.pushed.get(), house.pushed.get())
        assert scene.texts() == ["here"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("none", ANSWER),
        ("slot", {}),
        ("slot", {"text": 7}),
        ("slot", {"text": "x" * 4001}),
    ],
    ids=["no slot", "empty", "senseless", "too long"],
)
async def test_what_is_no_answer_acknowledges_all_the_same(name: str, answer: object) -> None:
    async with open_scene() as scene, open_house(ok(answer)) as house:
        hook(scene, house.url, name)
        said = await scene.server.tell(saying(name))
        assert scene.texts() == []
    assert said.acknowledged_at == NOON


async def test_of_an_endless_answer_nothing_is_used() -> None:
    endless = web.Response(body=b'{"text": "here"}' + b" " * 70_000)
    async with open_scene() as scene, open_house(lambda _: endless) as house:
        hook(scene, house.url, "slot")
        await scene.server.tell(saying("slot"))
        assert scene.texts() == []


# --- the laboratory's side ------------------------------------------------------------------


async def test_somebody_speaks_over_http_and_waits_for_the_house() -> None:
    body = {"bot": "keyed", "chat": {"id": "c-1"}, "sender": {"id": "u-1"}, "text": "hello"}
    async with open_scene() as scene, open_house() as house:
        early = await scene.call("POST", "/v1/say", body)
        waiting = asyncio.create_task(scene.call("POST", "/v1/say?wait=1", body))
        hook(scene, house.url)
        late = await waiting
    assert early.body["acknowledged_at"] is None
    assert late.body["acknowledged_at"] == NOON
    assert early.body["message_id"] != late.body["message_id"]


@pytest.mark.parametrize(
    "senseless",
    [
        saying(event_type="edited"),
        saying(event_type="pressed", message_id="b-1"),
        saying(message_id="p-1"),
        saying("nobody"),
    ],
    ids=["edit of nothing", "press without token", "chosen id", "no such bot"],
)
async def test_a_senseless_saying_is_refused(senseless: object) -> None:
    async with open_scene() as scene:
        with pytest.raises(Refusal):
            scene.server.say(senseless)  # type: ignore[arg-type]
        assert scene.platform.ledger().events == ()


async def test_a_full_ledger_takes_no_more_events() -> None:
    async with open_scene(limits=Limits(events_max=1)) as scene:
        scene.server.say(saying())
        with pytest.raises(Refusal, match="ledger_full"):
            scene.server.say(saying())


async def test_a_quoted_message_of_the_bot_addresses_it() -> None:
    async with open_scene() as scene:
        sent = await scene.send("keyed")
        quote = {"bot": "keyed", "chat": {"id": "c-1"}, "sender": {"id": "u-1"}, "text": "why?"}
        await scene.call("POST", "/v1/say", {**quote, "quote": sent.body["message_id"]})
        async with open_house() as house:
            hook(scene, house.url)
            assert (await house.pushed.get()).envelope["mentions_bot"] is True


async def test_a_reset_abandons_what_is_waiting() -> None:
    async with open_scene() as scene, open_house() as house:
        errand = scene.server.say(saying(text="old"))
        await scene.server.reset()
        assert not await errand.done
        hook(scene, house.url)
        await scene.server.tell(saying(text="new"))
        assert await house.texts(1) == ["new"]
        assert [event.text for event in scene.platform.ledger().events] == ["new"]
