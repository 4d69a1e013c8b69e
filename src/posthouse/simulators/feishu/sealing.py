"""How a webhook body is encrypted and signed."""

from __future__ import annotations

import base64
import hashlib

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK_BYTES = 16


def seal(encrypt_key: str, plaintext: bytes, iv: bytes) -> bytes:
    """Encrypt a body: AES-256-CBC, PKCS#7, the IV in front, Base64, inside ``{"encrypt": …}``."""
    key = hashlib.sha256(encrypt_key.encode()).digest()
    padding = BLOCK_BYTES - len(plaintext) % BLOCK_BYTES
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(plaintext + bytes([padding]) * padding) + encryptor.finalize()
    return msgspec.json.encode({"encrypt": base64.b64encode(iv + sealed).decode()})


def signature(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """Sign the body as it is sent."""
    return hashlib.sha256((timestamp + nonce + encrypt_key).encode() + body).hexdigest()


def card_signature(timestamp: str, nonce: str, token: str, body: bytes) -> str:
    """Sign an old card callback, which is not encrypted."""
    return hashlib.sha1((timestamp + nonce + token).encode() + body).hexdigest()  # noqa: S324 - theirs
