"""The webhook against the official SDK's requests, and against everybody else's."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from posthouse.channels.feishu.codec import Identity, decode
from posthouse.channels.feishu.webhook import Secret, Webhook
from posthouse.model.address import Entrance
from posthouse.model.errors import TryLater
from posthouse.testing.recording_door import RecordingDoor
from tests.house.scripts import call

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
CASES = {case["name"]: case for case in VECTORS["webhook"]["cases"]}
NOW = 1_750_000_000.0
ME = Identity(bot="duty", app_id="cli_0123456789abcdef", open_id="ou_me")


class House:
    """A webhook behind a web server, and the door it leads to."""

    def __init__(self, *secrets: Secret, body_bytes_max: int = 1024 * 1024) -> None:
        self.door = RecordingDoor()
        webhook = Webhook("/webhooks/duty", secrets, body_bytes_max, self.keep, lambda: NOW)
        self.app = Starlette(routes=[webhook.route()])

    async def keep(self, payload: bytes) -> None:
        event = decode(payload, ME, NOW)
        assert event is not None
        await self.door.accept((event,), Entrance.WEBHOOK)

    async def take(self, case: dict[str, Any]) -> tuple[int, object]:
        request = case["request"]
        answered = await call(
            self.app, "POST", "/webhooks/duty", request["body"].encode(), request["headers"]
        )
        return answered.status, answered.json if answered.body else None


def house_of(case: dict[str, Any]) -> House:
    config = case["config"]
    return House(Secret(config["encrypt_key"], config["verification_token"]))


def is_good(case: dict[str, Any]) -> bool:
    """Whether it is the platform's; of a type that it does not know the SDK makes an error."""
    is_taken: bool = case["python_sdk_response"]["status"] == 200
    return is_taken or str(case["name"]) == "event_unregistered_type"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if is_good(case)])
async def test_what_the_official_sdk_takes_is_taken(name: str) -> None:
    case = CASES[name]
    house = house_of(case)
    status, body = await house.take(case)
    assert status == 200
    if "challenge" in name:
        assert body == {"challenge": "ajls384kdjxxxx"}
        assert house.door.events == []
    else:
        assert len(house.door.events) == 1


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not is_good(case)])
async def test_what_it_refuses_is_refused_and_all_refusals_are_alike(name: str) -> None:
    house = house_of(CASES[name])
    assert await house.take(CASES[name]) == (403, None)
    assert house.door.events == []


async def test_a_plain_body_is_refused_where_a_key_is_set() -> None:
    house = House(Secret("kFgq7Xb9-ekey", "vtok_0123456789abcdef"))
    assert await house.take(CASES["event_plain"]) == (403, None)
    assert await house.take(CASES["challenge_plain"]) == (403, None)


async def test_a_replaced_key_counts_for_a_while() -> None:
    case = CASES["event_encrypted_signed"]
    old = Secret(case["config"]["encrypt_key"], "", until_at=NOW + 1.0)
    assert (await House(Secret("new key", ""), old).take(case))[0] == 200
    late = Secret(case["config"]["encrypt_key"], "", until_at=NOW)
    assert await House(Secret("new key", ""), late).take(case) == (403, None)


async def test_a_full_book_asks_for_a_repeat() -> None:
    case = CASES["event_plain"]
    house = house_of(case)
    house.door.refusal = TryLater()
    status, _ = await house.take(case)
    assert status == 503


async def test_a_body_without_end_is_cut_off() -> None:
    house = House(Secret("", "vtok_0123456789abcdef"), body_bytes_max=100)
    assert await house.take(CASES["event_plain"]) == (413, None)


async def test_without_any_secret_nobody_comes_in() -> None:
    assert await House().take(CASES["event_plain"]) == (403, None)


def test_no_repr_shows_a_secret() -> None:
    assert "kFgq" not in repr(Secret("kFgq7Xb9-ekey", "vtok"))
