"""What belongs to people is made unreadable; facts that look like it stay."""

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.knowledge.masking import mask

IDENTITY = "11010519491231002X"
VIN = "1M8GDM9AXKP042788"
CARD = "6222021234567890128"


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("电话13812345678。", "电话[电话]。"),
        ("手机:138-1234-5678，备用+86 13912345678", "手机:[电话]，备用[电话]"),
        ("13812345678/13912345678、13712345678-13612345678", "[电话]/[电话]、[电话]-[电话]"),
        ("座机021-61234567转8，或（010）6123 4567", "座机[电话]转8，或[电话]"),
        ("call +1 (555) 210-9999 or 555-210-9999", "call [phone] or [phone]"),
        ("write to jane.doe+bot@corp.example.com.", "write to [e-mail]."),
        ("邮箱：a_b@公司.cn, li@corp.com.cn", "邮箱：a_b@公司.cn, [邮箱]"),
        (f"身份证{IDENTITY}，旧证 110105491231002", "身份证[身份证号]，旧证 [身份证号]"),
        (f"VIN {VIN}", "VIN [VIN]"),
        ("电话１３８１２３４５６７８，座机０１０－６１２３４５６７", "电话[电话]，座机[电话]"),
        ("邮箱：ｌｉ＠ｃｏｒｐ．ｃｏｍ", "邮箱：[邮箱]"),
        ("邮箱 li＠corp.com.cn", "邮箱 [邮箱]"),
        ("身份证１１０１０５１９４９１２３１００２Ｘ", "身份证[身份证号]"),
        ("138\u200b12345678、1\u00ad3812345678、138\u202f1234\u202f5678", "[电话]、[电话]、[电话]"),
        ("𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖", "[phone]"),
        ("138.1234.5678 138 1234 5678 138-1234-5678 138·1234·5678", "[phone] " * 3 + "[phone]"),
        (
            "138 - 1234 - 5678; 138–1234–5678; 1381-234-5678; 138 12345678",
            "[phone]; " * 3 + "[phone]",
        ),
        ("+86 138 1234 5678, (+86)138.1234.5678, 86-13812345678", "[phone], [phone], [phone]"),
        ("Tel.13812345678. Call 13812345678.Thanks", "Tel.[phone]. Call [phone].Thanks"),
        ("010.6123.4567 or 021 6123-4567", "[phone] or [phone]"),
        ("+1.555.210.9999, 555.210.9999, +44 (0)20 7946 0958", "[phone], [phone], [phone]"),
        ("li [at] corp.cn, li(at)corp.cn, li{AT}corp[dot]com(.)cn", "[e-mail], [e-mail], [e-mail]"),
        ("邮箱 li【at】corp.cn", "邮箱 [邮箱]"),
        ("li@corp.com.cn.13812345678", "[e-mail].[phone]"),
        ("li\u200b@corp.cn and mailto:li@corp.cn", "[e-mail] and mailto:[e-mail]"),
        ("110105 1949 1231 002X", "[ID number]"),
        ("12 34 110105 19491231 002x", "12 34 [ID number]"),
        ("110105-19491231-002X", "[ID number]"),
        (f"vin {VIN.lower()}, V\u200bIN {VIN[:9]}\u200d{VIN[9:]}", "vin [VIN], V\u200bIN [VIN]"),
        ("6222.0212.3456.7890.128, 3782 822463 10005", "[bank card], [bank card]"),
        (f"{IDENTITY}/13812345678/{CARD}/{VIN}", "[ID number]/[phone]/[bank card]/[VIN]"),
        (f"card {CARD} or 4111 1111 1111 1111", "card [bank card] or [bank card]"),
        ("phone13812345678 qq13812345678 Tel138-1234-5678", "phone[phone] qq[phone] Tel[phone]"),
        (f"微信QQ13812345678，ID{IDENTITY}，VIN{VIN}", "微信QQ[电话]，ID[身份证号]，VIN[车架号]"),
        (f"VIN{'L' + VIN[1:]} vin{VIN}", f"VIN{'L' + VIN[1:]} vin[VIN]"),
        ("8613812345678, #13812345678", "[phone], #[phone]"),
        ("01062618888，075583456789；051265212345-801", "[电话]，[电话]；[电话]"),
        ("(138)1234-5678, (138) 12345678", "[phone], [phone]"),
        ("138 123 45678, 138-12-34-56-78", "[phone], [phone]"),
        ("+33 1 23 45 67 89, +33 (0)1 23 45 67 89, +7 9 12 345 67 89", "[phone], [phone], [phone]"),
        ("(415) 555 2671, _13812345678_", "[phone], _[phone]_"),
        ("138**1234**5678, `138`1234`5678, __1381234__5678__", "[phone], `[phone], __[phone]__"),
        ("请联系 https://li@corp.cn。", "请联系 https://[邮箱]。"),
    ],
)
def test_what_belongs_to_people_is_masked(said: str, masked: str) -> None:
    assert mask(said) == masked


