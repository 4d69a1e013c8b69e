"""Content is made to fit: every page within the limit, no word lost, every fence closed."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from posthouse.channels.degrade import TEXT_MAX_LEAST, measure, split, split_text
from posthouse.channels.markup import MARKDOWN_CHARACTERS_MAX
from posthouse.model.address import Person
from posthouse.model.capabilities import Capabilities, TextUnit
from posthouse.model.message import Choice, Content, Media

YES_NO = (Choice("Yes", "q1:0"), Choice("No", "q1:1"))
REPORT = Media(ref="sha256:00", name="report.pdf")
WIDE = Capabilities(text_max=4000, choices_max=5, has_markdown=True, has_media=True)


def narrow(text_max: int = 120, unit: TextUnit = TextUnit.CHARACTERS) -> Capabilities:
    return Capabilities(text_max=text_max, text_unit=unit, has_markdown=True)


def pages(text: str, text_max: int = 120) -> list[str]:
    return split_text(text, narrow(text_max), is_markdown=True)


# --- what a platform does not have --------------------------------------------------------


def test_what_fits_stays_as_it_is() -> None:
    content = Content("*hello*", choices=YES_NO, mentions=(Person("u-1"),))
    assert split(content, WIDE) == (content,)


def test_buttons_stand_below_the_last_words() -> None:
    content = Content("word " * 100, choices=YES_NO, mentions=(Person("u-1"),))
    first, *_, last = split(content, Capabilities(text_max=200, choices_max=2, has_markdown=True))
    assert (first.choices, first.mentions) == ((), (Person("u-1"),))
    assert (last.choices, last.mentions) == (YES_NO, ())


def test_buttons_that_do_not_all_fit_become_a_list_of_numbers() -> None:
    (part,) = split(Content("Sure?", choices=YES_NO), Capabilities(choices_max=1))
    assert part.choices == ()
    assert part.text == "Sure?\n\n1. Yes\n2. No"


def test_markdown_becomes_plain_where_there_is_none() -> None:
    (part,) = split(Content("**Hi** [there](https://a.example)"), Capabilities())
    assert (part.text, part.format) == ("Hi there (https://a.example)", "plain")


def test_plain_text_is_never_read_as_markdown() -> None:
    (part,) = split(Content("2*3*4", "plain"), Capabilities())
    assert part.text == "2*3*4"


def test_words_and_file_are_two_messages() -> None:
    words, file = split(Content("Here:", media=REPORT, choices=YES_NO), WIDE)
    assert (words.text, words.media, words.choices) == ("Here:", None, YES_NO)
    assert (file.text, file.media, file.choices) == ("", REPORT, ())


def test_a_file_alone_carries_the_buttons() -> None:
    assert split(Content(media=REPORT, choices=YES_NO), WIDE) == (
        Content(media=REPORT, choices=YES_NO),
    )


def test_a_file_is_named_where_there_are_none() -> None:
    (part,) = split(Content("Here:", media=REPORT), Capabilities())
    assert (part.text, part.media) == ("Here:\n\n📎 report.pdf", None)


def test_nothing_to_say_is_still_one_message() -> None:
    assert split(Content(""), WIDE) == (Content(""),)


def test_a_huge_text_is_not_parsed() -> None:
    content = Content("*a* " * (MARKDOWN_CHARACTERS_MAX // 4 + 1))
    assert {part.format for part in split(content, WIDE)} == {"plain"}


def test_a_limit_without_room_for_a_fence_is_a_defect_of_the_channel() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        split(Content("hello"), Capabilities(text_max=TEXT_MAX_LEAST - 1))


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
