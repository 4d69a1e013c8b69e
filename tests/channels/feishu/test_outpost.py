"""Feishu on a relay: what is kept, what is refused, and what an old worker is told."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette

from posthouse.channels.feishu.channel import FeishuChannel
from posthouse.channels.feishu.old_record import old_record
from posthouse.channels.feishu.outpost import FeishuOutpost
from posthouse.model.errors import OperatorMistake, StorageFull, TryLater
from posthouse.model.event import Event, MessageReceived
from tests.channels.onebot.stage import tools
from tests.house.scripts import Answered, call

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
CASES = {case["name"]: case for case in VECTORS["webhook"]["cases"]}


class Inlet:
    """Keeps what an outpost hands over."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, tuple[Event, ...]]] = []
        self.refusal: TryLater | None = None

    async def take(self, payload: bytes, events: Sequence[Event]) -> None:
        if self.refusal:
            raise self.refusal
        self.kept.append((payload, tuple(events)))


def outpost(inlet: Inlet, folder: Path, **options: object) -> FeishuOutpost:
    secrets = {"encrypt_key": "kFgq7Xb9-ekey"} if not options else {}
    return FeishuChannel.build_outpost("duty", {**secrets, **options}, tools(folder), inlet)


async def post(made: FeishuOutpost, case: Mapping[str, Any], path: str = "") -> Answered:
    request = case["request"]
    app = Starlette(routes=[*made.routes()])
    where = path or "/webhooks/duty"
    return await call(app, "POST", where, request["body"].encode(), request["headers"])


async def test_an_encrypted_event_is_kept_as_the_house_will_read_it(tmp_path: Path) -> None:
    inlet = Inlet()
    case = CASES["event_encrypted_signed"]
    options = {"encrypt_key": case["config"]["encrypt_key"], "webhook_path": "/event"}
    answered = await post(outpost(inlet, tmp_path, **options), case, "/event")
    assert answered.status == 200
    ((payload, (event,)),) = inlet.kept
    assert json.loads(payload)["header"]["event_type"] == "im.message.receive_v1"
    assert isinstance(event, MessageReceived)
    assert event.key == f"m:{event.place.platform_id}:{event.message_id}"


async def test_the_challenge_needs_no_house(tmp_path: Path) -> None:
    inlet = Inlet()
    case = CASES["challenge_plain"]
    token = case["config"]["verification_token"]
    answered = await post(outpost(inlet, tmp_path, verification_token=token), case)
    assert (answered.status, answered.json) == (200, {"challenge": "ajls384kdjxxxx"})
    assert inlet.kept == []


async def test_what_is_not_kept_is_not_acknowledged(tmp_path: Path) -> None:
    inlet = Inlet()
    inlet.refusal = StorageFull()
    case = CASES["event_plain"]
    token = case["config"]["verification_token"]
    answered = await post(outpost(inlet, tmp_path, verification_token=token), case)
    assert (answered.status, answered.headers["retry-after"]) == (503, "30")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"encrypt_key": "k", "app_secret": "s"}, "app_secret"),
        ({"app_id": "cli_0"}, "encrypt_key"),
        ({"encrypt_key": "k", "surprise": 1}, "surprise"),
        ({"encrypt_key": "k", "webhook_path": "event"}, "webhook_path"),
    ],
)
def test_what_has_no_business_on_a_relay_is_named(
    options: dict[str, object], named: str, tmp_path: Path
) -> None:
    with pytest.raises(OperatorMistake, match=named):
        outpost(Inlet(), tmp_path, **options)


def test_what_the_house_needs_does_no_harm(tmp_path: Path) -> None:
    made = outpost(Inlet(), tmp_path, encrypt_key="k", app_id="cli_0", domain="lark")
    assert [getattr(route, "path", "") for route in made.routes()] == ["/webhooks/duty"]


def message(**changes: str) -> bytes:
    said = {
        "message_id": "om_1",
        "chat_id": "oc_1",
        "chat_type": "group",
        "message_type": "text",
        "content": '{"text":"@_user_1 hello"}',
        "create_time": "1609073151345",
        **changes,
    }
    return msgspec.json.encode(
        {
            "schema": "2.0",
            "header": {"event_type": "im.message.receive_v1"},
            "event": {
                "sender": {"sender_id": {"user_id": "e33ggbyz", "open_id": "ou_1"}},
                "message": said,
            },
        }
    )


def test_an_old_worker_is_told_what_it_knows() -> None:
    assert old_record(message()) == {
        "source": "lark",
        "msg_id": "om_1",
        "user_id": "e33ggbyz",
        "content": "@_user_1 hello",
        "group_id": "oc_1",
        "msg_time": "1609073151345",
    }


@pytest.mark.parametrize(
    "payload",
    [
        message(chat_type="p2p"),
        message(message_type="image", content='{"image_key":"img_1"}'),
        message(content="no json"),
        b'{"header":{"event_type":"im.message.recalled_v1"},"event":{}}',
        b"no json",
        b"[" * 5000,
    ],
)
def test_it_is_told_nothing_that_it_never_got(payload: bytes) -> None:
    assert old_record(payload) is None


@pytest.mark.parametrize(("options", "status"), [({"encrypt_key": "k"}, 403), (None, 200)])
async def test_an_old_press_counts_only_where_there_is_a_token_to_sign_it_with(
    tmp_path: Path, options: dict[str, object] | None, status: int
) -> None:
    """Without one, anybody could sign it."""
    inlet = Inlet()
    token = "" if options else "token"
    body = '{"open_id":"ou_1","open_message_id":"om_1","open_chat_id":"oc_1",'
    body += '"token":"c-1","action":{"tag":"button"}}'
    headers = {
        "X-Lark-Request-Timestamp": "1",
        "X-Lark-Request-Nonce": "n",
        "X-Lark-Signature": hashlib.sha1(
            f"1n{token}{body}".encode(), usedforsecurity=False
        ).hexdigest(),
    }
    made = outpost(inlet, tmp_path, **(options or {"verification_token": token}))
    answered = await post(made, {"request": {"body": body, "headers": headers}})
    assert answered.status == status
