"""Feishu's own SDKs take the simulator for Feishu, in sessions over every road.

They run in environments of their own, which ``make feishu-judges`` sets up.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from posthouse.channels.feishu import frames
from posthouse.simulators.feishu.events import (
    CARD_PRESSED,
    MESSAGE_RECALLED,
    MESSAGE_RECEIVED,
    REACTION_CREATED,
)
from posthouse.simulators.feishu.happenings import Press, React, Recall, Say
from posthouse.simulators.feishu.people import PIXEL
from tests.channels.feishu_judges import environment, rates
from tests.channels.feishu_judges.bench import SDKS, Bench, Judge, Sdk, connected, start, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

ROUNDS, FRAMES = 5, 300
CARD = {
    "schema": "2.0",
    "config": {"streaming_mode": True, "update_multi": True},
    "header": {"title": {"tag": "plain_text", "content": "Ticket"}},
    "body": {
        "elements": [
            {"tag": "markdown", "element_id": "words", "content": "…"},
            {
                "tag": "button",
                "text": {"tag": "plain_text", "content": "Close"},
                "behaviors": [{"type": "callback", "value": {"ticket": "7"}}],
            },
        ]
    },
}


def is_there(sdk: Sdk) -> bool:
    return environment.is_there(sdk.name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def judges() -> AsyncIterator[dict[str, Judge]]:
    """All that are there, started at once: their imports take seconds."""
    started = {sdk.name: await start(sdk) for sdk in SDKS if is_there(sdk)}
    yield started
    for judge in started.values():
        await judge.end()


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=SDKS, ids=lambda sdk: str(sdk.name)
)
async def bench(request: pytest.FixtureRequest, judges: dict[str, Judge]) -> AsyncIterator[Bench]:
    sdk: Sdk = request.param
    if not is_there(sdk):
        has_npm = sdk.name != "node" or environment.has_npm()
        pytest.skip("not set up: `make feishu-judges`" if has_npm else "npm is not installed here")
    async with connected(sdk, judges[sdk.name]) as opened:
        yield opened


@pytest.fixture(autouse=True)
def nothing_to_complain_of(bench: Bench) -> None:
    bench.server.tenant.notes.complaints.entries.clear()
    bench.judge.forget()


def text(words: str) -> str:
    return json.dumps({"text": words})


# ── the long connection ──────────────────────────────────────────────────────────────────────


async def test_it_hears_and_acknowledges(bench: Bench) -> None:
    told = bench.say("hello there")
    heard = await bench.judge.heard(MESSAGE_RECEIVED)
    assert await bench.taken(told)
    assert (heard["message_id"], heard["text"]) == (told.message_id, "@_user_1 hello there")
    tenant = bench.server.tenant
    assert heard["sender"] == tenant.open_id(bench.app, tenant.people["ada"])
    assert heard["mentions"] == [tenant.open_id(bench.app, bench.app)]
    assert told.errands[0].event.entry.pushes == 1
    assert bench.server.complaints == []


async def test_it_puts_fragments_together(bench: Bench) -> None:
    switches = bench.server.switches["a"]
    switches.fragment_bytes, switches.fragment_order = 200, "reversed"
    try:
        told = bench.say("in pieces " + "x" * 500)
        heard = await bench.judge.heard(MESSAGE_RECEIVED)
        assert await bench.taken(told)
        assert heard["text"].endswith("x" * 500)
    finally:
        switches.fragment_bytes, switches.fragment_order = 0, "in_order"
    assert bench.server.complaints == []


async def test_it_hears_of_recalls_and_reactions(bench: Bench) -> None:
    told = bench.say("a mistake")
    assert told.message_id is not None
    await bench.judge.heard(MESSAGE_RECEIVED)
    assert await bench.taken(bench.server.react(React(message_id=told.message_id, person="ben")))
    assert (await bench.judge.heard(REACTION_CREATED))["emoji"] == "THUMBSUP"
    assert await bench.taken(bench.server.recall(Recall(message_id=told.message_id)))
    heard = await bench.judge.heard(MESSAGE_RECALLED)
    assert heard["message_id"] == told.message_id


async def test_it_pings_and_takes_new_settings(bench: Bench) -> None:
    entry = bench.server.tenant.notes.connections.entries[-1]
    pings = entry.pings
    await until(lambda: entry.pings >= pings + 2)  # every second, as the server said
    assert bench.server.complaints == []


async def test_a_press_is_answered(bench: Bench) -> None:
    if not bench.sdk.does_cards:
        pytest.skip("this version knows no callbacks over the long connection")
    sent = await bench.judge.did(
        "send", chat_id=bench.chat_id, msg_type="interactive", content=json.dumps(CARD)
    )
    press = Press(message_id=sent["message_id"], person="ada", label="Close")
    pressed = await bench.server.press(press)
    assert (pressed.toast, pressed.toast_type, pressed.code) == ("thanks", "success", 0)
    assert (await bench.judge.heard(CARD_PRESSED))["value"] == {"ticket": "7"}
    assert bench.server.complaints == []


async def test_a_cut_connection_comes_back(bench: Bench) -> None:
    opened = len(bench.server.tenant.notes.connections.entries)
    bench.server.cut("a")
    await until(lambda: len(bench.server.tenant.notes.connections.entries) > opened)
    await until(lambda: bench.server.connections("a") == 1)
    told = bench.say("again")
    assert (await bench.judge.heard(MESSAGE_RECEIVED))["message_id"] == told.message_id
    assert await bench.taken(told)
    assert bench.server.complaints == []


# ── REST ─────────────────────────────────────────────────────────────────────────────────────


async def test_it_knows_itself(bench: Bench) -> None:
    answer = await bench.judge.do("info")
    tenant = bench.server.tenant
    assert answer["bot"]["open_id"] == tenant.open_id(bench.app, bench.app)


async def test_it_sends_edits_and_recalls(bench: Bench) -> None:
    sent = await bench.judge.did(
        "send", chat_id=bench.chat_id, msg_type="text", content=text("one"), uuid="k-1"
    )
    again = await bench.judge.did(
        "send", chat_id=bench.chat_id, msg_type="text", content=text("one"), uuid="k-1"
    )
    assert again["message_id"] == sent["message_id"]
    await bench.judge.did("edit", message_id=sent["message_id"], content=text("two"))
    shown = bench.shown(sent["message_id"])
    assert (shown.text, shown.edits, shown.key) == ("two", 1, "k-1")
    await bench.judge.did("recall", message_id=sent["message_id"])
    assert bench.shown(sent["message_id"]).is_recalled
    refused = await bench.judge.do("edit", message_id=sent["message_id"], content=text("three"))
    assert refused["code"] == 230011
    assert bench.server.complaints == []


async def test_it_replies_and_reacts(bench: Bench) -> None:
    told = bench.say("a question")
    await bench.judge.heard(MESSAGE_RECEIVED)
    sent = await bench.judge.did(
        "reply", message_id=told.message_id, msg_type="text", content=text("an answer")
    )
    assert (sent["parent_id"], sent["root_id"]) == (told.message_id, told.message_id)
    assert bench.shown(sent["message_id"]).quote == told.message_id
    await bench.judge.did("react", message_id=told.message_id, emoji="OK")
    assert told.message_id is not None
    assert bench.shown(told.message_id).reactions == {"OK": ["a"]}
    assert (await bench.judge.heard(REACTION_CREATED))["emoji"] == "OK"
    listed = await bench.judge.did("history", chat_id=bench.chat_id)
    assert listed["items"]
    assert bench.server.complaints == []


async def test_it_sends_pictures_and_files_and_fetches_them(bench: Bench, tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(PIXEL)
    kept = await bench.judge.did("upload", path=str(picture))
    content = json.dumps({"image_key": kept["image_key"]})
    await bench.judge.did("send", chat_id=bench.chat_id, msg_type="image", content=content)
    kept = await bench.judge.did("upload_file", path=str(picture), name="a b.bin")
    content = json.dumps({"file_key": kept["file_key"]})
    await bench.judge.did("send", chat_id=bench.chat_id, msg_type="file", content=content)

    told = bench.server.say(Say(person="ada", chat="ada", chat_type="p2p", type="image"))
    assert await bench.taken(told)
    await bench.judge.heard(MESSAGE_RECEIVED)
    assert told.message_id is not None
    key = json.loads(bench.shown(told.message_id).content)["image_key"]
    fetched = await bench.judge.do("resource", message_id=told.message_id, key=key)
    assert bytes.fromhex(fetched["bytes"]) == PIXEL
    assert bench.server.complaints == []


async def test_it_updates_cards_and_writes_into_them(bench: Bench) -> None:
    sent = await bench.judge.did(
        "send", chat_id=bench.chat_id, msg_type="interactive", content=json.dumps(CARD)
    )
    changed = json.dumps(CARD).replace("Ticket", "Closed")
    await bench.judge.did("patch", message_id=sent["message_id"], content=changed)
    assert bench.shown(sent["message_id"]).text.startswith("Closed")
    if not bench.sdk.does_cards:
        return
    made = await bench.judge.did("card", data=json.dumps(CARD))
    content = json.dumps({"type": "card", "data": made})
    sent = await bench.judge.did(
        "send", chat_id=bench.chat_id, msg_type="interactive", content=content
    )
    where = {**made, "element_id": "words"}
    await bench.judge.did("write", **where, content="word by word", sequence=1)
    shown = bench.shown(sent["message_id"])
    assert ("word by word" in shown.text, shown.is_streaming) == (True, True)
    late = await bench.judge.do("write", **where, content="word by word by", sequence=1)
    assert late["code"] == 300317
    assert bench.server.complaints == []


# ── rates ────────────────────────────────────────────────────────────────────────────────────


async def test_a_frame_costs_us_a_quarter_at_most(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read, understood and acknowledged; CPU in turns, the least of each counts."""
    if bench.sdk.name == "node":
        pytest.skip("its CPU cannot be compared with Python's")
    raw = rates.frame()
    theirs, mine = [], []
    for _ in range(ROUNDS):
        told = await bench.judge.do("rate", frame=raw.hex(), times=FRAMES)
        assert told["written"] == FRAMES
        assert frames.decode(bytes.fromhex(told["ack"])).payload == b'{"code": 200}'
        theirs.append(told["each_s"])
        mine.append(rates.ours(raw, FRAMES))
    with capsys.disabled():
        shown = f"{min(theirs) * 1e6:.0f} µs, ours {min(mine) * 1e6:.0f} µs"
        print(f"\nlark-oapi ({bench.sdk.name}): {shown}", end=" ")  # noqa: T201 - the figures
    assert min(theirs) >= 4 * min(mine)


# ── the webhook ──────────────────────────────────────────────────────────────────────────────


async def test_its_dispatcher_opens_what_is_sealed_and_signed(bench: Bench) -> None:
    async with bench.webhook() as url:
        assert await bench.server.challenge("a", url) == ""
        bench.server.switches["a"].webhook = url
        told = bench.say("by webhook")
        assert (await bench.judge.heard(MESSAGE_RECEIVED))["message_id"] == told.message_id
        assert await bench.taken(told)
    assert bench.server.complaints == []


async def test_its_dispatcher_refuses_a_wrong_signature(bench: Bench) -> None:
    switches, settings = bench.server.switches["a"], bench.server.settings
    waits = settings.redelivery_s
    async with bench.webhook() as url:
        switches.webhook, switches.signature, settings.redelivery_s = url, "wrong", ()
        try:
            told = bench.say("forged")
            assert not await bench.taken(told)
        finally:
            switches.signature, settings.redelivery_s = "right", waits
    assert told.errands[0].event.entry.problem.startswith("HTTP ")
    assert bench.judge.has_heard_nothing_more()
