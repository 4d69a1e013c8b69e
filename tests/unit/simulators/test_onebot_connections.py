"""How accounts and bot servers are connected, and everything that goes wrong with that."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import WSMsgType
from msgspec.structs import replace

from posthouse.simulators.onebot.accounts import Account
from posthouse.simulators.onebot.faults import Fault, FaultPlan, FaultSettings, Verb
from posthouse.simulators.onebot.record import ConnectionEntry
from posthouse.simulators.onebot.server import OneBotServer
from posthouse.simulators.onebot.state import Network
from posthouse.simulators.onebot.switches import SwitchSettings
from tests.unit.simulators.onebot_scene import (
    ACCOUNT,
    NEST,
    WITHIN_S,
    Guest,
    Stage,
    open_bot_server,
    open_stage,
    said,
    script,
)
from tests.unit.simulators.scene import Clock

BEATING = replace(ACCOUNT, heartbeat_s=5.0)


def turn(stage: Stage, **settings: bool | int) -> None:
    stage.server.switches["a"].change(SwitchSettings(**settings))  # type: ignore[arg-type]


# ── reverse ──────────────────────────────────────────────────────────────────────────────────


async def test_an_account_dials_and_says_who_it_is() -> None:
    async with open_stage(account=replace(ACCOUNT, token="secret")) as stage:
        guest = await stage.bots.guest()
        assert guest.headers["X-Self-ID"] == "10000"
        assert guest.headers["X-Client-Role"] == "Universal"
        assert guest.headers["Authorization"] == "Bearer secret"


async def test_an_account_without_a_token_sends_none() -> None:
    async with open_stage() as stage:
        assert "Authorization" not in (await stage.bots.guest()).headers


async def test_events_go_out_and_actions_come_in() -> None:
    async with open_stage() as stage:
        guest = await stage.bots.guest()
        told = await stage.tell("hello")
        assert told.is_pushed
        assert (await guest.frame())["message_id"] == told.message_id
        answer = await guest.call("send_group_msg", group_id=20001, message="hi")
        assert answer["echo"] == "e"
        assert stage.own_texts() == ["hi"]
        (entry,) = stage.network.record().events
        assert (entry.pushes, entry.pushed_at, entry.is_missed) == (1, stage.clock.now, False)
        assert stage.complaints == []


async def test_an_account_that_is_refused_tries_again() -> None:
    async with open_bot_server() as bots:
        bots.token = "right"
        clock, account = Clock(), replace(ACCOUNT, token="wrong", urls=(bots.url,))
        network = Network(7, accounts=(account,), clock=clock)
        async with OneBotServer(network, sleep=clock.sleep):
            async with asyncio.timeout(WITHIN_S):
                await clock.pass_sleep(3.0)
            bots.token = "wrong"
            await bots.guest()
        refused, taken = network.record().connections
        assert "403" in refused.problem
        assert (refused.opened_at, taken.problem) == (None, "")


async def test_several_accounts_have_connections_of_their_own() -> None:
    async with open_bot_server() as bots:
        accounts = tuple(
            replace(ACCOUNT, name=name, self_id=self_id, urls=(bots.url,))
            for name, self_id in (("a", 10000), ("b", 10001))
        )
        network = Network(7, accounts=accounts)
        async with OneBotServer(network) as server:
            guests = [await bots.guest() for _ in accounts]
            by_id = {guest.headers["X-Self-ID"]: guest for guest in guests}
            await server.tell(said("to b", bot="b"))
            assert (await by_id["10001"].frame())["raw_message"] == "to b"
            await server.tell(said("to a"))
            assert (await by_id["10000"].frame())["self_id"] == 10000


async def test_all_who_listen_are_told() -> None:
    async with open_bot_server() as bots:
        account = replace(ACCOUNT, urls=(bots.url, bots.url))
        async with OneBotServer(Network(7, accounts=(account,))) as server:
            guests = [await bots.guest() for _ in range(2)]
            await server.tell(said())
            for guest in guests:
                assert (await guest.frame())["raw_message"] == "hello"
            assert server.network.record().events[0].pushes == 2


async def test_listeners_hear_of_pushes_actions_and_messages() -> None:
    async with open_stage() as stage:
        guest = await stage.bots.guest()
        heard: list[int] = []
        stage.network.listen(lambda: heard.append(1))
        await stage.tell()
        assert len(heard) == 2  # the message, and its push
        await guest.frame()
        await guest.send()
        await guest.frame()
        assert len(heard) == 4


async def test_a_lost_connection_is_made_again() -> None:
    async with open_stage() as stage:
        await stage.bots.guest()
        stage.server.cut("a")
        guest = await stage.reconnected()
        await stage.tell("again")
        assert (await guest.frame())["raw_message"] == "again"
        first, second = stage.network.record().connections
        assert first.closed_at is not None
        assert second.closed_at is None


async def test_a_lost_connection_stays_lost_while_told_so() -> None:
    async with open_stage() as stage:
        await stage.bots.guest()
        turn(stage, is_dialling=False)
        stage.server.cut("a")
        async with asyncio.timeout(WITHIN_S):
            await stage.clock.pass_sleep(ACCOUNT.reconnect_s)
        assert len(stage.network.record().connections) == 1
        turn(stage, is_dialling=True)
        await stage.bots.guest()


async def test_goodbye_is_said_or_not() -> None:
    async with open_stage() as stage:
        guest = await stage.bots.guest()
        await stage.server.hang_up("a")
        assert await guest.until_gone() == 1000
        guest = await stage.reconnected()
        stage.server.cut("a")
        assert await guest.until_gone() == 1006


# ── heartbeats ───────────────────────────────────────────────────────────────────────────────


async def test_heartbeats_come_at_their_time() -> None:
    async with open_stage(account=BEATING) as stage:
        guest = await stage.bots.guest()
        await stage.clock.pass_sleep(5.0)
        assert (await guest.frame()).items() >= {
            "meta_event_type": "heartbeat",
            "interval": 5000,
            "status": {"online": True, "good": True},
            "time": int(stage.clock.now),
        }.items()
        turn(stage, is_online=False)
        await stage.clock.pass_sleep(5.0)
        assert (await guest.frame())["status"] == {"online": False, "good": True}


async def test_heartbeats_stop_and_all_else_goes_on() -> None:
    async with open_stage(account=BEATING) as stage:
        guest = await stage.bots.guest()
        turn(stage, is_beating=False)
        for _ in range(2):
            await stage.clock.pass_sleep(5.0)
        await stage.tell("still here")
        assert (await guest.frame())["raw_message"] == "still here"


# ── half open ────────────────────────────────────────────────────────────────────────────────


async def test_who_does_not_read_neither_acts_nor_pongs() -> None:
    async with open_stage() as stage:
        guest = await stage.bots.guest()
        turn(stage, is_reading=False)
        await guest.ping()
        await guest.send("unheard")
        await stage.tell("still talking")
        assert (await guest.frame())["raw_message"] == "still talking"  # no pong before
        assert stage.own_texts() == []
        turn(stage, is_reading=True)
        assert (await guest.raw()).type is WSMsgType.PONG
        assert (await guest.frame())["status"] == "ok"
        assert stage.own_texts() == ["unheard"]


async def test_who_does_not_write_acts_in_silence() -> None:
    async with open_stage() as stage:
        guest = await stage.bots.guest()
        turn(stage, is_writing=False)
        shown = asyncio.Event()
        stage.network.watch(lambda entry: shown.set() if entry.is_own else None)
        await guest.send("seen")
        async with asyncio.timeout(WITHIN_S):
            await shown.wait()
        assert not (await stage.tell("unheard")).is_pushed
        turn(stage, is_writing=True)
        await stage.tell("heard")
        assert (await guest.frame())["raw_message"] == "heard"
        call = stage.network.record().calls[0]
        assert (call.status, call.is_clear) == ("ok", False)


async def test_who_was_thrown_out_says_so() -> None:
    async with open_stage() as stage:
        guest = await stage.bots.guest()
        turn(stage, is_online=False)
        answer = await guest.call("send_group_msg", group_id=20001, message="hi")
        assert (answer["status"], answer["retcode"]) == ("failed", 1200)


# ── what was missed ──────────────────────────────────────────────────────────────────────────


async def test_what_nobody_heard_is_only_in_the_history() -> None:
    async with open_stage() as stage:
        await stage.bots.guest()
        stage.server.cut("a")
        async with asyncio.timeout(WITHIN_S):
            await stage.server.until_disconnected("a")
        told = await stage.tell("missed")
        assert not told.is_pushed
        assert stage.network.record().events[0].is_missed
        guest = await stage.reconnected()
        data = (await guest.call("get_group_msg_history", group_id=20001))["data"]
        assert [each["message_id"] for each in data["messages"]] == [told.message_id]


async def test_what_nobody_heard_can_be_kept() -> None:
    async with open_stage() as stage:
        await stage.bots.guest()
        turn(stage, keeps_missed=True)
        stage.server.cut("a")
        errands = [stage.server.say(said(text)) for text in ("one", "two")]
        guest = await stage.reconnected()
        assert [(await guest.frame())["raw_message"] for _ in errands] == ["one", "two"]
        assert all([await errand.done for errand in errands])


async def test_events_come_again_after_a_reconnection() -> None:
    async with open_stage() as stage:
        guest = await stage.bots.guest()
        turn(stage, repeats_last=2)
        ids = [(await stage.tell(text)).message_id for text in ("one", "two", "three")]
        for _ in ids:
            await guest.frame()
        stage.server.cut("a")
        guest = await stage.reconnected()
        await stage.tell("four")
        heard = [await guest.frame() for _ in range(3)]
        assert [frame["raw_message"] for frame in heard] == ["two", "three", "four"]
        assert [frame["message_id"] for frame in heard[:2]] == ids[1:]
        assert [entry.pushes for entry in stage.network.record().events] == [1, 2, 2, 1]
        turn(stage, repeats_last=10)
        stage.server.cut("a")
        guest = await stage.reconnected()
        texts = [(await guest.frame())["raw_message"] for _ in range(4)]
        assert texts == ["one", "two", "three", "four"]
        await stage.tell("five")
        assert (await guest.frame())["raw_message"] == "five"


# ── faults of actions ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "is_shown"), [(Fault.RESET_BEFORE, False), (Fault.RESET_AFTER, True)]
)
async def test_a_reset_cuts_the_connection(fault: Fault, *, is_shown: bool) -> None:
    async with open_stage(script(Verb.SEND, fault)) as stage:
        guest = await stage.bots.guest()
        await guest.send()
        assert await guest.until_gone() == 1006
        assert bool(stage.own_texts()) is is_shown
        (call,) = stage.network.record().calls
        assert (call.fault, call.is_clear) == (fault, False)


@pytest.mark.parametrize(
    ("fault", "is_shown"), [(Fault.SILENT_BEFORE, False), (Fault.SILENT_AFTER, True)]
)
async def test_an_answer_never_comes(fault: Fault, *, is_shown: bool) -> None:
    async with open_stage(script(Verb.SEND, fault)) as stage:
        guest = await stage.bots.guest()
        await guest.send(echo=1)
        await guest.ask("get_status", echo=2)
        assert (await guest.frame())["echo"] == 2
        assert bool(stage.own_texts()) is is_shown
        assert not stage.network.record().calls[0].is_clear


async def test_an_answer_comes_late_and_others_overtake_it() -> None:
    async with open_stage(script(Verb.SEND, Fault.DELAY)) as stage:
        guest = await stage.bots.guest()
        await guest.send("first", echo=1)
        await guest.send("second", echo=2)
        assert (await guest.frame())["echo"] == 2
        assert stage.own_texts() == ["first", "second"]  # done in their order all the same
        await stage.clock.pass_sleep(3.0)
        assert (await guest.frame())["echo"] == 1


async def test_a_slow_action_is_overtaken_by_the_next() -> None:
    async with open_stage(script(Verb.SEND, Fault.SLOW)) as stage:
        guest = await stage.bots.guest()
        await guest.send("first", echo=1)
        await guest.send("second", echo=2)
        assert (await guest.frame())["echo"] == 2
        await stage.clock.pass_sleep(3.0)
        assert (await guest.frame())["echo"] == 1
        assert stage.own_texts() == ["second", "first"]


async def test_an_answer_waits_to_be_overtaken() -> None:
    async with open_stage(script(Verb.SEND, Fault.OVERTAKEN)) as stage:
        guest = await stage.bots.guest()
        await guest.send(echo=1)
        await guest.send(echo=2)
        assert [(await guest.frame())["echo"] for _ in range(2)] == [2, 1]


async def test_an_answer_does_not_wait_for_ever() -> None:
    async with open_stage(script(Verb.SEND, Fault.OVERTAKEN)) as stage:
        guest = await stage.bots.guest()
        await guest.send(echo=1)
        await stage.clock.pass_sleep(3.0)
        assert (await guest.frame())["echo"] == 1


async def test_an_answer_comes_twice() -> None:
    async with open_stage(script(Verb.SEND, Fault.TWICE)) as stage:
        guest = await stage.bots.guest()
        await guest.send()
        one, two = await guest.frame(), await guest.frame()
        assert one == two
        assert stage.own_texts() == ["hi"]


async def test_an_answer_ends_in_the_middle() -> None:
    async with open_stage(script(Verb.SEND, Fault.HALF_RESPONSE)) as stage:
        guest = await stage.bots.guest()
        await guest.send()
        half = (await guest.raw()).data
        assert half.startswith('{"status":"ok"')
        assert not half.endswith("}")
        assert stage.own_texts() == ["hi"]


# ── faults of pushes ─────────────────────────────────────────────────────────────────────────


async def test_an_event_is_pushed_twice() -> None:
    async with open_stage(script(Verb.PUSH, Fault.TWICE)) as stage:
        guest = await stage.bots.guest()
        await stage.tell()
        assert await guest.frame() == await guest.frame()


async def test_an_event_is_never_pushed() -> None:
    async with open_stage(script(Verb.PUSH, Fault.LOST)) as stage:
        guest = await stage.bots.guest()
        assert not (await stage.tell("lost")).is_pushed
        await stage.tell("found")
        assert (await guest.frame())["raw_message"] == "found"


async def test_an_event_is_pushed_late() -> None:
    async with open_stage(script(Verb.PUSH, Fault.DELAY)) as stage:
        guest = await stage.bots.guest()
        errand = stage.server.say(said())
        await stage.clock.pass_sleep(3.0)
        assert (await guest.frame())["raw_message"] == "hello"
        assert await errand.done


@pytest.mark.parametrize(("fault", "pushes"), [(Fault.RESET_BEFORE, 0), (Fault.RESET_AFTER, 1)])
async def test_a_push_cuts_the_connection(fault: Fault, pushes: int) -> None:
    async with open_stage(script(Verb.PUSH, fault)) as stage:
        guest = await stage.bots.guest()
        await stage.tell()
        await guest.until_gone()
        assert stage.network.record().events[0].pushes == pushes


async def test_a_push_that_was_cut_is_kept_where_asked() -> None:
    async with open_stage(script(Verb.PUSH, Fault.RESET_BEFORE)) as stage:
        await stage.bots.guest()
        turn(stage, keeps_missed=True)
        stage.server.say(said("kept"))
        guest = await stage.reconnected()
        assert (await guest.frame())["raw_message"] == "kept"


async def test_chance_follows_from_the_seed() -> None:
    shares = {Fault.DELAY: 0.3, Fault.TWICE: 0.2}
    settings = FaultSettings(seed=5, rates={"*": {Verb.SEND: shares}, "b": {}})
    one, two = FaultPlan(settings), FaultPlan(settings)
    drawn = [one.draw("a", Verb.SEND) for _ in range(400)]
    for _ in range(9):
        two.draw("c", Verb.SEND)  # others' luck changes nothing
    assert drawn == [two.draw("a", Verb.SEND) for _ in range(400)]
    assert 80 < drawn.count(Fault.DELAY) < 160
    assert 40 < drawn.count(Fault.TWICE) < 120
    assert {one.draw("b", Verb.SEND), one.draw("a", Verb.PUSH)} == {None}


# ── forward ──────────────────────────────────────────────────────────────────────────────────


async def dialled(server: OneBotServer, path: str, **headers: str) -> Guest | int:
    """Dial an account; a number is the status of its refusal."""
    session = aiohttp.ClientSession()
    try:
        held = await session.ws_connect(server.forward_url("a") + path, headers=headers)
    except aiohttp.WSServerHandshakeError as error:
        await session.close()
        return error.status
    SESSIONS.append(session)
    return Guest(held)


SESSIONS: list[aiohttp.ClientSession] = []


@pytest.fixture(autouse=True)
async def leave() -> object:
    yield
    while SESSIONS:
        await SESSIONS.pop().close()


def waiting(**fields: str) -> OneBotServer:
    account = Account(name="a", self_id=10000, forward_port=0, heartbeat_s=0, **fields)  # type: ignore[arg-type]
    return OneBotServer(Network(7, accounts=(account,)))


@pytest.mark.parametrize("path", ["/", "/event", "/event/"])
async def test_events_go_to_those_who_dial_for_them(path: str) -> None:
    async with waiting() as server:
        guest = await dialled(server, path)
        assert isinstance(guest, Guest)
        await guest.greeted()
        await server.until_connected("a")
        assert (await server.tell(said("hi", chat=NEST))).is_pushed
        assert (await guest.frame())["raw_message"] == "hi"


async def test_who_dials_for_actions_is_told_nothing() -> None:
    async with waiting() as server:
        guest = await dialled(server, "/api")
        assert isinstance(guest, Guest)
        assert (await guest.call("get_login_info"))["data"]["user_id"] == 10000
        assert not (await server.tell(said("hi", chat=NEST))).is_pushed
        assert (await guest.call("send_private_msg", user_id=30001, message="x"))["status"] == "ok"


async def test_a_token_is_asked_for() -> None:
    async with waiting(token="right") as server:
        assert await dialled(server, "/") == 401
        assert await dialled(server, "/", Authorization="Bearer wrong") == 403
        assert isinstance(await dialled(server, "/", Authorization="Bearer right"), Guest)
        assert isinstance(await dialled(server, "/?access_token=right"), Guest)
        problems = [entry.problem for entry in _entries(server)]
        assert problems == ["401", "403", "", ""]


def _entries(server: OneBotServer) -> tuple[ConnectionEntry, ...]:
    return server.network.record().connections
