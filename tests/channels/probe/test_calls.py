"""What a call of the probe comes to, class by class and fault by fault."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from posthouse.channels.channel import Letter, Verb
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown
from posthouse.model.message import Choice, Content
from posthouse.simulators.probe.faults import Fault
from posthouse.simulators.probe.faults import Verb as Called
from posthouse.testing.probe.client import Answer, outcome_of_answer, outcome_of_error
from tests.channels.probe.stage import CHAT, CLASSES, HTTP_CLASSES, open_stage
from tests.unit.simulators.scene import script

NOT_ANSWERED_S = 0.05  # how long the house waits where the platform says nothing
DELAY_S = 3.0  # how long the platform would take


@pytest.mark.parametrize("name", CLASSES)
async def test_a_message_is_shown(name: str) -> None:
    async with open_stage(name) as stage:
        outcome = await stage.send("hello")
        assert isinstance(outcome, Sent)
        (message,) = stage.scene.platform.ledger().messages
        assert (message.text, message.key, message.message_id) == ("hello", "k1", outcome.ids[0])


@pytest.mark.parametrize(
    ("name", "shown"), [("keyed", 1), ("lookup", 2), ("overwrite", 1), ("none", 2), ("slot", 2)]
)
async def test_a_repeat_shows_what_its_class_says(name: str, shown: int) -> None:
    async with open_stage(name) as stage:
        await stage.send()
        await stage.send()
        assert len(stage.texts()) == shown


async def test_a_message_carries_everything() -> None:
    async with open_stage("keyed") as stage:
        content = Content("Sure?", choices=(Choice("Yes", "q:0"),))
        letter = Letter(chat=CHAT, quote_message_id="m-1", thread="t-1")
        await stage.perform(Verb.SEND, stage.channel.encode(content, letter))
        (message,) = stage.scene.platform.ledger().messages
    assert (message.quote, message.thread) == ("m-1", "t-1")
    assert [(choice.label, choice.token) for choice in message.choices] == [("Yes", "q:0")]


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "none"])
async def test_a_message_is_edited_and_recalled(name: str) -> None:
    async with open_stage(name) as stage:
        sent = await stage.send("first")
        assert isinstance(sent, Sent)
        assert await stage.amend(Verb.EDIT, *sent.ids, text="second") == sent
        assert stage.texts() == ["second"]
        assert await stage.amend(Verb.RECALL, *sent.ids) == sent
        assert await stage.amend(Verb.RECALL, *sent.ids) == sent
        assert stage.texts() == []


@pytest.mark.parametrize("name", CLASSES)
async def test_typing_is_shown(name: str) -> None:
    async with open_stage(name) as stage:
        assert await stage.amend(Verb.TYPING) == Sent()


async def test_a_search_finds_what_was_sent() -> None:
    async with open_stage("lookup") as stage:
        sent = await stage.send(key="mine")
        assert await stage.look_up("mine") == sent
        assert await stage.look_up("other") == NotSent("not_found_on_platform")


# --- faults -------------------------------------------------------------------------------

FAULTS: list[tuple[Fault, Outcome, int]] = [
    (Fault.RESET_BEFORE, Unknown("cut"), 0),
    (Fault.RESET_AFTER, Unknown("cut"), 1),
    (Fault.HALF_RESPONSE, Unknown("cut"), 1),
    (Fault.TOO_MANY, NotSent("rate_limited", retry_after_s=0.5), 0),
    (Fault.REFUSED, NotSent("refused_by_platform refused", is_final=True), 0),
    (Fault.ERROR_BEFORE, Unknown("platform_error"), 0),
    (Fault.ERROR_AFTER, Unknown("platform_error"), 1),
    (Fault.DELAY, Unknown("timed_out"), 1),
]


@pytest.mark.parametrize(("fault", "outcome", "shown"), FAULTS, ids=[str(f[0]) for f in FAULTS])
@pytest.mark.parametrize("name", CLASSES)
async def test_a_fault_is_judged_by_what_is_certain(
    name: str, fault: Fault, outcome: Outcome, shown: int
) -> None:
    """``NotSent`` only where nothing is shown; what the house cannot tell is ``Unknown``."""
    faults = script(name, Called.SEND, fault)
    within_s = NOT_ANSWERED_S if fault is Fault.DELAY else 15.0
    async with open_stage(name, faults, answer_within_s=within_s) as stage:
        assert await stage.send() == outcome
        assert len(stage.texts()) == shown
        stage.scene.clock.advance(DELAY_S)  # the platform may stop thinking about its answer


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.REFUSED, Fault.ERROR_BEFORE])
async def test_a_search_that_fails_proves_nothing(fault: Fault) -> None:
    async with open_stage("lookup", script("lookup", Called.LOOK_UP, fault)) as stage:
        await stage.send()
        assert isinstance(await stage.look_up("k1"), Unknown)


async def test_nobody_listens() -> None:
    async with open_stage("keyed", base_url="http://127.0.0.1:9") as stage:
        assert await stage.send() == NotSent("cannot_reach")


async def test_a_host_that_has_no_address() -> None:
    async with open_stage("keyed", base_url="http://nowhere.invalid") as stage:
        assert await stage.send() == NotSent("cannot_reach")


async def test_wrong_credentials_wait_for_the_operator() -> None:
    async with open_stage("keyed", token="wrong") as stage:
        outcome = await stage.send()
    assert isinstance(outcome, NotSent)
    assert (outcome.reason, outcome.is_final) == ("refused_by_platform bad_token", False)
    assert outcome.retry_after_s == 60.0


async def test_what_is_too_long_is_refused_for_good() -> None:
    async with open_stage("keyed") as stage:
        assert await stage.send("x" * 5000) == NotSent("too_long", is_final=True)


async def test_a_message_that_is_gone() -> None:
    async with open_stage("keyed") as stage:
        gone = NotSent("not_found_on_platform", is_final=True)
        assert await stage.amend(Verb.RECALL, "no-such-id") == gone
        assert await stage.amend(Verb.EDIT, "no-such-id", text="x") == gone


@pytest.mark.parametrize("name", HTTP_CLASSES)
async def test_what_has_no_name_cannot_be_amended(name: str) -> None:
    async with open_stage(name) as stage:
        assert await stage.amend(Verb.RECALL) == NotSent("no_platform_id", is_final=True)


async def test_a_house_without_its_connection_has_not_sent() -> None:
    async with open_stage("connection") as stage:
        await stage.stop()
        outcome = await stage.send()
    assert outcome == NotSent("not_connected", retry_after_s=1.0)


async def test_calls_side_by_side_get_their_own_answers() -> None:
    async with open_stage("connection") as stage:
        sending = [stage.send(key=f"k{number}") for number in range(50)]
        outcomes = await asyncio.gather(*sending)
        by_key = {m.key: m.message_id for m in stage.scene.platform.ledger().messages}
    for number, outcome in enumerate(outcomes):
        assert outcome == Sent((by_key[f"k{number}"],))


# --- the tables ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (aiohttp.ConnectionTimeoutError(), NotSent("cannot_reach")),
        (aiohttp.InvalidURL("http://"), NotSent("cannot_reach")),
        (aiohttp.SocketTimeoutError(), Unknown("timed_out")),
        (TimeoutError(), Unknown("timed_out")),
        (aiohttp.ServerDisconnectedError(), Unknown("cut")),
        (aiohttp.ClientOSError(), Unknown("cut")),
        (aiohttp.ClientPayloadError(), Unknown("cut")),
        (ConnectionResetError(), Unknown("cut")),
        (RuntimeError("Session is closed"), Unknown("cut")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_certain_only_before_the_first_byte(
    error: BaseException, outcome: Outcome
) -> None:
    assert outcome_of_error(error, Verb.SEND) == outcome


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"message_id": "b-1"}', Sent(("b-1",))),
        (204, b"", Sent()),
        (200, b'{"message_i', Unknown("cut")),
        (200, b"[" * 5000, Unknown("cut")),
        (302, b"", Unknown("platform_error")),
        (400, b"<html>", NotSent("refused_by_platform 400", is_final=True)),
        (409, b'{"code": "taken"}', NotSent("refused_by_platform taken", is_final=True)),
        (409, b'{"code": "recall_too_late"}', NotSent("recall_too_late", is_final=True)),
        (503, b"", Unknown("platform_error")),
        (
            507,
            b'{"code": "ledger_full"}',
            NotSent("refused_by_platform ledger_full", is_final=True),
        ),
    ],
)
def test_an_answer_means_what_the_page_says(status: int, body: bytes, outcome: Outcome) -> None:
    assert outcome_of_answer(Answer(status, body), Verb.SEND) == outcome
