"""What the page of guarantees says of each channel is what the code says."""

from __future__ import annotations

import pytest

from posthouse.channels.catalogue import CHANNELS
from posthouse.cli.laboratory.guarantees import BEGIN, END, shipped, table
from posthouse.model.capabilities import Capabilities
from tests.architecture.tree import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text("utf-8")


def test_every_channel_has_a_row() -> None:
    assert shipped().keys() == CHANNELS.keys() - {"probe"}


def test_the_table_is_the_code_s() -> None:
    before, begin, rest = PAGE.partition(f"{BEGIN}\n")
    written, end, _ = rest.partition(f"\n{END}")
    assert before, "the page has no beginning"
    assert begin, f"{BEGIN} is missing"
    assert end, f"{END} is missing"
    assert written == table(shipped()), "python -m posthouse.cli.laboratory.guarantees prints it"


@pytest.mark.parametrize(
    ("can", "words"),
    [
        (Capabilities(), "at most once per unclear call, marked"),
        (Capabilities(resend_key_window_s=3630.0), "never within 60 min"),
        (Capabilities(resend_key_window_s=1e9), "| never |"),
        (Capabilities(can_overwrite=True), "never: a repeat overwrites"),
        (Capabilities(can_look_up=True), "told nothing; then once, marked"),
        (Capabilities(can_recall=True, recall_window_s=120.0), "within 2 min"),
    ],
)
def test_a_row_says_what_a_platform_can_do(can: Capabilities, words: str) -> None:
    assert words in table({"x": can})


def test_every_test_that_the_page_names_exists() -> None:
    named = {word.strip("`,.;()") for word in PAGE.split() if word.strip("`").startswith("tests/")}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
