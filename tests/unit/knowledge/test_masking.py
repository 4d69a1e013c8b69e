"""What belongs to people is made unreadable; facts that look like it stay."""

import random

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
        (f"card {CARD} or 4111 1111 1111 1111", "card [bank card] or [bank card]"),
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
        "价格１２３４５６７８元，型号ＡＢＣ－１２３",
        "2024-11-20 12:33:44 +0800, range 10-20-30, +10 points, port 8350-8360",
    ],
)
def test_facts_stay(said: str) -> None:
    assert mask(said) == said


PERSONAL = st.sampled_from([
    "13812345678", "+86 13912345678", "li@corp.com.cn", IDENTITY, VIN, CARD, "021-61234567",
    "+44 20 7946 0958",
])  # fmt: skip


@given(st.lists(PERSONAL | st.text("中文ab1 2-/:.@+[]，。", max_size=12), max_size=8))
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


@given(st.text("0123456789", min_size=11, max_size=11).filter(lambda it: it[0] != "1"))
def test_eleven_digits_that_are_no_phone_stay(digits: str) -> None:
    assert mask(f"no {digits} here") == f"no {digits} here"


def test_a_long_hostile_text_takes_no_time() -> None:
    rng = random.Random(7)
    text = "".join(rng.choice("1234567890 -@.+()a") for _ in range(200_000))
    assert len(mask(text)) > 0  # the time-out of the suite is what would fail


def test_a_text_of_one_kind_is_masked_everywhere() -> None:
    assert mask("13812345678，" * 1000) == "[电话]，" * 1000
