"""The simulator's own codec, held to bytes that the official SDKs wrote and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from posthouse.simulators.feishu import frames, sealing
from posthouse.simulators.feishu.frames import Frame, Malformed

VECTORS = json.loads(
    (Path(__file__).parents[2] / "channels" / "feishu" / "vectors.json").read_text("utf-8")
)


def payload_of(fields: dict[str, Any]) -> bytes | None:
    if "payload_hex" in fields:
        return bytes.fromhex(fields["payload_hex"])
    found = fields.get("payload_utf8")
    return None if found is None else str(found).encode()


@pytest.mark.parametrize("case", VECTORS["frames"]["cases"], ids=lambda case: str(case["name"]))
def test_frames_are_written_and_read_byte_by_byte(case: dict[str, Any]) -> None:
    fields = case["fields"]
    frame = Frame(
        seq_id=fields["SeqID"],
        log_id=fields["LogID"],
        service=fields["service"],
        method=fields["method"],
        headers=tuple((key, value) for key, value in fields["headers"]),
        payload_encoding=fields.get("payload_encoding"),
        payload_type=fields.get("payload_type"),
        payload=payload_of(fields),
        log_id_new=fields.get("LogIDNew"),
    )
    assert frames.encode(frame).hex() == case["hex"]
    assert frames.decode(bytes.fromhex(case["hex"])) == frame


@pytest.mark.parametrize("recorded", VECTORS["recorded_client_frames"]["frames"])
def test_what_official_clients_sent_is_read(recorded: dict[str, Any]) -> None:
    frame = frames.decode(bytes.fromhex(recorded["hex"]))
    assert [list(each) for each in frame.headers] == recorded["headers"]
    assert (frame.payload or b"").decode() == recorded["payload"]


def test_negative_numbers_survive() -> None:
    frame = Frame(service=-2, method=1)
    assert frames.decode(frames.encode(frame)) == frame


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("0800", "missing required LogID, service, method"),
        ("08", "cut off inside a number"),
        ("080010001801200242ff01", "cut off"),
        ("0800100018012002" + "2a03" + "0a0161", "a header needs a key and a value"),
        ("08ffffffffffffffffffff01", "a number is too long"),
        ("0b", "no wire type 3"),
        ("0800100018012002" + "3201ff", "utf-8"),
    ],
)
def test_what_is_no_frame_is_refused(raw: str, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        frames.decode(bytes.fromhex(raw))


SEALED = [case for case in VECTORS["aes_256_cbc"]["cases"] if "iv_hex" in case]


@pytest.mark.parametrize("case", SEALED, ids=lambda case: str(case["name"]))
def test_bodies_are_sealed_as_feishu_seals_them(case: dict[str, Any]) -> None:
    iv = bytes.fromhex(case["iv_hex"])
    sealed = sealing.seal(case["encrypt_key"], case["plaintext"].encode(), iv)
    assert json.loads(sealed) == {"encrypt": case["encrypt"]}
    assert b" " not in sealed  # one SDK signs what it writes itself, compact


@pytest.mark.parametrize(
    "case", VECTORS["signature_sha256"]["cases"], ids=lambda case: str(case["name"])
)
def test_bodies_are_signed(case: dict[str, Any]) -> None:
    told = {name.removeprefix("X-Lark-"): value for name, value in case["headers"].items()}
    signed = sealing.signature(
        told["Request-Timestamp"], told["Request-Nonce"], case["encrypt_key"], case["body"].encode()
    )
    assert signed == told["Signature"]


def test_old_cards_are_signed() -> None:
    case = VECTORS["legacy_card_signature_sha1"][0]
    told = case["headers"]
    signed = sealing.card_signature(
        told["X-Lark-Request-Timestamp"],
        told["X-Lark-Request-Nonce"],
        case["verification_token"],
        case["body"].encode(),
    )
    assert signed == told["X-Lark-Signature"]
