"""The promises that every channel keeps, in front of an implementation that takes everything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from posthouse.channels.onebot.codec import Context, decode
from posthouse.model.event import Event
from posthouse.testing.conformance import channel as promises
from posthouse.testing.conformance.channel import Subject
from posthouse.testing.conformance.checks import Check, checks_of
from tests.channels.onebot.stage import GROUP, meeting, said

TOKEN = "t0p-secret"


def _decode(payload: bytes) -> Sequence[Event]:
    return decode(payload, Context("qq", 1000.0))


@pytest.mark.parametrize("check", checks_of(promises), ids=lambda check: check.__name__)
async def test_promise(check: Check[Subject], tmp_path: Path) -> None:
    numbers = count(1)
    async with meeting(tmp_path) as (stage, _):
        stage.clock.advance(60.0)  # a call without a connection does not wait for one
        subject = Subject(
            channel=stage.channel,
            chat=GROUP,
            new_key=lambda: f"{next(numbers):032x}",
            decode=_decode,
            payloads=(json.dumps(said("hello 你好", 5, time=7)).encode(),),
        )
        await check(subject)
