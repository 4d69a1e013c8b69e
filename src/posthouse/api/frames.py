"""WebSocket frames (RFC 6455) as a server reads and writes them: pure, no extensions."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from posthouse.model.errors import NotUnderstood

_FINAL, _RESERVED, _OPCODE, _MASKED, _LENGTH = 0x80, 0x70, 0x0F, 0x80, 0x7F
_CONTROL_BYTES_MAX = 125
_LENGTH_16, _LENGTH_64 = 126, 127
_MASK_BYTES = 4


class Opcode(IntEnum):
    """What a frame carries."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(IntEnum):
    """Why a connection ends."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    NOT_GIVEN = 1005
    LOST = 1006
    NO_TEXT = 1007
    TOO_LARGE = 1009
    FAILED = 1011


class BadFrame(NotUnderstood):
    """These bytes are no frames of a WebSocket client; ``code`` is what to close with."""

    def __init__(self, message: str, code: CloseCode = CloseCode.PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.code = code


class Message(NamedTuple):
    """A whole message, or a control frame."""

    opcode: int
    payload: bytes


class FrameReader:
    """Turns what a client sends into messages, however the bytes are cut.

    Args:
        message_bytes_max: a longer message ends the connection, before its bytes are kept.
    """

    def __init__(self, message_bytes_max: int) -> None:
        self._bytes_max = message_bytes_max
        self._rest = bytearray()
        self._wanted_bytes = 2  # of the rest, before looking at it again makes sense
        self._kind = Opcode.CONTINUATION  # of the message that is being put together
        self._pieces = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete.

        Raises:
            BadFrame: the client does not keep to the protocol; read no further.
        """
        if not self._rest:
            end, messages = self._read(data)
            self._rest += data[end:]
            return messages
        self._rest += data
        if len(self._rest) < self._wanted_bytes:
            return []
        end, messages = self._read(self._rest)
        del self._rest[:end]
        return messages

    def _read(self, data: bytes | bytearray) -> tuple[int, list[Message]]:
        """Read whole frames; returns where they end, and the messages."""
        messages: list[Message] = []
        at, size = 0, len(data)
        self._wanted_bytes = 2
        while size - at >= 2:  # noqa: PLR2004 - the shortest head
            length = data[at + 1] & _LENGTH
            body_at = at + 2 + _MASK_BYTES
            if length >= _LENGTH_16:
                body_at += 2 if length == _LENGTH_16 else 8
                if size < body_at:
                    self._wanted_bytes = body_at - at
                    break
                length = int.from_bytes(data[at + 2 : body_at - _MASK_BYTES])
            self._check(data[at], data[at + 1], length)
            end = body_at + length
            if size < end:
                self._wanted_bytes = end - at
                break
            payload = _unmasked(data[body_at - _MASK_BYTES : body_at], data[body_at:end])
            message = self._message(data[at], payload)
            if message is not None:
                messages.append(message)
            at = end
        return at, messages

    def _check(self, first: int, second: int, length: int) -> None:
        opcode = first & _OPCODE
        if first & _RESERVED:
            raise BadFrame("reserved bits are set")
        if not second & _MASKED:
            raise BadFrame("a client masks its frames")
        if opcode not in _OPCODES:
            raise BadFrame(f"there is no opcode {opcode}")
        if opcode >= Opcode.CLOSE:
            if length > _CONTROL_BYTES_MAX or not first & _FINAL:
                raise BadFrame("a control frame is short and whole")
        elif len(self._pieces) + length > self._bytes_max:
            raise BadFrame("the message is too long", CloseCode.TOO_LARGE)

    def _message(self, first: int, payload: bytes) -> Message | None:
        """Return what a frame completes; None while more of it must follow."""
        opcode = first & _OPCODE
        if opcode >= Opcode.CLOSE:
            return Message(opcode, payload)
        if (opcode == Opcode.CONTINUATION) is (self._kind is Opcode.CONTINUATION):
            raise BadFrame("a continuation of nothing, or something else inside of a message")
        if not first & _FINAL:
            self._kind = Opcode(opcode) if opcode else self._kind
            self._pieces += payload
            return None
        if opcode:
            return Message(opcode, payload)
        whole = Message(self._kind, bytes(self._pieces) + payload)
        self._kind = Opcode.CONTINUATION
        self._pieces.clear()
        return whole


_OPCODES = frozenset(Opcode)


def _unmasked(mask: bytes | bytearray, payload: bytes | bytearray) -> bytes:
    """Take the mask off, as one number: a loop over bytes costs a hundred times as much."""
    size = len(payload)
    if not size:
        return b""
    stretched = (bytes(mask) * (size // _MASK_BYTES + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(stretched)).to_bytes(size)


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """Write one whole frame; a server masks nothing."""
    size = len(payload)
    first = _FINAL | opcode
    if size < _LENGTH_16:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, _LENGTH_16)) + size.to_bytes(2) + payload
    return bytes((first, _LENGTH_64)) + size.to_bytes(8) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Write the frame that ends a connection."""
    said = reason.encode()[: _CONTROL_BYTES_MAX - 2].decode(errors="ignore").encode()
    return frame(Opcode.CLOSE, code.to_bytes(2) + said)


def close_code(payload: bytes) -> int:
    """Return why the other side ends the connection."""
    return int.from_bytes(payload[:2]) if len(payload) >= 2 else CloseCode.NOT_GIVEN  # noqa: PLR2004 - a code
