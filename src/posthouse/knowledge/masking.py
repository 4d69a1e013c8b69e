"""Numbers and addresses that belong to people, made unreadable before anybody may quote them.

It is applied when a document is read and again before an answer leaves. What only looks like such
a number (versions, hashes, addresses of machines, amounts, service lines) stays: an answer without
its facts is of no use. What has been masked is not touched a second time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from posthouse.knowledge.passage import Extract
from posthouse.knowledge.plain import plain

MASKING_VERSION = 5  # to be raised with every change: documents are read again then

PASSES_MAX = 4  # a pass leaves next to nothing for another

# What people write right before a number of theirs: "QQ138…".
_NAMES = ("id", "qq", "wx", "vx", "tel", "vin", "cell", "call", "card", "phone", "mobile",
          "wechat", "weixin", "idcard", "number", "contact", "whatsapp")  # fmt: skip
_AFTER_ITS_NAME = "|".join(rf"(?<=\b(?i:{name}))" for name in _NAMES)
# Nothing before or behind it that would make it a part of a path, a hash, a version, a sum.
_EDGE = (
    rf"(?:(?<![\w%+@])|(?=\d)(?<=[A-Za-z])(?:{_AFTER_ITS_NAME})|(?<=[Nn])(?<=\b(?i:vin)))"
    r"(?<!\w#)(?<!\d\.)(?<!\w[/-])"
)
_END = r"(?![\w%@]|\.(?![A-Z][a-z])\w|-(?!(?:1[3-9]\d{9}|\d{17}[\dXx])\b)\w)"
_GAP = r"(?: ?[.·–—-] ?| {1,2})"  # between the groups of a number


class _Kind(Struct, frozen=True):
    en: str
    zh: str
    apart: re.Pattern[str]  # with nothing before it that it may belong to
    shape: re.Pattern[str]
    is_real: Callable[[str], bool]


# --- what tells a real number from one that only looks like it --------------------------------


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


_BETWEEN = re.compile(r"\W", re.ASCII)
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"
_PROVINCES = re.compile(r"1[1-5]|2[123]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[123]")


def _is_identity(grouped: str) -> bool:
    """Whether 18 characters are a number of the Chinese identity card, or 15 an old one."""
    text = _BETWEEN.sub("", grouped)
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
_HASH = re.compile(r"[0-9a-f]+")


def _is_vin(text: str) -> bool:
    """Whether 17 characters name a vehicle: by its check letter, which China and America demand."""
    letters = sum(character.isalpha() for character in text)
    if not 2 <= letters <= 14 or not text[-4:].isdigit():  # noqa: PLR2004 - no word, no plain number
        return False
    if _HASH.fullmatch(text) or not (text.isupper() or text.islower()):
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
# No domain ends so: "image@2x.png", "df@df.index.values".
_NO_DOMAIN = re.compile(
    r"\.(?:png|jpe?g|gif|webp|svg|ico|bmp|avif|css|scss|js|json|html?|txt|pdf|ya?ml|xml|csv"
    r"|values?|methods?|index|mean|sum|shape|copy|items|keys|size)$",
    re.IGNORECASE,
)


def _is_address(text: str) -> bool:
    """Whether an address is somebody's; those of manuals and of code hosts are nobody's."""
    return not (_EXAMPLE.search(text) or _NO_DOMAIN.search(text))


_INTERNATIONAL_DIGITS = range(8, 16)
_GROUPS = re.compile(r"\d+")


def _is_international(text: str) -> bool:
    """Whether a number with its country is a telephone: no sum with a sign, no list of digits."""
    if len(_digits(text)) not in _INTERNATIONAL_DIGITS:
        return False
    groups = [group for group in _GROUPS.findall(text) if group != "0"]
    return all(len(group) > 1 for group in groups[2:])  # the country may be 7, Paris is 1


def _is_mobile(text: str) -> bool:
    """Whether eleven digits are a mobile phone: not a count and a day beside each other."""
    count, gap, day = text.partition(" ")
    return not (gap and len(count) == 3 and len(day) == 8 and _is_day(day))  # noqa: PLR2004 - digits


def _always(_text: str) -> bool:
    return True


_AREA = r"0(?:10|2\d|[3-9]\d{2})"
_CITY = r"0(?:10|2[0-57-9])"  # numbers of eight digits
_TOWN = r"0(?:3[13-579]|4[1-8]|5[1-79]|6[369]|7[0-79]|8[1-35-9]|9[013-79])\d"
_SERVICE = r"(?!(?:400|800|833|844|855|866|877|888)\b)"  # lines that a firm has for everybody

_NAME = r"[A-Za-z0-9][\w.%+-]{0,63}"
_AT = r"(?:@| ?[\[({<] ?(?:[Aa][Tt]|@) ?[\])}>] ?)"
_DOT = r"(?:\.| ?[\[({<] ?(?:[Dd][Oo][Tt]|\.) ?[\])}>] ?)"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MOBILE = r"1[3-9]\d"

_DAY = r"(?:18|19|20)[ -]?\d\d[ -]?[01]\d[ -]?[0-3]\d"  # of birth, in an identity number

# Each begins and ends with what it is made of; what may stand around it is said above.
_SHAPES: tuple[tuple[str, str, str, Callable[[str], bool]], ...] = (
    (
        "[ID number]",
        "[身份证号]",
        rf"(?:\d\d[ -]?\d\d[ -]?\d\d[ -]?{_DAY}[ -]?\d\d[ -]?\d[ -]?[\dXx]|\d{{15}})",
        _is_identity,
    ),
    ("[VIN]", "[车架号]", r"[A-HJ-NPR-Za-hj-npr-z0-9]{17}", _is_vin),
    (
        "[bank card]",
        "[银行卡号]",
        (
            r"(?:\d{14,19}|\d{4}(?:[ .-]\d{4}){3}(?:[ .-]\d{1,3})?"
            r"|\d{4}[ .-]\d{6}[ .-]\d{5})"
        ),
        _is_card,
    ),
    (  # a mobile phone in China
        "[phone]",
        "[电话]",
        (
            rf"(?:\(?(?:\+|00)?86\)?{_GAP}?)?"
            rf"(?:{_MOBILE}\d{{8}}|{_MOBILE}{_GAP}\d{{4}}{_GAP}\d{{4}}|{_MOBILE}[ -]\d{{8}}"
            rf"|{_MOBILE}\d[ -]\d{{3}}[ -]\d{{4}}|{_MOBILE}[ -]\d{{3}}[ -]\d{{5}}"
            rf"|{_MOBILE}(?:[ -]\d\d){{4}}|\({_MOBILE}\) ?\d{{4}}{_GAP}?\d{{4}})"
        ),
        _is_mobile,
    ),
    (  # a telephone in China, with its area
        "[phone]",
        "[电话]",
        (
            rf"(?:(?:\({_AREA}\) ?|{_AREA}{_GAP})[2-8]\d{{2,3}}{_GAP}?\d{{4}}"
            rf"|{_CITY}[2-8]\d{{7}}|{_TOWN}[2-8]\d{{6,7}})(?:-\d{{1,6}})?"
        ),
        _always,
    ),
    (  # anywhere else, with the country
        "[phone]",
        "[电话]",
        r"\+(?:[1-9]\d{0,2}(?:\.\d{2,4}){2,5}|[1-9](?:[ ()-]{0,3}\d){7,14})",
        _is_international,
    ),
    (  # North America, without it
        "[phone]",
        "[电话]",
        (
            rf"(?:\([2-9]\d{{2}}\) ?[2-9]\d{{2}}[ .-]|{_SERVICE}[2-9](?!00)\d{{2}}"
            r"(?:-[2-9]\d{2}-|\.[2-9]\d{2}\.))\d{4}"
        ),
        _always,
    ),
)
_MAIL = rf"{_NAME}{_AT}(?:{_LABEL}{_DOT}){{1,8}}[A-Za-z]{{2,24}}(?![\w@-]|\.\w|:[/~.])"
# What stands behind a colon is a password in an address of a machine, but not in "mail:li@…"; an
# address of the web without a path is what chats make of one of a person.
_MAIL_EDGE = (
    r"(?:(?<![\w.%+/@-])(?:(?<!\w:)|(?<=[Mm]ail:)|(?<=MAIL:)|(?<=mailto:))"
    r"|(?<=//)(?:(?<=http://)|(?<=https://))(?=[\w.%+@-]+(?![\w.%+@/-])))"
)


@functools.cache
def _kinds() -> tuple[_Kind, ...]:
    """Compile the shapes when the first text comes."""
    mail = re.compile(_MAIL_EDGE + _MAIL, re.ASCII)
    numbers = (
        _Kind(
            en,
            zh,
            re.compile(_EDGE + shape + _END, re.ASCII),
            re.compile(shape + _END, re.ASCII),
            is_real,
        )
        for en, zh, shape, is_real in _SHAPES
    )
    return (_Kind("[e-mail]", "[邮箱]", mail, mail, _is_address), *numbers)


@functools.cache
def _any_kind() -> re.Pattern[str]:
    """Compile what finds the places where something may begin."""
    numbers = "|".join(shape for _, _, shape, _ in _SHAPES)
    return re.compile(f"{_MAIL_EDGE}{_MAIL}|(?=[0-9A-Za-z+(]){_EDGE}(?:{numbers}){_END}", re.ASCII)


_MAYBE = re.compile(
    r"@|[\[({<] ?at|[0-9](?:[ .·–—()-]{0,3}[0-9]){6}|[0-9a-z]{17}", re.ASCII | re.IGNORECASE
)
# Marks of Markdown in the midst of a number or around it; nobody sees those either.
_MARKS = re.compile(
    r"(?<=[0-9])(?:\*{2,3}|__|~~|`)(?=[0-9])"
    r"|(?<![0-9A-Za-z_])_{1,2}(?=[0-9])|(?<=[0-9Xx])_{1,2}(?![0-9A-Za-z_])"
)
_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_JOINT = re.compile(r"[/-]?")  # what may stand between two numbers of people


def mask(text: str) -> str:
    """Return the text with what belongs to people replaced by what it was, like ``[phone]``.

    The words are Chinese in a text that has Chinese in it.
    """
    is_chinese = bool(_CHINESE.search(text))
    for _ in range(PASSES_MAX):  # what stood beside something masked may be told apart now
        read = plain(text).without(_MARKS)
        pieces: list[str] = []
        done = 0
        for start, end, kind in _personal(read.text) if _MAYBE.search(read.text) else ():
            began, ended = read.span(start, end)
            pieces += text[done:began], kind.zh if is_chinese else kind.en
            done = ended
        if not pieces:
            break
        text = "".join((*pieces, text[done:]))
    return text


def _personal(text: str) -> Iterator[tuple[int, int, _Kind]]:
    """Find what belongs to people, from the left to the right, in one go."""
    at = 0
    while found := _any_kind().search(text, at):
        at = found.start()
        if not (hit := _at(text, at, is_apart=True)):
            at += 1
        while hit:  # a number joined to one that is masked would otherwise look like a part of it
            end, kind = hit
            yield at, end, kind
            joint = _JOINT.match(text, end)
            at = joint.end() if joint else end
            hit = _at(text, at, is_apart=False)


def _at(text: str, start: int, *, is_apart: bool) -> tuple[int, _Kind] | None:
    for kind in _kinds():
        shape = kind.apart if is_apart else kind.shape
        if (found := shape.match(text, start)) and kind.is_real(found[0]):
            return found.end(), kind
    return None


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
