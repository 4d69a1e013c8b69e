"""Draws a bar chart as a PNG with nothing but the standard library.

A file whose name begins with ``_`` is no scene; the scenes beside it can import it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

HEIGHT, BAR, GAP = 120, 14, 6
WHITE, BLUE, RED = b"\xff\xff\xff", b"\x3b\x82\xf6", b"\xef\x44\x44"


def bars(shares: Sequence[float], alarm: float = 0.8) -> bytes:
    """Draw shares between 0 and 1 side by side; those above ``alarm`` in red."""
    rows = []
    for y in range(HEIGHT):
        level = 1 - y / HEIGHT
        row = WHITE * GAP
        for share in shares:
            color = RED if share > alarm else BLUE
            row += (color if share >= level else WHITE) * BAR + WHITE * GAP
        rows.append(b"\0" + row)
    width = GAP + len(shares) * (BAR + GAP)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, HEIGHT, 8, 2, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(b"".join(rows))),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
