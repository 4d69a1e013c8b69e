"""Discovery, handshakes, pings, and events with their acknowledgements."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from msgspec.structs import replace

from posthouse.simulators.feishu.faults import Fault, FaultSettings, Verb
from posthouse.simulators.feishu.frames import Frame
from posthouse.simulators.feishu.happenings import Press
from posthouse.simulators.feishu.settings import ClientConfig, TenantSettings
from tests.unit.simulators.feishu_scene import (
    CARD,
    WITHIN_S,
    Client,
    Town,
    event_of,
    open_town,
    script,
)

# ── discovery and handshake ──────────────────────────────────────────────────────────────────


async def test_discovery_tells_where_to_connect() -> None:
    async with open_town() as town:
        answer = await town.discover()
        assert answer["code"] == 0
        assert answer["data"]["URL"].startswith(town.server.address.replace("http", "ws") + "/ws/")
        assert answer["data"]["ClientConfig"] == {
            "ReconnectCount": -1,
            "ReconnectInterval": 90,
            "ReconnectNonce": 25,
            "PingInterval": 90,
        }


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"AppSecret": "wrong"}, 1000040345), ({"AppSecret": ""}, 1000040344)],
)
async def test_wrong_credentials_have_codes(changed: dict[str, str], code: int) -> None:
    async with open_town() as town:
        assert (await town.discover(**changed))["code"] == code
        assert bool(town.server.complaints) == (code == 1000040344)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.BUSY, 1),
        (Fault.FORBIDDEN, 403),
        (Fault.AUTH_FAILED, 514),
        (Fault.INTERNAL, 1000040343),
        (Fault.LIMIT, 1000040350),
    ],
)
async def test_discovery_fails_on_demand(fault: Fault, code: int) -> None:
    async with open_town(faults=script(Verb.DISCOVERY, fault)) as town:
        answer = await town.discover()
        assert (answer["code"], "data" in answer) == (code, False)
        assert (await town.discover())["code"] == 0


async def test_discovery_may_leave_out_the_configuration() -> None:
    async with open_town(faults=script(Verb.DISCOVERY, Fault.NO_CONFIG)) as town:
        assert list((await town.discover())["data"]) == ["URL"]


async def test_a_ticket_is_good_once() -> None:
    async with open_town() as town:
        url = (await town.discover())["data"]["URL"]
        first = await town.session.ws_connect(url)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await town.session.ws_connect(url)
        assert (refused.value.status, first.closed) == (514, False)
        await first.close()
        assert town.server.complaints == ["a ticket is good for one handshake"]


async def test_connections_are_limited_both_ways() -> None:
    async with open_town() as town:
        town.server.switches["a"].connections_max = 1
        url = (await town.discover())["data"]["URL"]
        client = await town.client()
        await town.server.until_connected()
        assert (await town.discover())["code"] == 1000040350
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await town.session.ws_connect(url)
        headers = dict(refused.value.headers or {})
        assert headers["Handshake-Autherrcode"] == "1000040350"
        assert headers["Handshake-Status"] == "514"
        assert not client.held.closed


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault.FORBIDDEN, "403", None),
        (Fault.AUTH_FAILED, "514", "1000040343"),
        (Fault.LIMIT, "514", "1000040350"),
        (Fault.BARE, None, None),
    ],
)
async def test_handshakes_are_refused(fault: Fault, status: str | None, code: str | None) -> None:
    async with open_town(faults=script(Verb.HANDSHAKE, fault)) as town:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await town.client()
        headers = dict(refused.value.headers or {})
        assert headers.get("Handshake-Status") == status
        assert headers.get("Handshake-Autherrcode") == code


# ── pings ────────────────────────────────────────────────────────────────────────────────────


async def test_pongs_carry_all_settings() -> None:
    async with open_town() as town:
        client = await town.client()
        town.server.switches["a"].config = ClientConfig(ping_interval=5)
        await client.ping()
        pong = await client.frame()
        assert (pong.method, pong.headers, pong.service) == (0, (("type", "pong"),), client.service)
        assert json.loads(pong.payload or b"") == {
            "ReconnectCount": -1,
            "ReconnectInterval": 90,
            "ReconnectNonce": 25,
            "PingInterval": 5,
        }


async def test_pongs_may_be_empty_partial_or_none() -> None:
    faults = script(Verb.PONG, Fault.EMPTY, Fault.PARTIAL, Fault.LOST)
    async with open_town(faults=faults) as town:
        client = await town.client()
        for _ in range(4):
            await client.ping()
        payloads = [(await client.frame()).payload for _ in range(3)]
        assert payloads[:2] == [b"", b'{"PingInterval":90}']
        assert b"ReconnectNonce" in (payloads[2] or b"")  # the third ping had no answer


async def test_pings_of_the_websocket_are_answered() -> None:
    async with open_town() as town:
        url = (await town.discover())["data"]["URL"]
        held = await town.session.ws_connect(url, autoping=False)
        await held.ping(b"there?")
        answer = await held.receive(timeout=WITHIN_S)
        assert (answer.type, answer.data) == (aiohttp.WSMsgType.PONG, b"there?")
        await held.close()


# ── events and acknowledgements ──────────────────────────────────────────────────────────────


async def test_an_event_is_pushed_and_acknowledged() -> None:
    async with open_town() as town:
        client = await town.client()
        told = town.say("hello @a")
        frame = await client.frame()
        names = [name for name, _ in frame.headers]
        assert names == [
            "timestamp", "type", "message_id", "sum", "seq", "trace_id", "instance_id",
        ]  # fmt: skip
        event = event_of(frame)["event"]
        assert json.loads(event["message"]["content"]) == {"text": "hello @_user_1"}
        assert event["message"]["mentions"][0]["mentioned_type"] == "bot"
        await client.ack(frame)
        assert await town.done(told)
        assert (town.entry(told).pushes, town.entry(told).handled_ms) == (1, 3)
        assert town.server.complaints == []


async def test_without_an_acknowledgement_it_comes_again_and_again() -> None:
    async with open_town() as town:
        client = await town.client()
        told = town.say()
        first = await client.frame()
        seen = {first.header("message_id")}
        for pause_s in (15.0, 300.0, 3600.0, 21600.0):
            await town.passes(3.0, pause_s)
            frame = await client.frame()
            seen.add(frame.header("message_id"))
            assert event_of(frame) == event_of(first)
        await town.passes(3.0)
        assert not await town.done(told)
        entry = town.entry(told)
        assert (entry.pushes, entry.is_abandoned, entry.acknowledged_at) == (5, True, None)
        assert len(seen) == 5


async def test_a_failed_acknowledgement_counts_as_none() -> None:
    async with open_town() as town:
        client = await town.client()
        told = town.say()
        await client.ack(await client.frame(), code=500)
        await town.passes(15.0)
        await client.ack(await client.frame())
        assert await town.done(told)
        assert town.entry(told).pushes == 2


async def test_the_schedule_can_be_faster() -> None:
    async with open_town(settings=TenantSettings(redelivery_s=(0.5,))) as town:
        client = await town.client()
        told = town.say()
        await client.ack(await client.frame(), code=500)
        await town.passes(0.5)
        await client.ack(await client.frame())
        assert await town.done(told)


async def test_one_of_several_connections_gets_an_event() -> None:
    async with open_town() as town:
        clients = [await town.client() for _ in range(3)]
        counts = [0, 0, 0]

        async def listen(number: int, client: Client) -> None:
            while True:
                frame = await client.frame()
                counts[number] += 1
                await client.ack(frame)

        listening = [asyncio.ensure_future(listen(*each)) for each in enumerate(clients)]
        for _ in range(60):
            assert await town.done(town.say())
        for each in listening:
            each.cancel()
        assert sum(counts) == 60
        assert min(counts) > 5


async def test_while_nobody_is_there_the_schedule_goes_on() -> None:
    async with open_town() as town:
        told = town.say()
        await asyncio.sleep(0)
        client = await town.client()
        await town.passes(15.0)
        await client.ack(await client.frame())
        assert await town.done(told)


async def test_or_events_wait_for_a_connection() -> None:
    async with open_town(settings=TenantSettings(offline="queue")) as town:
        told = town.say()
        client = await town.client()
        await client.ack(await client.frame())
        assert await town.done(told)
        assert town.entry(told).pushes == 1


async def test_ordered_events_wait_for_one_another() -> None:
    async with open_town() as town:
        town.server.switches["a"].is_ordered = True
        client = await town.client()
        told = [town.say("one"), town.say("two")]
        first = await client.frame()
        await client.ack(first, code=500)
        await town.passes(15.0)
        again = await client.frame()
        assert event_of(again) == event_of(first)
        await client.ack(again)
        await client.ack(await client.frame())
        assert [await town.done(each) for each in told] == [True, True]


async def test_what_comes_back_changed_is_complained_of() -> None:
    async with open_town() as town:
        client = await town.client()
        told = town.say()
        frame = await client.frame()
        headers = tuple(each for each in frame.headers if each[0] != "instance_id")
        await client.ack(replace(frame, service=1, headers=headers, seq_id=99))
        assert await town.done(told)
        complaints = " ".join(town.server.complaints)
        assert "service 1" in complaints
        assert "headers" in complaints
        assert "seq_id 99" in complaints


async def test_a_number_rounded_by_a_client_in_javascript_is_no_complaint() -> None:
    async with open_town() as town:
        client = await town.client()
        told = town.say()
        frame = await client.frame()
        assert frame.log_id > 2**53
        await client.ack(replace(frame, log_id=int(float(frame.log_id))))
        assert await town.done(told)
        assert town.server.complaints == []


async def test_what_is_no_frame_is_complained_of() -> None:
    async with open_town() as town:
        client = await town.client()
        await client.held.send_str("hello")
        await client.held.send_bytes(b"\x08")
        await client.send(Frame(service=client.service, headers=(("type", "pong"),)))
        await client.send(Frame(service=client.service, method=1, headers=(("message_id", "x"),)))
        await client.ping()
        await client.frame()
        assert [each.split(":")[0] for each in town.server.complaints] == [
            "a frame is binary, not text",
            "no frame",
            "a client sends no 'pong'",
            "an acknowledgement of nothing that waits",
        ]


# ── fragments ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ["in_order", "reversed", "doubled", "gap"])
async def test_long_events_come_in_fragments(order: str) -> None:
    async with open_town() as town:
        switches = town.server.switches["a"]
        switches.fragment_bytes = 400
        switches.fragment_order = order  # type: ignore[assignment] # one of them
        client = await town.client()
        told = town.say("x" * 500)
        frame = await client.frame()
        total = int(frame.header("sum"))
        assert total > 2
        found = [frame]
        expected = {"doubled": total + 1, "gap": total - 1}.get(order, total)
        found += [await client.frame() for _ in range(expected - 1)]
        numbers = [int(each.header("seq")) for each in found]
        whole = list(range(total))
        assert (
            numbers
            == {
                "in_order": whole,
                "reversed": whole[::-1],
                "doubled": [*whole, total - 1],
                "gap": whole[1:],
            }[order]
        )
        assert len({each.header("message_id") for each in found}) == 1
        if order != "gap":
            pieces = sorted({int(each.header("seq")): each.payload for each in found}.items())
            assert b"x" * 500 in b"".join(piece or b"" for _, piece in pieces)
            await client.ack(found[-1])
            assert await town.done(told)


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────


async def test_an_event_may_come_twice() -> None:
    async with open_town(faults=script(Verb.PUSH, Fault.TWICE)) as town:
        client = await town.client()
        told = town.say()
        first = await client.frame()
        await client.ack(first)
        second = await client.frame()
        await client.ack(second)
        assert event_of(first) == event_of(second)
        assert await town.done(told)


async def test_an_acknowledgement_may_be_lost() -> None:
    async with open_town(faults=script(Verb.PUSH, Fault.ACK_LOST)) as town:
        client = await town.client()
        told = town.say()
        await client.ack(await client.frame())
        await town.passes(15.0)
        await client.ack(await client.frame())
        assert await town.done(told)
        assert town.entry(told).pushes == 2


async def test_a_connection_may_be_cut_after_an_event() -> None:
    async with open_town(faults=script(Verb.PUSH, Fault.RESET_AFTER)) as town:
        client = await town.client()
        told = town.say()
        await client.until_gone()
        client = await town.client()
        await town.passes(3.0, 15.0)
        await client.ack(await client.frame())
        assert await town.done(told)


async def test_a_deaf_connection_answers_pings_only() -> None:
    async with open_town() as town:
        switches = town.server.switches["a"]
        switches.is_deaf = True
        client = await town.client()
        told = town.say()
        await client.ping()
        assert (await client.frame()).header("type") == "pong"
        await town.passes(3.0)
        switches.is_deaf = False
        await town.passes(15.0)
        await client.ack(await client.frame())
        assert await town.done(told)


async def test_a_frozen_socket_says_nothing() -> None:
    async with open_town() as town:
        switches = town.server.switches["a"]
        client = await town.client()
        switches.is_frozen = True
        await client.ping()
        told = town.say()
        await town.passes(3.0)
        switches.is_frozen = False
        await town.passes(15.0)
        frame = await client.frame()  # the first that comes is the second attempt: no pong before
        assert frame.header("type") == "event"
        await client.ack(frame)
        assert await town.done(told)


async def test_connections_are_kicked() -> None:
    async with open_town() as town:
        town.server.switches["a"].kicks_after_s = 30.0
        client = await town.client()
        await town.passes(30.0)
        assert await client.until_gone() == 1000
        client = await town.client()
        town.server.cut("a")
        assert await client.until_gone() != 1000


# ── presses ──────────────────────────────────────────────────────────────────────────────────


async def pressed_frame(town: Town, client: Client) -> tuple[str, Frame, asyncio.Future[object]]:
    message_id = await town.sent(kind="interactive", content=CARD)
    press = Press(message_id=message_id, person="ada", label="Close")
    pressing: asyncio.Future[object] = asyncio.ensure_future(town.server.press(press))
    return message_id, await client.frame(), pressing


@pytest.mark.parametrize("kind", ["event", "card"])
async def test_a_press_is_a_callback_with_an_answer(kind: str) -> None:
    async with open_town() as town:
        town.server.switches["a"].callback_frame = kind  # type: ignore[assignment] # one of two
        client = await town.client()
        message_id, frame, pressing = await pressed_frame(town, client)
        assert frame.header("type") == kind
        body = event_of(frame)
        assert body["header"]["event_type"] == "card.action.trigger"
        assert len(body["header"]["create_time"]) == 16
        assert body["event"]["action"] == {"tag": "button", "value": {"ticket": 7}, "name": "close"}
        assert body["event"]["context"]["open_message_id"] == message_id
        changed = {**CARD, "header": {"title": {"tag": "plain_text", "content": "Closed"}}}
        card = {"type": "raw", "data": changed}
        await client.ack(frame, data={"toast": {"type": "info", "content": "done"}, "card": card})
        pressed = await pressing
        assert pressed.toast == "done"  # type: ignore[attr-defined]
        assert town.shown(message_id).text.startswith("Closed")
        assert town.server.complaints == []


async def test_a_press_that_nobody_answers_fails_for_the_person_and_never_comes_again() -> None:
    async with open_town() as town:
        client = await town.client()
        _, _, pressing = await pressed_frame(town, client)
        await town.passes(3.0)
        pressed = await pressing
        assert pressed.code == 200341  # type: ignore[attr-defined]
        entry = town.tenant.notes.events.entries[-1]
        assert (entry.pushes, entry.is_abandoned) == (1, True)


async def test_a_bad_card_in_the_answer_is_seen_and_complained_of() -> None:
    async with open_town() as town:
        client = await town.client()
        _, frame, pressing = await pressed_frame(town, client)
        await client.ack(frame, data={"card": {"type": "raw", "data": {"schema": "2.0"}}})
        assert (await pressing).code == 200673  # type: ignore[attr-defined]
        assert len(town.server.complaints) == 1


def test_a_fault_that_cannot_happen_is_refused() -> None:
    from posthouse.model.errors import OperatorMistake
    from posthouse.simulators.feishu.faults import FaultPlan

    with pytest.raises(OperatorMistake, match="cannot happen to push"):
        FaultPlan(FaultSettings(script={"a": {Verb.PUSH: (Fault.TOO_MANY,)}}))