@pytest.mark.parametrize(
    "said",
    [
        "posthouse 1.138.12345678 on 10.0.0.1:8350, IPv6 fe80::1:2",
        "sha256:13812345678abcdef and 550e8400-e29b-41d4-a716-446655440000",
        "https://example.org/issues/13812345678?id=1",
        "git@github.com:team/repo.git, user@example.com, noreply@firm.com",
        "热线 400-800-8888，报警 110，邮编 100080",
        "订单 20241120123456 共 13,812,345,678 元，时间戳 1700000000000",
        "110105194912310021 1M8GDM9A1KP042788 6222021234567890123",  # none of them adds up
        "WWWWWWWWWWWWWWWWW 11111111111111111",
        "1.2.345.6789, v138.1234.5678, Chrome 138.0.7204.49, Windows 10.0.19045.3803, 1.0.0-138",
        "192.168.138.123, 138.123.45.67:8350, 255.255.255.0/24, fe80::1381:2345:6789:1",
        "2024-11-20T12:33:44.138123Z, 2024.11.20, 20241120 123344, 11/20/2024, 138 20241120",
        "commit 1381234567890abcdef1234567890abcdef12345, 9f86d081884c7d65, fedcba98765432101",
        "550e8400-1381-1381-1234-446655440000, 13812345-1234-1234-1234-123456789012",
        "order 1234567890, 2024112012345678, A13812345678, 13812345678A, SO-13812345678",
        "138.12345678, 0.13812345678, 13812345678.5, +1.23456789, 116.4074 39.9042",
        "+10 20 30, +1 5 5 5 5 5 5 5 5, 1 3 8 1 2 3 4 5 6 7 8, 1381 2345 678",
        "meet at corp.cn, look [at] this, a @ b.mean()",
        "postgresql://me:secret@db.internal/posthouse",
        f"{VIN[:8]}{VIN[8:].lower()}",  # in two cases: a key of a machine
        "价格１２３４５６７８元，型号ＡＢＣ－１２３",
        "image@2x.png, logo@2x.webp, me@MyClass.method, df@df.index.values",
        "300-400-5000 rpm, 01012345678, 037112345678, 0106261888, 05126521234567",
        "scp li@host.corp.cn:/srv, rsync li@host.corp.cn:~/x, https://li@corp.cn/team/house.git",
        "grid13812345678, order_id13812345678, page.md#13812345678, paid13812345678",
        "2**10, 138*1234*5678, +1 5 5 55 5 5 5 5",
        "2024-11-20 12:33:44 +0800, range 10-20-30, +10 points, port 8350-8360",
    ],
)
def test_facts_stay(said: str) -> None:
    assert mask(said) == said


NUMBERS = [
    "13812345678", "+8613912345678", IDENTITY, CARD, "021-61234567", "+44 20 7946 0958",
    "555-210-9999", "8613812345678", "01062618888", "(138)1234-5678", "+33 1 23 45 67 89",
]  # fmt: skip
PERSONAL = st.sampled_from([*NUMBERS, VIN, VIN.lower(), "li@corp.com.cn", "li [at] corp.com.cn"])
JOINTS = st.sampled_from(["", " ", "/", "-", ", ", ".", "\u200b", "**", "#", "QQ", "https://"])


@given(
    st.lists(PERSONAL | JOINTS | st.text("中文ab1 2-/:.@+[]，。\u200b", max_size=12), max_size=8)
)
def test_masking_twice_is_masking_once(parts: list[str]) -> None:
    once = mask("".join(parts))
    assert mask(once) == once


@given(
    PERSONAL,
    st.text("手机邮箱：，。、 \n（）【】", max_size=20),
    st.text("，。、；\n )）", max_size=5),
)
def test_nothing_personal_is_left_between_words(said: str, before: str, after: str) -> None:
    assert said not in mask(f"{before}{said}{after}")


GROUPED = {
    "13812345678": ((3, 4, 4), (4, 3, 4)),
    IDENTITY: ((6, 8, 4), (6, 4, 4, 4), (4, 4, 4, 4, 2), (6, 4, 2, 2, 4)),
    CARD: ((4, 4, 4, 4, 3),),
}


@given(
    st.sampled_from([(number, cut) for number, cuts in GROUPED.items() for cut in cuts]),
    st.sampled_from([" ", "-", "\u2011", "\u00a0", "\u200b", " \u200d"]),
    st.text("手机：，。 \n", max_size=9),
    st.integers(0, 20),
)
def test_no_grouping_brings_a_number_out(
    grouped: tuple[str, tuple[int, ...]], gap: str, before: str, hidden_at: int
) -> None:
    number, cut = grouped
    ends = [sum(cut[: at + 1]) for at in range(len(cut))]
    said = gap.join(number[end - size : end] for size, end in zip(cut, ends, strict=True))
    said = f"{said[:hidden_at]}\u2060{said[hidden_at:]}"
    assert number not in re.sub(r"\W", "", mask(f"{before}{said}。"), flags=re.ASCII)


@given(st.text("0123456789", min_size=11, max_size=11).filter(lambda it: it[0] not in "01"))
def test_eleven_digits_that_are_no_phone_stay(digits: str) -> None:
    assert mask(f"no {digits} here") == f"no {digits} here"


MEGABYTE = 1_000_000
GARBAGE_S_MAX = 10.0  # a second or less is usual; a quadratic search takes hours


@pytest.mark.parametrize(
    "piece",
    ["+11111111111111111111", f"13812345678/{IDENTITY}/", "1 ", "a@", "a [at] ", "1\u200b", " ",
     "".join(random.Random(7).choices("1234567890 -@.+()a", k=5000))],
)  # fmt: skip
def test_a_megabyte_of_garbage_takes_no_time(piece: str) -> None:
    text = piece * (MEGABYTE // len(piece))
    began_at = time.process_time()
    mask(text)
    assert time.process_time() - began_at < GARBAGE_S_MAX


def test_a_chain_of_numbers_is_masked_to_its_end() -> None:
    assert mask(f"13812345678/{IDENTITY}/" * 1000) == "[phone]/[ID number]/" * 1000


def test_a_text_of_one_kind_is_masked_everywhere() -> None:
    assert mask("13812345678，" * 1000) == "[电话]，" * 1000
