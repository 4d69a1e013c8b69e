"""Encryption and signatures against what the official SDKs computed."""

import json
from pathlib import Path
from typing import Any

import pytest

from posthouse.channels.feishu.crypto import decrypt, is_same, is_signed, is_signed_card
from posthouse.model.errors import Refused

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
SIGNED = VECTORS["signature_sha256"]["cases"]
CARDS = VECTORS["legacy_card_signature_sha1"]


@pytest.mark.parametrize("case", VECTORS["aes_256_cbc"]["cases"], ids=lambda case: case["name"])
def test_what_they_encrypted_is_read(case: dict[str, str]) -> None:
    assert decrypt(case["encrypt"], case["encrypt_key"]).decode() == case["plaintext"]


@pytest.mark.parametrize("case", VECTORS["aes_256_cbc"]["invalid"], ids=lambda case: case["name"])
def test_what_they_refuse_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(Refused):
        decrypt(case["encrypt"], case["encrypt_key"])


@pytest.mark.parametrize("encrypted", ["", "!", "AAAA", "é" * 64])
def test_what_is_no_base64_is_refused(encrypted: str) -> None:
    with pytest.raises(Refused):
        decrypt(encrypted, "key")


def _checked(case: dict[str, Any], **changed: str) -> bool:
    headers = {name.removeprefix("X-Lark-"): value for name, value in case["headers"].items()}
    values = {
        "body": case["body"].encode(),
        "timestamp": headers["Request-Timestamp"],
        "nonce": headers["Request-Nonce"],
        "signature": headers["Signature"],
        **changed,
    }
    if "encrypt_key" in case:
        return is_signed(**{"key": case["encrypt_key"], **values})
    return is_signed_card(**{"token": case["verification_token"], **values})


@pytest.mark.parametrize("case", SIGNED + CARDS, ids=lambda case: case["name"])
def test_their_signatures_are_right(case: dict[str, Any]) -> None:
    assert _checked(case)


@pytest.mark.parametrize("case", SIGNED + CARDS, ids=lambda case: case["name"])
@pytest.mark.parametrize("name", ["timestamp", "nonce", "signature"])
@pytest.mark.parametrize("value", ["", "1", "é", "\udcff"])
def test_another_header_is_wrong(case: dict[str, Any], name: str, value: str) -> None:
    assert not _checked(case, **{name: value})


@pytest.mark.parametrize("case", SIGNED + CARDS, ids=lambda case: case["name"])
def test_another_body_is_wrong(case: dict[str, Any]) -> None:
    assert not _checked({**case, "body": case["body"] + " "})


def test_tokens_are_compared_whole() -> None:
    assert is_same("token", "token")
    assert not any(is_same(given, "token") for given in ("", "toke", "tokens", "\udcff"))
