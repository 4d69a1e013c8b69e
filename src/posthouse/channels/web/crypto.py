"""Who somebody is, signed: the cookie of a person, and the link that lets somebody in.

Both are ``<payload>.<mac>`` under one key with separate purposes, so that one never passes for
the other.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import TypeVar

import msgspec

from posthouse.model.errors import OperatorMistake

KEY_BYTES = 32
TOKEN_CHARS_MAX = 1024


class Invitation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a join link says."""

    bot: str
    expires_at: float
    room: str = ""  # "" lets somebody into the house, to open rooms of their own


class Identity(msgspec.Struct, frozen=True):
    """What a person's cookie says."""

    bot: str
    person: str


SealedT = TypeVar("SealedT", Invitation, Identity)


class Signer:
    """Signs and checks; compares in constant time."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"a signing key has at least {KEY_BYTES} bytes")
        self._key = key

    @property
    def installation(self) -> str:
        """A short public name of this key, so that two houses on one machine keep their cookies."""
        return self._mac("installation", b"")[:8].hex()

    def invite(self, invitation: Invitation) -> str:
        return self._seal("join", invitation)

    def invited(self, token: str, now: float) -> Invitation | None:
        """Return what a join link says; None when it is tampered with or too old."""
        invitation = self._open("join", token, Invitation)
        return invitation if invitation is not None and now < invitation.expires_at else None

    def identify(self, identity: Identity) -> str:
        return self._seal("person", identity)

    def identified(self, token: str) -> Identity | None:
        """Return whose cookie it is; None when it is not one of ours."""
        return self._open("person", token, Identity)

    def _seal(self, purpose: str, what: msgspec.Struct) -> str:
        payload = _to_text(msgspec.json.encode(what))
        return f"{payload}.{_to_text(self._mac(purpose, payload.encode()))}"

    def _open(self, purpose: str, token: str, kind: type[SealedT]) -> SealedT | None:
        payload, _, mac = token.partition(".")
        if len(token) > TOKEN_CHARS_MAX or not token.isascii():
            return None
        expected = _to_text(self._mac(purpose, payload.encode()))
        if not hmac.compare_digest(expected, mac):
            return None
        try:
            return msgspec.json.decode(_from_text(payload), type=kind)
        except (msgspec.DecodeError, binascii.Error, ValueError):
            return None

    def _mac(self, purpose: str, payload: bytes) -> bytes:
        return hmac.digest(self._key, f"posthouse:{purpose}:".encode() + payload, hashlib.sha256)


def read_key(path: Path) -> bytes:
    """Return the installation's signing key, making it (mode 0600) at the first start.

    Raises:
        OperatorMistake: the file is there and holds no key.
    """
    if not path.exists():
        _write_key(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise OperatorMistake(
            f"{path} holds no signing key; delete it (everybody then has to enter again)"
        )
    return key


def _write_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")  # the data directory has one owner: nobody else writes it
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _to_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _from_text(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
