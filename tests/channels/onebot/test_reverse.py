"""Implementations that connect to the house: who may, which bot they are, and how they end."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from posthouse.channels.channel import ConnectionState
from posthouse.channels.onebot.channel import REPLACED, OneBotChannel
from posthouse.channels.onebot.words import ALARM_AFTER_S
from posthouse.model.delivery import NotSent, Sent
from posthouse.model.errors import OperatorMistake, TryLater
from posthouse.model.event import MessageReceived, Undecodable
from posthouse.model.secret import RetiredSecret
from tests.channels.onebot.stage import (
    SELF,
    connected,
    heartbeat,
    meeting,
    ok,
    reverse,
    running,
    said,
    serving,
    tools,
)

TOKEN = "t0p-secret"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - only named


async def status_of(url: str, **headers: str) -> int:
    """How an attempt to connect ends: 101 when it was taken."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        async with connected(url, given):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


# --- who may --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": f"bearer {TOKEN}"},
        {"Authorization": f"Token {TOKEN}"},
        {"Authorization": TOKEN},
    ],
)
async def test_the_token_opens_the_door(tmp_path: Path, headers: dict[str, str]) -> None:
    async with reverse(tmp_path, {"token": TOKEN}) as stage:
        assert await status_of(stage.url, **headers) == 101


async def test_the_token_may_stand_in_the_address(tmp_path: Path) -> None:
    async with reverse(tmp_path, {"token": TOKEN}) as stage:
        path = f"/onebot/v11/ws?access_token={TOKEN}"
        async with connected(stage.url, path=path):
            await stage.statuses.until_state(ConnectionState.CONNECTED)


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", "Bearer é"])
async def test_whatever_else_is_given_is_refused_alike(tmp_path: Path, given: str) -> None:
    async with reverse(tmp_path, {"token": TOKEN}) as stage:
        headers = {"Authorization": given} if given else {}
        assert await status_of(stage.url, **headers) == 403
        assert stage.channel.status.state is ConnectionState.WAITING


