"""Markdown as a neutral tree and as plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.channels.markup import (
    _PLAIN,
    MARKDOWN_CHARACTERS_MAX,
    Mark,
    Node,
    _blocks,
    parse,
    to_plain,
)


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("# Title\n\nwords", "Title\n\nwords"),
        ("**bold** *leaning* ~~gone~~ `code`", "bold leaning gone code"),
        ("one\ntwo  \nthree", "one\ntwo\nthree"),
        ("[here](https://a.example)", "here (https://a.example)"),
        ("<https://a.example>", "https://a.example"),
        ("[https://a.example](https://a.example)", "https://a.example"),
        ("<me@a.example>", "me@a.example"),
        ("![a *cat*](https://a.example/c.png)", "a cat (https://a.example/c.png)"),
        ("- one\n- two\n  - deeper", "• one\n• two\n  • deeper"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("> said\n> so", "> said\n> so"),
        ("```python\nif x:\n    y\n```", "if x:\n    y"),
        ("| a | b |\n|---|---|\n| 1 | *2* |", "a | b\n1 | 2"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        ("1 \\* 2", "1 * 2"),
        ("", ""),
    ],
)
def test_plain_text_is_what_a_person_would_write(markdown: str, plain: str) -> None:
    assert to_plain(markdown) == plain


def test_html_is_text_like_any_other() -> None:
    assert to_plain("<script>alert(1)</script>") == "<script>alert(1)</script>"
    marks = {node.mark for node in walk(parse("<b>hi</b>\n\n<div>\n\nhi\n\n</div>"))}
    assert marks == {Mark.DOCUMENT, Mark.PARAGRAPH, Mark.TEXT}


@pytest.mark.parametrize(
    "scheme", ["javascript:x", "JavaScript:x", "data:text/html,x", "vbscript:x"]
)
def test_a_link_that_could_run_stays_words(scheme: str) -> None:
    assert Mark.LINK not in {node.mark for node in walk(parse(f"[click]({scheme})"))}


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(" ab1.!-"), max_size=30))
def test_the_short_way_leads_to_the_same_words(text: str) -> None:
    if _PLAIN.fullmatch(text):
        assert "\n\n".join(_blocks(parse(text).children)) == text == to_plain(text)


@pytest.mark.parametrize("text", ["hello", "你好，我在。", "Sure, it is 5 pm", "a"])
def test_most_short_answers_take_the_short_way(text: str) -> None:
    assert _PLAIN.fullmatch(text)


def test_the_tree_says_what_a_dialect_needs() -> None:
    heading, code, numbers = parse("## Two\n\n```js run\nx\n```\n\n7. a").children
    assert (heading.mark, heading.number) == (Mark.HEADING, 2)
    assert (code.mark, code.detail, code.text) == (Mark.CODE, "js", "x\n")
    assert (numbers.mark, numbers.number) == (Mark.NUMBERS, 7)


def test_a_huge_text_is_one_paragraph() -> None:
    text = "*a*" * MARKDOWN_CHARACTERS_MAX
    assert to_plain(text) == text


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("*_`#>[]()|-\n!~<&;"), max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(to_plain(text), str)


@given(st.lists(st.sampled_from(["alpha", "**beta**", "`gamma`", "[delta](http://e)", "\n\n- "])))
def test_no_word_is_lost(pieces: list[str]) -> None:
    plain = to_plain(" ".join(pieces))
    for word in ("alpha", "beta", "gamma", "delta"):
        assert plain.count(word) == " ".join(pieces).count(word)


def walk(node: Node) -> list[Node]:
    return [node, *(below for child in node.children for below in walk(child))]
