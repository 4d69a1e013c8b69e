"""The entrances in bad weather: lost acknowledgements, broken lines, fragments, outages."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from posthouse.channels.channel import ConnectionState
from posthouse.model.address import ChatKind
from posthouse.model.errors import TryLater
from posthouse.model.event import (
    ButtonPressed,
    MessageRecalled,
    MessageReceived,
    Undecodable,
    recall_key,
)
from posthouse.model.message import Choice, Content, plain_text
from posthouse.model.secret import RetiredSecret
from posthouse.simulators.feishu.faults import Fault, Verb
from posthouse.simulators.feishu.frames import DATA, Frame, encode
from posthouse.simulators.feishu.happenings import Press, Recall, Say
from posthouse.simulators.feishu.settings import ClientConfig, TenantSettings
from posthouse.store.reader import HeardChat
from tests.channels.feishu.stage import APP, Stage, by_webhook, opened

LONG = "长" * 4000
DAY_S = 86_400.0
ASK = Content("Sure?", choices=(Choice("Yes", "q:yes"),))


# --- the long connection ---------------------------------------------------------------------


async def test_what_is_not_stored_is_not_acknowledged_and_comes_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        stage.door.refusal = TryLater()
        told = stage.feishu.say(Say(person="ada", text="hi", mentions=("a",)))
        await stage.door.until_tried(1)
        stage.door.refusal = None
        await stage.clock.until_begun(15.0)
        stage.clock.advance(15.0)
        heard = await stage.until_heard(told.message_id or "")
        assert plain_text(heard.parts) == "hi"
        (entry,) = stage.feishu.record().events
        assert entry.pushes == 2


async def test_a_lost_acknowledgement_brings_a_repeat_under_the_same_key(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        stage.feishu.faults.add("a", Verb.PUSH, (Fault.ACK_LOST,))
        told = stage.feishu.say(Say(person="ada", text="hi", mentions=("a",)))
        await stage.until_heard(told.message_id or "")
        stage.clock.advance(3.0)
        await stage.clock.until_begun(15.0)
        stage.clock.advance(15.0)
        await stage.door.until_tried(2)
        assert len(stage.door.events) == 1


@pytest.mark.parametrize("order", ["in_order", "reversed", "doubled"])
async def test_fragments_are_put_together(tmp_path: Path, order: Any) -> None:  # noqa: ANN401 - a parameter
    async with opened(tmp_path) as stage:
        switches = stage.feishu.switches["a"]
        switches.fragment_bytes, switches.fragment_order = 500, order
        heard = await stage.hear(LONG)
        assert plain_text(heard.parts) == LONG


async def test_a_frame_of_two_megabytes_is_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        heard = await stage.hear("x" * 2_000_000)
        assert len(plain_text(heard.parts)) == 2_000_000


@pytest.mark.parametrize("ending", ["kicked", "cut"])
async def test_a_broken_line_is_opened_again_and_nothing_is_lost(
    tmp_path: Path, ending: str
) -> None:
    async with opened(tmp_path) as stage:
        if ending == "kicked":
            await stage.feishu.kick()
        else:
            stage.feishu.cut()
        await stage.statuses.until_state(ConnectionState.WAITING)
        told = stage.feishu.say(Say(person="ada", text="meanwhile", mentions=("a",)))
        stage.clock.advance(2.0)
        await stage.statuses.until_state(ConnectionState.CONNECTED)
        stage.clock.advance(20.0)
        heard = await stage.until_heard(told.message_id or "")
        assert plain_text(heard.parts) == "meanwhile"


@pytest.mark.parametrize("pong", ["empty", "partial", "full"])
async def test_every_pong_keeps_the_line_alive(tmp_path: Path, pong: Any) -> None:  # noqa: ANN401 - a parameter
    async with opened(tmp_path) as stage:
        stage.feishu.switches["a"].pong = pong
        await stage.clock.until_begun(90.0)
        for number in range(8):
            stage.clock.advance(90.0)
            await stage.clock.until_begun(90.0, number + 2)
        assert stage.channel.status.state is ConnectionState.CONNECTED
        assert plain_text((await stage.hear("still here")).parts) == "still here"


async def test_a_frozen_line_is_given_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        stage.feishu.switches["a"].is_frozen = True
        stage.clock.advance(400.0)
        await stage.statuses.until_state(ConnectionState.WAITING)


async def test_a_line_that_only_pongs_is_opened_anew(tmp_path: Path) -> None:
    async with opened(tmp_path, options={"silence_s": 120.0}) as stage:
        stage.feishu.switches["a"].is_deaf = True
        stage.clock.advance(121.0)
        await stage.statuses.until_state(ConnectionState.WAITING)
        stage.feishu.switches["a"].is_deaf = False
        stage.clock.advance(2.0)
        await stage.statuses.until_state(ConnectionState.CONNECTED)
        assert plain_text((await stage.hear("there?")).parts) == "there?"


async def test_the_server_sets_the_pings(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        stage.feishu.switches["a"].config = ClientConfig(ping_interval=10)
        while not stage.clock.begun[10.0]:  # from the ping after the pong that says so
            stage.clock.advance(90.0)
            await stage.clock.until_next()


async def test_connections_of_other_programs_are_an_alarm_not_an_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        stage.feishu.faults.add("a", Verb.DISCOVERY, (Fault.LIMIT,) * 5)
        await stage.feishu.kick()
        await stage.statuses.until_state(ConnectionState.WAITING)
        while not (status := await stage.try_again()).is_alarming:
            assert status.state is ConnectionState.WAITING
        assert "connections" in status.detail
        while status.state is not ConnectionState.CONNECTED:
            status = await stage.try_again()


@pytest.mark.parametrize("fault", [Fault.INVALID, Fault.FORBIDDEN, Fault.AUTH_FAILED, Fault.NULL])
async def test_refused_credentials_are_told_and_tried_again(tmp_path: Path, fault: Fault) -> None:
    async with opened(tmp_path) as stage:
        stage.feishu.faults.add("a", Verb.DISCOVERY, (fault,))
        await stage.feishu.kick()
        await stage.statuses.until_state(ConnectionState.WAITING)
        stage.clock.advance(2.0)
        refused = await stage.statuses.until_state(ConnectionState.REFUSED)
        assert refused.is_alarming
        assert APP.app_secret not in refused.detail
        stage.clock.advance(301.0)
        await stage.statuses.until_state(ConnectionState.CONNECTED)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.INTERNAL, Fault.UNAVAILABLE])
async def test_a_busy_platform_is_asked_again(tmp_path: Path, fault: Fault) -> None:
    async with opened(tmp_path) as stage:
        stage.feishu.faults.add("a", Verb.DISCOVERY, (fault,))
        await stage.feishu.kick()
        await stage.statuses.until_state(ConnectionState.WAITING)
        assert (await stage.try_again()).state is ConnectionState.WAITING
        assert (await stage.try_again()).state is ConnectionState.CONNECTED


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.LIMIT, "too many connections"),
        (Fault.FORBIDDEN, "banned"),
        (Fault.AUTH_FAILED, "514"),
        (Fault.BARE, "refused"),
    ],
)
async def test_a_refused_handshake_ends_nothing_and_tells_why_without_its_address(
    tmp_path: Path, fault: Fault, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(tmp_path) as stage, _reading_along(stage, caplog):
        stage.feishu.faults.add("a", Verb.HANDSHAKE, (fault,))
        await stage.feishu.kick()
        await stage.statuses.until_state(ConnectionState.WAITING)
        refused = await stage.try_again()
        assert refused.state is not ConnectionState.CONNECTED
        assert told in refused.detail
        stage.clock.advance(300.0)  # a ban is asked about rarely
        await stage.statuses.until_state(ConnectionState.CONNECTED)


@asynccontextmanager
async def _reading_along(stage: Stage, caplog: pytest.LogCaptureFixture) -> AsyncGenerator[None]:
    """See that neither a log nor a status has the address, which is as good as a password."""
    with capture_logs() as said:
        yield
    shown = f"{said} {caplog.text} {stage.statuses.seen}"
    assert APP.app_secret not in shown
    for word in ("access_key", "ticket=", "device_id"):
        assert word not in shown


async def test_a_press_in_a_frame_of_its_own_kind_may_come_without_an_envelope(
    tmp_path: Path,
) -> None:
    """As apps with an address for cards of their own know it; nobody has seen which one comes."""
    press = {
        "open_id": "ou_ada",
        "open_message_id": "om_1",
        "open_chat_id": "oc_1",
        "token": "c-1",
        "action": {"tag": "button", "value": {"t": "q:yes"}},
    }
    headers = {"type": "card", "message_id": "1", "sum": "1", "seq": "0", "trace_id": "1"}
    async with opened(tmp_path) as stage:
        (line,) = stage.feishu._lines("a")
        frame = Frame(method=DATA, headers=(*headers.items(),), payload=json.dumps(press).encode())
        await line._write(encode(frame))
        pressed = await stage.until(ButtonPressed)
        assert (pressed.token, pressed.message_id, pressed.sender.id) == ("q:yes", "om_1", "ou_ada")


async def test_a_frame_for_presses_that_nobody_understands_is_answered_as_one(
    tmp_path: Path,
) -> None:
    headers = {"type": "card", "message_id": "1", "sum": "1", "seq": "0", "trace_id": "1"}
    async with opened(tmp_path) as stage:
        (line,) = stage.feishu._lines("a")
        frame = Frame(method=DATA, headers=(*headers.items(),), payload=b'{"x": 1}')
        await line._write(encode(frame))
        await stage.until(Undecodable)
        await stage.hear("behind it")
        answers = [each.shown for each in stage.feishu.tenant.notes.complaints.entries]
        assert any(b'"data":"e30="'.hex() in shown for shown in answers), "which nobody waits for"


async def test_two_bots_do_not_meet(tmp_path: Path) -> None:
    async with opened(tmp_path / "1") as one, opened(tmp_path / "2") as two:
        heard = await one.hear("for one")
        assert plain_text(heard.parts) == "for one"
        assert two.door.events == []


# --- after an outage -------------------------------------------------------------------------


class Book:
    """What the house remembers of its chats."""

    def __init__(self) -> None:
        self.chats: tuple[HeardChat, ...] = ()

    async def heard_lately(self, bot: str, since_at: float, limit: int = 50) -> Sequence[HeardChat]:
        del bot, since_at, limit
        return self.chats


async def test_what_was_missed_is_read_from_the_history(tmp_path: Path) -> None:
    """The platform has given up repeating; the history has it all."""
    book = Book()
    settings = TenantSettings(redelivery_s=(), is_paced=False)
    async with opened(tmp_path, settings=settings, reader=book) as stage:
        known = await stage.hear("before")
        book.chats = (HeardChat(known.place.platform_id, ChatKind.GROUP, known.at),)
        await stage.feishu.kick()
        await stage.statuses.until_state(ConnectionState.WAITING)
        missed = [f"missed {number}" for number in range(60)]
        for text in missed:
            stage.feishu.say(Say(person="ada", text=text, mentions=("a",)))
        await stage.answer("own words", known)
        stage.clock.advance(2.0)
        await stage.door.until_accepted(61)
        heard = [plain_text(e.parts) for e in stage.door.events if isinstance(e, MessageReceived)]
        assert heard == ["before", *missed]


@pytest.mark.parametrize(
    ("heard_ago_s", "said_ago_s", "is_found"),
    [
        (0.0, 200.0, True),
        (0.0, 400.0, False),
        (2 * DAY_S, DAY_S - 60, True),
        (2 * DAY_S, DAY_S + 60, False),
    ],
)
async def test_the_history_is_read_from_shortly_before_and_for_a_day_at_most(
    tmp_path: Path,
    heard_ago_s: float,
    said_ago_s: float,
    is_found: bool,  # noqa: FBT001 - a parameter
) -> None:
    book = Book()
    async with opened(tmp_path, settings=TenantSettings(redelivery_s=()), reader=book) as stage:
        known = await stage.hear("before")
        heard_at = stage.clock() - heard_ago_s
        book.chats = (HeardChat(known.place.platform_id, ChatKind.GROUP, heard_at),)
        await stage.feishu.kick()
        await stage.statuses.until_state(ConnectionState.WAITING)
        early = Say(person="ada", text="early", mentions=("a",), ago_s=said_ago_s)
        told = stage.feishu.say(early)
        now = stage.feishu.say(Say(person="ada", text="now", mentions=("a",)))
        stage.clock.advance(2.0)
        await stage.until_heard(now.message_id or "")
        heard = [e.message_id for e in stage.door.events if isinstance(e, MessageReceived)]
        assert (told.message_id in heard) is is_found


async def test_what_was_taken_back_meanwhile_is_withdrawn(tmp_path: Path) -> None:
    book = Book()
    settings = TenantSettings(redelivery_s=())
    async with opened(tmp_path, settings=settings, reader=book) as stage:
        known = await stage.hear("oh")
        book.chats = (HeardChat(known.place.platform_id, ChatKind.GROUP, known.at),)
        await stage.feishu.kick()
        await stage.statuses.until_state(ConnectionState.WAITING)
        stage.feishu.recall(Recall(message_id=known.message_id))
        stage.clock.advance(2.0)
        gone = await stage.until(MessageRecalled)
        assert gone.message_id == known.message_id
        assert gone.key == recall_key(known.place.platform_id, known.message_id)


async def test_a_history_that_may_not_be_read_holds_nothing_up(tmp_path: Path) -> None:
    book = Book()
    book.chats = (HeardChat("oc_unknown", ChatKind.GROUP, 0.0),)
    async with opened(tmp_path, reader=book) as stage:
        assert plain_text((await stage.hear("hello")).parts) == "hello"


# --- webhooks --------------------------------------------------------------------------------


@pytest.mark.parametrize("card_style", ["v2", "v1"])
@pytest.mark.parametrize("encrypt_key", ["", "k3y-of-the-console"])
async def test_a_whole_session_by_webhook(
    tmp_path: Path,
    encrypt_key: str,
    card_style: Any,  # noqa: ANN401 - a parameter
) -> None:
    async with by_webhook(tmp_path, encrypt_key=encrypt_key) as stage:
        stage.feishu.switches["a"].card_style = card_style
        url = stage.feishu.switches["a"].webhook
        assert await stage.feishu.challenge("a", url) == ""
        said = await stage.hear("how much?")
        assert said.is_addressed
        sent = await stage.answer(ASK, said)
        seen = await stage.feishu.press(Press(message_id=sent.ids[0], person="ada", label="Yes"))
        assert (seen.code, seen.problem, seen.answer) == (0, "", {})
        pressed = await stage.until(ButtonPressed)
        assert pressed.token == "q:yes"
        stage.door.answers = [stage.channel.encode_toast("Noted.")]
        seen = await stage.feishu.press(Press(message_id=sent.ids[0], person="ben", label="Yes"))
        assert (seen.toast, seen.problem) == ("Noted.", "")
        assert all(0 < wait_s < 3 for wait_s in stage.door.waits_s), "no longer than Feishu waits"
        assert stage.feishu.connections() == 0
        assert stage.feishu.complaints == []


@pytest.mark.parametrize(
    ("field", "value"), [("signature", "wrong"), ("signature", "none"), ("token", "wrong")]
)
async def test_what_is_not_the_platforms_is_refused(tmp_path: Path, field: str, value: str) -> None:
    once = TenantSettings(redelivery_s=())
    async with by_webhook(tmp_path, encrypt_key="k3y", settings=once) as stage:
        setattr(stage.feishu.switches["a"], field, value)
        told = stage.feishu.say(Say(person="mallory", text="hi", mentions=("a",)))
        assert not await told.taken()
        assert stage.door.attempts == []


@pytest.mark.parametrize("card_style", ["v2", "v1"])
async def test_a_press_that_is_not_the_platforms_is_refused(
    tmp_path: Path,
    card_style: Any,  # noqa: ANN401 - a parameter
) -> None:
    async with by_webhook(tmp_path, encrypt_key="k3y") as stage:
        sent = await stage.answer(ASK, await stage.hear())
        switches = stage.feishu.switches["a"]
        switches.card_style, switches.signature = card_style, "wrong"
        seen = await stage.feishu.press(Press(message_id=sent.ids[0], person="ada", label="Yes"))
        assert seen.code == 200671
        assert not [event for event in stage.door.events if isinstance(event, ButtonPressed)]


async def test_a_replaced_key_counts_for_a_while(tmp_path: Path) -> None:
    """The platform still encrypts with the old key, while the config has the new one."""
    retired = (RetiredSecret("encrypt_key", "old-key", until_at=4e9),)
    keys = {"encrypt_key": "old-key", "house_key": "new-key"}
    async with by_webhook(tmp_path, **keys, retired=retired) as stage:
        assert plain_text((await stage.hear("hello")).parts) == "hello"
