"""WebSocket frames, read from bytes however they are cut. RFC 6455, section 5."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.api.frames import (
    BadFrame,
    CloseCode,
    FrameReader,
    Message,
    Opcode,
    close_code,
    close_frame,
    frame,
)

MASK = b"\x37\xfa\x21\x3d"  # of the RFC's own example
BYTES_MAX = 100_000


def masked(opcode: int, payload: bytes, *, is_final: bool = True, mask: bytes = MASK) -> bytes:
    """A client's frame, written byte by byte."""
    head = bytearray([opcode | (0x80 if is_final else 0)])
    if len(payload) < 126:
        head.append(0x80 | len(payload))
    elif len(payload) < 65536:
        head += bytes([0x80 | 126]) + len(payload).to_bytes(2)
    else:
        head += bytes([0x80 | 127]) + len(payload).to_bytes(8)
    return bytes(head) + mask + bytes(each ^ mask[n % 4] for n, each in enumerate(payload))


def test_the_example_of_the_rfc() -> None:
    hello = bytes.fromhex("818537fa213d7f9f4d5158")
    assert FrameReader(BYTES_MAX).feed(hello) == [Message(Opcode.TEXT, b"Hello")]
    assert frame(Opcode.TEXT, b"Hello") == bytes.fromhex("810548656c6c6f")


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from((Opcode.TEXT, Opcode.BINARY)), st.lists(st.binary(max_size=300), min_size=1)
    ),
    max_size=5,
)


@given(MESSAGES, st.lists(st.integers(0, 4000)), st.binary(min_size=4, max_size=4))
def test_messages_come_whole_wherever_the_bytes_are_cut(
    messages: list[tuple[Opcode, list[bytes]]], cuts: list[int], mask: bytes
) -> None:
    """In pieces, with pings between the pieces."""
    wire, expected = b"", []
    for opcode, pieces in messages:
        for number, piece in enumerate(pieces):
            kind = Opcode.CONTINUATION if number else opcode
            is_final = number == len(pieces) - 1
            wire += masked(kind, piece, is_final=is_final, mask=mask) + masked(Opcode.PING, b"p")
            if is_final:
                expected.append(Message(opcode, b"".join(pieces)))
            expected.append(Message(Opcode.PING, b"p"))
    reader, read, done = FrameReader(BYTES_MAX), [], 0
    for cut in [*sorted(min(cut, len(wire)) for cut in cuts), len(wire)]:
        read += reader.feed(wire[done:cut])
        done = cut
    assert read == expected


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, BYTES_MAX])
def test_every_size_of_length_field(size: int) -> None:
    payload = os.urandom(size)
    [message] = FrameReader(BYTES_MAX).feed(masked(Opcode.BINARY, payload))
    assert message.payload == payload
    written = frame(Opcode.BINARY, payload)
    assert written.endswith(payload)
    assert len(written) - size == (2 if size < 126 else 4 if size < 65536 else 10)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (frame(Opcode.TEXT, b"unmasked"), CloseCode.PROTOCOL_ERROR),
        (masked(0x40 | Opcode.TEXT, b"x"), CloseCode.PROTOCOL_ERROR),
        (masked(3, b"x"), CloseCode.PROTOCOL_ERROR),
        (masked(Opcode.PING, b"x" * 126), CloseCode.PROTOCOL_ERROR),
        (masked(Opcode.PING, b"x", is_final=False), CloseCode.PROTOCOL_ERROR),
        (masked(Opcode.CONTINUATION, b"x"), CloseCode.PROTOCOL_ERROR),
        (
            masked(Opcode.TEXT, b"x", is_final=False) + masked(Opcode.TEXT, b"y"),
            CloseCode.PROTOCOL_ERROR,
        ),
        (masked(Opcode.TEXT, b"")[:1] + b"\xff" + (2**62).to_bytes(8) + MASK, CloseCode.TOO_LARGE),
        (
            masked(Opcode.TEXT, b"x" * BYTES_MAX, is_final=False) + masked(0, b"y"),
            CloseCode.TOO_LARGE,
        ),
    ],
)
def test_what_breaks_the_rules_ends_the_connection(wire: bytes, code: CloseCode) -> None:
    with pytest.raises(BadFrame) as caught:
        FrameReader(BYTES_MAX).feed(wire)
    assert caught.value.code is code


def test_a_length_that_is_a_lie_is_refused_before_its_bytes_come() -> None:
    head = masked(Opcode.BINARY, b"x" * (BYTES_MAX + 1))[:14]
    with pytest.raises(BadFrame):
        FrameReader(BYTES_MAX).feed(head)


def test_goodbye() -> None:
    assert close_frame(1000, "why") == bytes.fromhex("880503e8") + b"why"
    assert len(close_frame(1000, "长" * 100)) <= 127
    assert close_code(b"\x03\xe8why") == 1000
    assert close_code(b"") is CloseCode.NOT_GIVEN
