"""Frames of the long connection: protobuf, package ``pbbp2``, two message types. Pure.

Sources: the schema inside lark-oapi 1.7.5 (``pbbp2``) and the frames it produced, kept in
``tests/channels/feishu/vectors.json``. Everything that comes in is echoed in the acknowledgement,
since its headers route it; so nothing is normalised here, and zeros are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.errors import NotUnderstood

HEADERS_MAX = 64  # the platform sends seven
VARINT_BYTES_MAX = 10
_UINT64 = (1 << 64) - 1
_INT32_SIGN = 1 << 31
_MORE = 0x80  # another byte of the same number follows
_HEADERS = 5  # the field that repeats
_NAME, _VALUE = 0x0A, 0x12  # keys of a header's texts
_HEADER_BYTES_MIN = 4

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_SHORT = tuple(bytes((number,)) for number in range(_MORE))  # numbers of one byte: most of them
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}


class Method(IntEnum):
    """What a frame is for."""

    CONTROL = 0  # ping, pong
    DATA = 1  # event, card


class Frame(Struct, frozen=True, kw_only=True):
    """One frame; ``None`` means that an optional field is absent."""

    sequence: int = 0
    log: int = 0
    service: int
    method: int
    headers: tuple[tuple[str, str], ...] = ()
    payload_encoding: str | None = None
    payload_type: str | None = None
    payload: bytes | None = None
    log_new: str | None = None

    def header(self, name: str) -> str:
        """Return a header's value; empty when it is absent."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def type(self) -> str:
        """What it carries: ``ping``, ``pong``, ``event``, ``card``."""
        return self.header("type")


def ping(service: int) -> Frame:
    """Return what a client sends right after connecting and then at every interval."""
    return Frame(service=service, method=Method.CONTROL, headers=(("type", "ping"),))


def answer(frame: Frame, payload: bytes, took_ms: int) -> Frame:
    """Return the acknowledgement of a frame: the same frame with another payload.

    Args:
        frame: what is acknowledged; of a fragmented event the fragment that completed it.
        payload: ``{"code":200}`` and so on.
        took_ms: the time from its arrival to now.
    """
    headers = (*frame.headers, ("biz_rt", str(max(0, took_ms))))
    return replace(frame, headers=headers, payload=payload)


# --- writing ------------------------------------------------------------------------------


def encode(frame: Frame) -> bytes:
    """Return a frame's bytes, fields in order, required ones also when they are zero."""
    out = bytearray()
    numbers = (frame.sequence, frame.log, frame.service, frame.method)
    for number, value in enumerate(numbers, start=1):
        out += _key(number, _VARINT) + _varint(
            value & _UINT64
        )  # int32 below 0: extended to 64 bits
    for name, text in frame.headers:
        out += _field(_HEADERS, _field(1, name.encode()) + _field(2, text.encode()))
    for number, note in ((6, frame.payload_encoding), (7, frame.payload_type)):
        out += b"" if note is None else _field(number, note.encode())
    out += b"" if frame.payload is None else _field(8, frame.payload)
    out += b"" if frame.log_new is None else _field(9, frame.log_new.encode())
    return bytes(out)


def _key(number: int, wire: int) -> bytes:
    return _SHORT[number << 3 | wire]


def _field(number: int, value: bytes) -> bytes:
    return _SHORT[number << 3 | _BYTES] + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    if value < _MORE:
        return _SHORT[value]
    out = bytearray()
    while value >= _MORE:
        out.append(value & 0x7F | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


# --- reading ------------------------------------------------------------------------------


def decode(data: bytes) -> Frame:
    """Read a frame. Missing numbers count as zero, unknown fields are skipped.

    Raises:
        NotUnderstood: these bytes are no frame.
    """
    numbers = {1: 0, 2: 0, 3: 0, 4: 0}
    texts: dict[int, bytes] = {}
    headers: list[tuple[str, str]] = []
    try:
        for number, value in _fields(data):
            if isinstance(value, int):
                numbers[number] = value
            elif number == _HEADERS:
                headers.append(_header(value))
            else:
                texts[number] = value
        if len(headers) > HEADERS_MAX:
            raise NotUnderstood(f"a frame with {len(headers)} headers")
        return Frame(
            sequence=numbers[1],
            log=numbers[2],
            service=_int32(numbers[3]),
            method=_int32(numbers[4]),
            headers=tuple(headers),
            payload_encoding=_text(texts, 6),
            payload_type=_text(texts, 7),
            payload=texts.get(8),
            log_new=_text(texts, 9),
        )
    except (IndexError, UnicodeDecodeError) as error:
        raise NotUnderstood(f"no frame: {type(error).__name__}") from None


def _header(data: bytes) -> tuple[str, str]:
    """Read a name and a value; where both are short and in order, as always, without a loop."""
    if len(data) >= _HEADER_BYTES_MIN and data[0] == _NAME and data[1] < _MORE:
        end = 2 + data[1]
        rest = data[end:]
        if len(rest) > 1 and rest[0] == _VALUE and rest[1] == len(rest) - 2 < _MORE:
            return data[2:end].decode(), rest[2:].decode()
    parts = {number: value for number, value in _fields(data) if isinstance(value, bytes)}
    return parts.get(1, b"").decode(), parts.get(2, b"").decode()


def _text(texts: dict[int, bytes], number: int) -> str | None:
    return texts[number].decode() if number in texts else None


def _int32(value: int) -> int:
    low = value & 0xFFFFFFFF
    return low - (1 << 32) if low & _INT32_SIGN else low


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield each field's number and value; numbers of fixed width, which no frame has, are skipped.

    Raises:
        IndexError: the bytes end inside a field.
        NotUnderstood: a wire type that does not exist.
    """
    at, end = 0, len(data)
    while at < end:
        tag, at = _number(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _number(data, at)
            yield number, value
        elif wire == _BYTES:
            length, at = _number(data, at)
            if at + length > end:
                raise IndexError
            yield number, data[at : at + length]
            at += length
        elif wire in _FIXED_BYTES and at + _FIXED_BYTES[wire] <= end:
            at += _FIXED_BYTES[wire]
        else:
            raise NotUnderstood(f"no frame: wire type {wire}")


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = data[at]
    if value < _MORE:
        return value, at + 1
    value &= 0x7F
    for place in range(1, VARINT_BYTES_MAX):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < _MORE:
            return value & _UINT64, at + place + 1
    raise NotUnderstood("no frame: a number without end")
