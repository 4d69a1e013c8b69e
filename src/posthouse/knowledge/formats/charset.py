"""Bytes into text, whatever the program that wrote them thought of letters."""

from __future__ import annotations

import codecs

from posthouse.knowledge.formats.unreadable import Unreadable

LOOKED_AT_BYTES = 65_536
CONTROL_SHARE_MAX = 0.02  # of what is looked at: more is no text

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\v\f\r\x1b")


def decode(data: bytes, charset: str = "") -> str:
    """Return the text with its lines ended by line feeds.

    Args:
        data: the whole file.
        charset: what whoever handed it over says; believed only when it fits.

    Raises:
        Unreadable: these bytes are no text.
    """
    text = _decode(data, charset).replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "")


def is_text(data: bytes) -> bool:
    """Whether bytes look like a text in any charset."""
    if any(data.startswith(mark) for mark, _ in _MARKS):
        return True
    head = data[:LOOKED_AT_BYTES]
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls <= len(head) * CONTROL_SHARE_MAX


def _decode(data: bytes, charset: str) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    if not is_text(data):
        raise Unreadable(
            "This is no text, whatever its name says; save it as text or UTF-8.",
            zh="内容不是文本（与扩展名不符）；请另存为 UTF-8 文本。",
        )
    for name in (charset, "utf-8", "gb18030"):
        try:
            return data.decode(name or "utf-8")
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("utf-8" if _is_nearly_utf8(data) else "latin-1", "replace")


def _is_nearly_utf8(data: bytes) -> bool:
    """Whether only a few bytes are damaged, as at the end of a file that was cut."""
    text = data[:LOOKED_AT_BYTES].decode("utf-8", "replace")
    return text.count("\ufffd") <= max(2, len(text) // 1000)
