"""What the platform's numbers mean, endpoint by endpoint, and what the end of a call means."""

import json

import aiohttp
import pytest

from posthouse.channels.feishu.outcomes import (
    Endpoint,
    outcome_of,
    outcome_of_error,
    read_reply,
)
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown


def said(
    code: int | None, endpoint: Endpoint = Endpoint.SEND, status: int = 400, reset: str = ""
) -> Outcome:
    body = b"<html>" if code is None else json.dumps({"code": code, "data": {}}).encode()
    return outcome_of(read_reply(status, body, reset or None), endpoint)


def test_success_is_the_code_and_not_the_status() -> None:
    body = b'{"code":0,"data":{"message_id":"om_1"}}'
    assert outcome_of(read_reply(200, body, None), Endpoint.SEND) == Sent(("om_1",))
    assert said(0, Endpoint.RECALL, 200) == Sent()
    assert said(230002, status=200) == NotSent("refused_by_platform 230002", is_final=True)


@pytest.mark.parametrize("code", [99991400, 230020, 11232, 11233])
def test_slower_please_is_no_failure(code: int) -> None:
    outcome = said(code)
    assert isinstance(outcome, NotSent)
    assert outcome.is_limit


def test_the_platform_says_how_long_to_wait() -> None:
    assert said(99991400, status=429, reset="7") == NotSent("rate_limited", 7.0)
    assert said(99991400, status=429, reset="soon") == NotSent("rate_limited", 1.0)
    assert said(99991400, status=400, reset="7") == NotSent("rate_limited", 7.0)
    assert said(None, status=429) == NotSent("rate_limited", 1.0)


@pytest.mark.parametrize("code", [99991672, 230006])
def test_what_an_operator_can_mend_waits(code: int) -> None:
    assert said(code) == NotSent(f"refused_by_platform {code}", 60.0)


def test_a_second_token_that_is_refused_is_the_platforms_trouble() -> None:
    assert said(99991663) == NotSent("refused_by_platform 99991663", 5.0)


def test_the_same_number_differs_by_endpoint() -> None:
    assert said(230072, Endpoint.EDIT) == NotSent("cannot_edit 230072", is_final=True)
    assert said(230072, Endpoint.REPLY) == NotSent("refused_by_platform 230072", is_final=True)
    assert said(230011, Endpoint.RECALL) == Sent()  # it was taken back before
    assert said(230011, Endpoint.EDIT) == NotSent("not_found_on_platform", is_final=True)
    assert said(230009, Endpoint.RECALL) == NotSent("recall_too_late", is_final=True)
    assert said(300309, Endpoint.CARDKIT) == NotSent("draft_closed", is_final=True)
    busy = NotSent("refused_by_platform 200810", retry_after_s=1.0)
    assert said(200810, Endpoint.CARDKIT) == busy


def test_what_is_still_being_sent_is_unclear() -> None:
    assert said(230049) == Unknown("platform_error")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (502, Unknown("platform_error")),
        (200, Unknown("cut")),
        (302, Unknown("cut")),
        (407, NotSent("refused_by_platform 407", 60.0)),
    ],
)
def test_somebody_else_answered(status: int, outcome: Outcome) -> None:
    assert said(None, status=status) == outcome


def test_a_breakdown_with_a_number_is_unclear() -> None:
    assert said(5000, status=500) == Unknown("platform_error")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (aiohttp.ConnectionTimeoutError(), NotSent("cannot_reach")),
        (aiohttp.ServerDisconnectedError(), Unknown("cut")),
        (aiohttp.SocketTimeoutError(), Unknown("timed_out")),
        (TimeoutError(), Unknown("timed_out")),
        (ConnectionResetError(), Unknown("cut")),
        (aiohttp.ClientPayloadError(), Unknown("cut")),
    ],
)
def test_calls_without_an_answer(error: BaseException, outcome: Outcome) -> None:
    assert outcome_of_error(error) == outcome
