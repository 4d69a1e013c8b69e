"""Numbers and addresses that belong to people, made unreadable before anybody may quote them.

It is applied when a document is read and again before an answer leaves. What only looks like such
a number (versions, hashes, addresses of machines, amounts, service lines) stays: an answer without
its facts is of no use. What has been masked is not touched a second time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from posthouse.knowledge.passage import Extract

MASKING_VERSION = 2  # to be raised with every change: documents are read again then

# Nothing before or behind it that would make it a part of a path, a hash, a version, a sum.
_EDGE = r"(?<![\w.%+#@])(?<!\w[/-])"
_END = r"(?![\w%@]|\.\w|-(?!1[3-9]\d{9}\b)\w)"


class _Kind(Struct, frozen=True):
    en: str
    zh: str
    shape: re.Pattern[str]
    is_real: Callable[[str], bool]


# --- what tells a real number from one that only looks like it --------------------------------


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"
_PROVINCES = re.compile(r"1[1-5]|2[123]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[123]")


def _is_identity(text: str) -> bool:
    """Whether 18 characters are a number of the Chinese identity card, or 15 an old one."""
    if not _PROVINCES.match(text):
        return False
    if len(text) == 15:  # noqa: PLR2004 - before 1999: a year of two digits, no check digit
        return _is_day("19" + text[6:12])
    total = sum(
        weight * int(digit) for weight, digit in zip(_IDENTITY_WEIGHTS, text[:17], strict=True)
    )
    return _is_day(text[6:14]) and _IDENTITY_CHECKS[total % 11] == text[17].upper()


def _is_day(text: str) -> bool:
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    return 1850 <= year <= 2099 and 1 <= month <= 12 and 1 <= day <= 31  # noqa: PLR2004 - a calendar


_VIN_VALUES = {
    **{digit: int(digit) for digit in "0123456789"},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def _is_vin(text: str) -> bool:
    """Whether 17 characters name a vehicle: by its check letter, which China and America demand."""
    letters = sum(character.isalpha() for character in text)
    if not 2 <= letters <= 14 or not text[-4:].isdigit():  # noqa: PLR2004 - no word, no plain number
        return False
    total = sum(
        weight * _VIN_VALUES[character]
        for weight, character in zip(_VIN_WEIGHTS, text.upper(), strict=True)
    )
    return "0123456789X"[total % 11] == text[8].upper()


_CARDS = re.compile(
    r"(?:62|60|68|69)\d{14,17}|9558\d{12,15}|4\d{15}|5[1-5]\d{14}|2[2-7]\d{14}|35\d{14}|3[47]\d{13}"
    r"|3[068]\d{12}"
)


def _is_card(text: str) -> bool:
    """Whether digits are the number of a bank card: by how they begin, and by Luhn's sum."""
    digits = _digits(text)
    if not _CARDS.fullmatch(digits):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(sum(divmod(value, 10)) for value in doubled) % 10 == 0


_EXAMPLE = re.compile(
    r"@(example\.|.*\.example$|localhost)|^(git|noreply|no-reply)@", re.IGNORECASE
)


def _is_address(text: str) -> bool:
    """Whether an address is somebody's; those of manuals and of code hosts are nobody's."""
    return not _EXAMPLE.search(text)


_INTERNATIONAL_DIGITS = range(8, 16)


def _is_international(text: str) -> bool:
    return len(_digits(text)) in _INTERNATIONAL_DIGITS


def _always(_text: str) -> bool:
    return True


_AREA = r"0(?:10|2\d|[3-9]\d{2})"
_SERVICE = r"(?!(?:400|800|833|844|855|866|877|888)\b)"  # lines that a firm has for everybody

