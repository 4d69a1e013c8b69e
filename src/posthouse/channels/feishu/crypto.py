"""Encryption and signatures of Feishu's webhooks. Pure.

Source: open.feishu.cn, "Configure encryption"; vectors made by lark-oapi 1.7.5 and node-sdk 1.74.0.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from posthouse.model.errors import Refused

BLOCK_BYTES = 16


def decrypt(encrypted: str, key: str) -> bytes:
    """Return the plaintext of the ``encrypt`` field: base64 of an IV and AES-256-CBC.

    Raises:
        Refused: it was not encrypted with this key.
    """
    # A tenth of a second of import that bots without webhooks need not pay.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        data = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        raise Refused from None
    if len(data) < 2 * BLOCK_BYTES or len(data) % BLOCK_BYTES:
        raise Refused
    cipher = Cipher(
        algorithms.AES(hashlib.sha256(key.encode()).digest()), modes.CBC(data[:BLOCK_BYTES])
    )
    decryptor = cipher.decryptor()
    padded = decryptor.update(data[BLOCK_BYTES:]) + decryptor.finalize()
    return _unpadded(padded)


def _unpadded(padded: bytes) -> bytes:
    """Take PKCS7 padding away, and refuse what has none."""
    count = padded[-1]
    if not 1 <= count <= BLOCK_BYTES or padded[-count:] != bytes([count]) * count:
        raise Refused
    return padded[:-count]


def is_signed(body: bytes, timestamp: str, nonce: str, signature: str, key: str) -> bool:
    """Say whether ``X-Lark-Signature`` is right for the raw bytes of the request."""
    wanted = hashlib.sha256(_ascii(timestamp) + _ascii(nonce) + key.encode() + body).hexdigest()
    return hmac.compare_digest(_ascii(signature), wanted.encode())


def is_signed_card(body: bytes, timestamp: str, nonce: str, signature: str, token: str) -> bool:
    """Say whether the signature of a card callback of the old kind is right (SHA-1, by token)."""
    data = _ascii(timestamp) + _ascii(nonce) + token.encode() + body
    wanted = hashlib.sha1(data, usedforsecurity=False).hexdigest()  # the platform's choice
    return hmac.compare_digest(_ascii(signature), wanted.encode())


def is_same(given: str, wanted: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())


def _ascii(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")