async def test_a_replaced_token_counts_for_its_hour(tmp_path: Path) -> None:
    retired = (RetiredSecret("token", "old", 2e10), RetiredSecret("token", "older", 1.0))
    async with reverse(tmp_path, {"token": TOKEN}, retired=retired) as stage:
        assert await status_of(stage.url, Authorization="Bearer old") == 101
        assert await status_of(stage.url, Authorization="Bearer older") == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 101),
        ({"Origin": "https://evil.example"}, 403),
        ({"X-Forwarded-For": "203.0.113.9"}, 403),
    ],
)
async def test_without_a_token_only_programs_of_this_machine_come_in(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with reverse(tmp_path) as stage:
        assert await status_of(stage.url, **headers) == status


@pytest.mark.parametrize(
    ("more", "options", "starts"),
    [
        ({"host": EVERYWHERE}, {}, False),
        ({"public_url": "https://bots.example"}, {}, False),
        ({"host": EVERYWHERE}, {"token": TOKEN}, True),
        ({"host": EVERYWHERE}, {"insecure": True}, True),
        ({"host": EVERYWHERE}, {"url": "ws://127.0.0.1:3001"}, True),
        ({"host": "localhost"}, {}, True),
    ],
)
def test_an_open_door_is_refused_at_the_start(
    tmp_path: Path,
    more: dict[str, Any],
    options: dict[str, object],
    starts: bool,  # noqa: FBT001
) -> None:
    lent = tools(tmp_path, **more)
    if starts:
        OneBotChannel.build("qq", options, lent)
        return
    with pytest.raises(OperatorMistake, match="token"):
        OneBotChannel.build("qq", options, lent)


# --- which bot ------------------------------------------------------------------------------


async def test_bots_share_a_path_by_their_numbers(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(tmp_path / "1", {"self_id": "1"}))
        two = await stack.enter_async_context(running(tmp_path / "2", {"self_id": "2"}))
        url = await stack.enter_async_context(serving(one.channel, two.channel))
        peer = await stack.enter_async_context(connected(url, {"X-Self-ID": "2"}))
        await two.statuses.until_state(ConnectionState.CONNECTED)
        assert one.channel.status.state is ConnectionState.WAITING
        await peer.say(said("hi", self_id=2))
        await two.door.until_accepted(1)
        assert await status_of(url, X_Self_ID="3") == 403


async def test_events_of_another_account_are_not_taken(tmp_path: Path) -> None:
    async with reverse(tmp_path, {"self_id": str(SELF)}) as stage, connected(stage.url) as peer:
        await peer.say(said("ours", 1), said("foreign", 2, self_id=5), said("late", 3))
        await peer.ended.wait()
        [event] = stage.door.events
        assert isinstance(event, MessageReceived)
        assert event.message_id == "1"


async def test_one_connection_for_events_and_one_for_actions(tmp_path: Path) -> None:
    async with reverse(tmp_path) as stage, connected(stage.url, role="Event") as events:
        await stage.statuses.until(lambda status: "only the event" in status.detail)
        async with connected(stage.url, role="API") as actions:
            await stage.statuses.until_state(ConnectionState.CONNECTED)
            await events.say(said("hi"))
            await stage.door.until_accepted(1)
            assert await stage.send() == Sent(("9001",))
            assert [call["action"] for call in actions.calls] == ["send_private_msg"]


async def test_a_second_connection_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        peer.answers["get_status"] = ok({"online": True})
        assert await status_of(stage.url) == 403
        assert await stage.send() == Sent(("9001",))


async def test_a_second_connection_takes_the_place_of_a_dead_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.channels.onebot.channel.IS_THERE_WITHIN_S", 0.05)
    async with meeting(tmp_path) as (stage, dead):
        dead.answers["get_status"] = None
        async with connected(stage.url) as newer:
            assert await stage.send() == Sent(("9001",))
            assert newer.called("send_private_msg")
            assert not dead.called("send_private_msg")


async def test_of_two_that_come_at_once_one_is_left(tmp_path: Path) -> None:
    async with (
        reverse(tmp_path) as stage,
        connected(stage.url, role="Event") as first,
        connected(stage.url, role="Event") as second,
    ):
        await first.ended.wait()
        assert first.socket.close_code == REPLACED
        await second.say(said("hi"))
        await stage.door.until_accepted(1)


# --- what comes in --------------------------------------------------------------------------


async def test_events_reach_the_door_in_order(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        await peer.say(*(said(str(n), n) for n in range(1, 201)))
        await stage.door.until_accepted(200)
        ids = [getattr(event, "message_id", "") for event in stage.door.events]
        assert ids == [str(n) for n in range(1, 201)]


async def test_a_door_that_refuses_is_asked_until_it_takes(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        stage.door.refusal = TryLater()
        await peer.say(said("hi"))
        await stage.door.until_tried(1)
        stage.door.refusal = None
        stage.clock.advance(TryLater.retry_after_s)
        await stage.door.until_accepted(1)


async def test_answers_come_through_while_the_door_refuses(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        stage.door.refusal = TryLater()
        await peer.say(*(said("hi", n) for n in range(1, 50)))
        await stage.door.until_tried(1)
        assert await stage.send() == Sent(("9001",))


async def test_what_came_in_before_the_stop_is_in_the_book(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        stage.door.refusal = TryLater()
        await peer.say(said("hi", 1), said("ho", 2))
        await stage.door.until_tried(1)
        stage.door.refusal = None
    assert len(stage.door.events) == 2


async def test_bytes_that_make_no_sense_are_kept_and_the_connection_stays(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        await peer.say("{", said("hi"))
        await stage.door.until_accepted(2)
        assert isinstance(stage.door.events[0], Undecodable)


# --- how it ends ----------------------------------------------------------------------------


async def test_the_status_says_what_to_click_and_alarms_in_time(tmp_path: Path) -> None:
    async with reverse(tmp_path) as stage:
        waiting = stage.channel.status
        assert waiting.state is ConnectionState.WAITING
        assert "NapCat" in waiting.detail
        assert not waiting.is_alarming
        async with connected(stage.url):
            await stage.statuses.until_state(ConnectionState.CONNECTED)
        await stage.statuses.until_state(ConnectionState.WAITING)
        stage.clock.advance(ALARM_AFTER_S)
        await stage.statuses.until(lambda status: status.is_alarming)
        async with connected(stage.url):
            fine = await stage.statuses.until_state(ConnectionState.CONNECTED)
            assert not fine.is_alarming


async def test_three_missed_heartbeats_are_the_end(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        await peer.say(heartbeat(5000), said("hi"))
        await stage.door.until_accepted(1)
        stage.clock.advance(14.0)
        assert stage.channel.status.state is ConnectionState.CONNECTED
        stage.clock.advance(2.0)
        await stage.statuses.until_state(ConnectionState.WAITING)
        stage.clock.advance(60.0)
        assert await stage.send() == NotSent("not_connected", retry_after_s=1.0)


async def test_qq_being_offline_is_an_alarm_though_the_connection_stands(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        await peer.say(heartbeat(5000, is_online=False))
        offline = await stage.statuses.until_state(ConnectionState.WAITING)
        assert offline.is_alarming
        assert "log in" in offline.detail
        await peer.say(heartbeat(5000))
        await stage.statuses.until_state(ConnectionState.CONNECTED)


async def test_requests_are_approved_after_they_are_in_the_book(tmp_path: Path) -> None:
    request = {"post_type": "request", "request_type": "friend", "self_id": SELF, "user_id": 5}
    async with meeting(tmp_path, {"approve_friends": True}) as (stage, peer):
        stage.door.refusal = TryLater()
        await peer.say(request | {"flag": "f1"})
        await stage.door.until_tried(1)
        assert not peer.called("set_friend_add_request")
        stage.door.refusal = None
        stage.clock.advance(TryLater.retry_after_s)
        call = await peer.until_called("set_friend_add_request")
        assert call["params"] == {"flag": "f1", "approve": True}


async def test_nothing_shows_the_token(tmp_path: Path) -> None:
    async with reverse(tmp_path, {"token": TOKEN}) as stage:
        shown = f"{stage.channel!r} {vars(stage.channel)!r} {stage.channel.status!r}"
        assert TOKEN not in shown


async def test_a_stopping_house_ends_the_connection(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (stage, peer):
        await stage.channel.close()
        await peer.ended.wait()
        assert peer.socket.close_code == 1001