_SHAPES: tuple[tuple[str, str, str, Callable[[str], bool]], ...] = (
    (
        "[e-mail]",
        "[邮箱]",
        (
            r"(?<![\w.%+/:@-])[A-Za-z0-9][\w.%+-]{0,63}@"
            r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w@-]|\.\w)"
        ),
        _is_address,
    ),
    ("[ID number]", "[身份证号]", rf"{_EDGE}(?:\d{{17}}[\dXx]|\d{{15}}){_END}", _is_identity),
    ("[VIN]", "[车架号]", rf"{_EDGE}[A-HJ-NPR-Z0-9]{{17}}{_END}", _is_vin),
    (
        "[bank card]",
        "[银行卡号]",
        rf"{_EDGE}(?:\d{{14,19}}|\d{{4}}(?:[ -]\d{{4}}){{3}}(?:[ -]\d{{1,3}})?){_END}",
        _is_card,
    ),
    (  # a mobile phone in China
        "[phone]",
        "[电话]",
        rf"{_EDGE}(?:\(?(?:\+|00)86\)?[ -]?)?1[3-9]\d(?:\d{{8}}|[ -]\d{{4}}[ -]\d{{4}}){_END}",
        _always,
    ),
    (  # a telephone in China, with its area
        "[phone]",
        "[电话]",
        (
            rf"{_EDGE}(?:\({_AREA}\) ?|（{_AREA}）|{_AREA}[ -])[2-8]\d{{2,3}}[ -]?\d{{4}}"
            rf"(?:-\d{{1,6}})?{_END}"
        ),
        _always,
    ),
    (  # anywhere else, with the country
        "[phone]",
        "[电话]",
        rf"{_EDGE}\+[1-9]\d{{0,2}}(?:[ -]?\(?\d{{1,4}}\)?){{2,6}}{_END}",
        _is_international,
    ),
    (  # North America, without it
        "[phone]",
        "[电话]",
        rf"{_EDGE}(?:\([2-9]\d{{2}}\) ?|{_SERVICE}[2-9]\d{{2}}-)[2-9]\d{{2}}-\d{{4}}{_END}",
        _always,
    ),
)


@functools.cache
def _kinds() -> tuple[_Kind, ...]:
    """Compile the shapes when the first text comes."""
    return tuple(
        _Kind(en, zh, re.compile(shape, re.ASCII), is_real) for en, zh, shape, is_real in _SHAPES
    )


_MAYBE = re.compile(r"@|[0-9][0-9 -]{5}|[0-9A-Z]{17}")
_WIDE = re.compile(r"[\uff20\uff10-\uff19]")
# Digits, letters and some signs as they are typed in Chinese; a character for a character.
_NARROW = {
    wide: wide - 0xFEE0
    for wide in (
        *map(ord, "＋－．＠＿"),
        *range(0xFF10, 0xFF1A),
        *range(0xFF21, 0xFF3B),
        *range(0xFF41, 0xFF5B),
    )
}
_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


def mask(text: str) -> str:
    """Return the text with what belongs to people replaced by what it was, like ``[phone]``.

    The words are Chinese in a text that has Chinese in it.
    """
    while _MAYBE.search(_narrow(text)) and (masked := _masked(text)) != text:
        text = masked  # what stood beside something masked may be told apart now
    return text


def masked(extract: Extract) -> Extract:
    """Mask everything that may be shown of a document."""
    return replace(
        extract,
        title=mask(extract.title),
        question=mask(extract.question),
        blocks=tuple(
            replace(
                block,
                text=mask(block.text),
                headings=tuple(map(mask, block.headings)),
                shown=mask(block.shown),
            )
            for block in extract.blocks
        ),
    )


def _masked(text: str) -> str:
    is_chinese = bool(_CHINESE.search(text))
    for kind in _kinds():
        word = kind.zh if is_chinese else kind.en
        pieces: list[str] = []
        end = 0
        for found in kind.shape.finditer(_narrow(text)):
            if kind.is_real(found[0]):
                pieces += text[end : found.start()], word
                end = found.end()
        text = "".join((*pieces, text[end:])) if pieces else text
    return text


def _narrow(text: str) -> str:
    """Write wide digits and letters as plain ones; every character keeps its place."""
    return text.translate(_NARROW) if _WIDE.search(text) else text
