"""Frames of the long connection: the two protobuf messages of ``pbbp2``, written by hand."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

CONTROL, DATA = 0, 1

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MASK_64 = (1 << 64) - 1
_VARINT_BYTES_MAX = 10
_REQUIRED = {1: "SeqID", 2: "LogID", 3: "service", 4: "method"}


class Malformed(ValueError):
    """Bytes that are no frame."""


class Frame(Struct, frozen=True, kw_only=True):
    """One message of the WebSocket. Headers keep their order."""

    seq_id: int = 0
    log_id: int = 0
    service: int = 0
    method: int = CONTROL
    headers: tuple[tuple[str, str], ...] = ()
    payload_encoding: str | None = None
    payload_type: str | None = None
    payload: bytes | None = None
    log_id_new: str | None = None

    def header(self, name: str) -> str:
        """Return a header's value, empty when there is none."""
        return next((value for key, value in self.headers if key == name), "")


def encode(frame: Frame) -> bytes:
    """Write a frame; the four required numbers are written even when they are zero."""
    parts = bytearray()
    numbers = (frame.seq_id, frame.log_id, frame.service, frame.method)
    for number, value in enumerate(numbers, start=1):
        parts += _tag(number, _VARINT) + _varint(value)
    for key, text in frame.headers:
        parts += _field(5, _field(1, key.encode()) + _field(2, text.encode()))
    for number, note in ((6, frame.payload_encoding), (7, frame.payload_type)):
        parts += b"" if note is None else _field(number, note.encode())
    parts += b"" if frame.payload is None else _field(8, frame.payload)
    parts += b"" if frame.log_id_new is None else _field(9, frame.log_id_new.encode())
    return bytes(parts)


def decode(raw: bytes) -> Frame:
    """Read a frame.

    Raises:
        Malformed: cut off, a required number is missing, or text is not UTF-8.
    """
    numbers: dict[int, int] = {}
    texts: dict[int, bytes] = {}
    headers = []
    for number, value in _fields(raw):
        if isinstance(value, int):
            numbers[number] = value
        elif number == 5:  # noqa: PLR2004 - the repeated one
            headers.append(_header(value))
        else:
            texts[number] = value
    missing = [name for number, name in _REQUIRED.items() if number not in numbers]
    if missing:
        raise Malformed(f"missing required {', '.join(missing)}")
    return Frame(
        seq_id=numbers[1],
        log_id=numbers[2],
        service=_signed(numbers[3]),
        method=_signed(numbers[4]),
        headers=tuple(headers),
        payload_encoding=_text(texts.get(6)),
        payload_type=_text(texts.get(7)),
        payload=texts.get(8),
        log_id_new=_text(texts.get(9)),
    )


def _header(raw: bytes) -> tuple[str, str]:
    parts = {number: value for number, value in _fields(raw) if isinstance(value, bytes)}
    if not {1, 2} <= parts.keys():
        raise Malformed("a header needs a key and a value")
    return _text(parts[1]) or "", _text(parts[2]) or ""


def _text(raw: bytes | None) -> str | None:
    try:
        return None if raw is None else raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed(str(error)) from None


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(raw):
        key, at = _read_varint(raw, at)
        match key & 7:
            case 0:
                value, at = _read_varint(raw, at)
                yield key >> 3, value
            case 2:
                length, at = _read_varint(raw, at)
                yield key >> 3, _cut(raw, at, length)
                at += length
            case 1 | 5 as kind:  # fixed numbers: unknown here, skipped
                at += len(_cut(raw, at, 8 if kind == _FIXED64 else 4))
            case kind:
                raise Malformed(f"no wire type {kind}")


def _cut(raw: bytes, at: int, length: int) -> bytes:
    piece = raw[at : at + length]
    if len(piece) < length:
        raise Malformed("cut off")
    return piece


def _read_varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_VARINT_BYTES_MAX):
        if at + place >= len(raw):
            raise Malformed("cut off inside a number")
        byte = raw[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number has no high bit
            return value & _MASK_64, at + place + 1
    raise Malformed("a number is too long")


def _signed(value: int) -> int:
    low = value & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low


def _varint(value: int) -> bytes:
    value &= _MASK_64
    written = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits at a time
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _tag(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _field(number: int, content: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(content)) + content
