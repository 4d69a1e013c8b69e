"""Texts are cut into pages: each within the limit, no word lost, every fence closed."""

import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from posthouse.channels.paging import TEXT_MAX_LEAST, measure, split_text
from posthouse.model.capabilities import Capabilities, TextUnit


def narrow(text_max: int = 120, unit: TextUnit = TextUnit.CHARACTERS) -> Capabilities:
    return Capabilities(text_max=text_max, text_unit=unit, has_markdown=True)


def pages(text: str, text_max: int = 120) -> list[str]:
    return split_text(text, narrow(text_max), is_markdown=True)


# --- where a page is turned ---------------------------------------------------------------


def test_pages_turn_between_blocks() -> None:
    assert pages(f"{'a' * 70}\n\n{'b' * 70}\n\n- c\n- {'d' * 40}") == [
        "a" * 70,
        f"{'b' * 70}\n\n- c\n- {'d' * 40}",
    ]


def test_a_heading_goes_with_what_follows() -> None:
    assert pages(f"{'a' * 80}\n\n# Next\n\n{'b' * 80}") == ["a" * 80, f"# Next\n\n{'b' * 80}"]


def test_a_long_line_breaks_after_a_sentence_else_after_a_word() -> None:
    first, second = pages(f"{'one ' * 20}end. {'two ' * 20}")
    assert first.endswith("end.")
    assert second.startswith("two")
    assert pages("word " * 30)[0].endswith("word")


def test_chinese_breaks_after_a_sentence() -> None:
    assert pages(f"{'春' * 30}。{'秋' * 20}", 40) == [f"{'春' * 30}。", "秋" * 20]


def test_what_shows_as_one_is_not_torn() -> None:
    family = "👩‍👩‍👧‍👦"
    for page in split_text(family * 30, narrow(50), is_markdown=False):
        assert page.replace(family, "") == ""


def test_a_code_block_goes_on_inside_a_fence() -> None:
    lines = [f"line {number}" for number in range(30)]
    found = pages("```python\n" + "\n".join(lines) + "\n```")
    assert len(found) > 1
    for page in found:
        assert page.startswith("```python\n")
        assert page.endswith("\n```")
    shown = [line for page in found for line in page.split("\n")[1:-1]]
    assert shown == lines


def test_a_code_block_inside_a_list_becomes_no_indented_code() -> None:
    code = "".join(f"      line {number}\n" for number in range(30))
    found = pages(f"- a\n  - b\n\n      ```py\n{code}      ```\n  - c")
    assert all(token.type != "code_block" for page in found for token in MarkdownIt().parse(page))
    assert fences(found) == [f"line {number}" for number in range(30)]


def test_fences_inside_a_code_block_do_not_end_it() -> None:
    code = "```\n" * 40
    found = pages(f"`````\n{code}`````")
    assert len(found) > 1
    assert fences(found) == ["```"] * 40


def test_a_table_repeats_its_header() -> None:
    rows = [f"| {number} | value |" for number in range(20)]
    found = pages("| n | v |\n|---|---|\n" + "\n".join(rows))
    assert len(found) > 1
    assert all(page.startswith("| n | v |\n|---|---|\n") for page in found)
    assert [line for page in found for line in page.split("\n")[2:]] == rows


def test_a_table_too_wide_for_a_page_is_cut_like_text() -> None:
    row = " | ".join(f"cell{number}" for number in range(40))
    found = pages(f"| n |\n|---|\n| {row} |\n")
    assert re.findall(r"cell\d+", " ".join(found)) == [f"cell{number}" for number in range(40)]


def test_a_quote_goes_on_as_a_quote() -> None:
    assert all(page.startswith("> ") for page in pages("> " + "word " * 60))


def fences(found: list[str]) -> list[str]:
    """The lines inside code blocks, as a reader's own parser sees them."""
    tokens = (token for page in found for token in MarkdownIt().parse(page))
    return [line for t in tokens if t.type == "fence" for line in t.content.splitlines()]


# --- for every text -----------------------------------------------------------------------

LINES = st.sampled_from(
    [
        *(
            "",
            "",
            "word",
            "some words in a line. And more, that goes on and on, and on!",
            "# Title",
        ),
        *("- item", "  - deeper", "    - deepest", "1. first", "> quoted", "> > twice", "---"),
        *("```", "```python", "  ```", "    ```", "> ```", "- ```js", "~~~", "~~~~", "`````"),
        *(
            "| a | b |",
            "|---|---|",
            "| 1 | 2 |",
            "    code",
            "\tcode",
            "x" * 90,
            "春眠不觉晓。" * 9,
        ),
        *(
            "👩‍👩‍👧‍👦" * 12,
            "a ``` b ``` c",
            "word " * 25 + "``` x",
            "<div>",
            "[a]: http://b",
            "\\```",
        ),
    ]
)
DOCUMENTS = st.lists(LINES | st.text(max_size=60), max_size=40).map("\n".join)
UNITS = st.sampled_from(list(TextUnit))
LIMITS = st.integers(TEXT_MAX_LEAST, 200)


@given(text=DOCUMENTS, unit=UNITS, text_max=LIMITS, is_markdown=st.booleans())
@example(text="\ud800" * 100, unit=TextUnit.BYTES, text_max=40, is_markdown=True)
def test_no_page_exceeds_the_limit(
    *, text: str, unit: TextUnit, text_max: int, is_markdown: bool
) -> None:
    size = measure(unit)
    for page in split_text(text, narrow(text_max, unit), is_markdown=is_markdown):
        assert size(page) <= text_max
        assert page.strip()


@given(DOCUMENTS, UNITS, LIMITS)
def test_plain_text_loses_nothing_but_white_space(text: str, unit: TextUnit, text_max: int) -> None:
    found = split_text(text, narrow(text_max, unit), is_markdown=False)
    assert "".join("".join(found).split()) == "".join(text.split())


@given(DOCUMENTS, UNITS, LIMITS)
def test_markdown_loses_no_word(text: str, unit: TextUnit, text_max: int) -> None:
    """Fences and headers may come again; letters may not go."""
    found = iter(letters("\n".join(split_text(text, narrow(text_max, unit), is_markdown=True))))
    assert all(letter in found for letter in letters(text))


def letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


@given(DOCUMENTS, UNITS, LIMITS)
def test_code_is_closed_on_every_page(text: str, unit: TextUnit, text_max: int) -> None:
    found = split_text(text, narrow(text_max, unit), is_markdown=True)
    if len(found) > 1:
        for page in found:
            assert unclosed(page) == [], page


def unclosed(page: str) -> list[str]:
    """The code blocks of a page without a closing fence."""
    lines = page.split("\n")
    return [
        lines[token.map[0]]
        for token in MarkdownIt("commonmark", {"html": False}).parse(page)
        if token.type == "fence"
        and token.map
        and not is_closed(lines[slice(*token.map)], token.markup)
    ]


def is_closed(block: list[str], marker: str) -> bool:
    end = block[-1].lstrip("> \t").rstrip() if len(block) > 1 else ""
    return len(end) >= len(marker) and set(end) == {marker[0]}


def test_the_judge_of_fences_sees_an_open_one() -> None:
    assert unclosed("```\na\n```\n\n> ~~~\n> b") == ["> ~~~"]
