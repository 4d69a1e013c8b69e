"""The promises that every channel keeps, before a pretended Feishu as the judge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from posthouse.channels.feishu.codec import Identity, decode
from posthouse.model.delivery import Sent
from posthouse.model.event import Event
from posthouse.testing.conformance import channel as promises
from posthouse.testing.conformance.channel import Subject
from posthouse.testing.conformance.checks import Check, checks_of
from tests.channels.feishu.stage import APP, chat_of, opened

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
ME = Identity(bot="fs", app_id=APP.app_id, open_id="ou_me")


def _decode(payload: bytes) -> Sequence[Event]:
    event = decode(payload, ME, 1000.0)
    return () if event is None else (event,)


def _payloads() -> tuple[bytes, ...]:
    found = VECTORS["events"]
    kinds = ("im.message.receive_v1", "card.action.trigger", "im.message.recalled_v1")
    bodies = (body for kind in kinds for body in found[kind].values())
    return tuple(json.dumps(body, ensure_ascii=False).encode() for body in bodies)


@pytest.mark.parametrize("check", checks_of(promises), ids=lambda check: check.__name__)
async def test_promise(check: Check[Subject], tmp_path: Path) -> None:
    async with opened(tmp_path) as stage:
        said = await stage.hear()
        stage.feishu.settings.is_paced = False

        async def buttons(ids: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(button.label for button in stage.shown(Sent(ids)).buttons)

        subject = Subject(
            channel=stage.channel,
            chat=chat_of(said),
            new_key=stage.new_key,
            decode=_decode,
            payloads=_payloads(),
            secrets=(APP.app_secret,),
            buttons=buttons,
        )
        await check(subject)
