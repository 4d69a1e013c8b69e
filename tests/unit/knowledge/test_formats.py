"""Every format gives text with headings, pages and lines; what cannot be read says why."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.knowledge.formats.catalogue import format_of, is_wanted, read
from posthouse.knowledge.formats.package import BYTES_MAX
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.passage import Block
from tests.unit.knowledge import files

MARKDOWN = """---
title: "How to"
---
# Guide

Intro [link](other.md) and ![picture](a.png).
<!-- not
read -->

Setext
------

- one

  more of one
- two

```python
# no heading
print(1)
```

## Table

| a | b |
|---|---|
| 1 | 2 |
***
End.
"""


def test_markdown_keeps_headings_code_tables_and_lines() -> None:
    extract = read(MARKDOWN.encode(), "guide.md")
    assert extract.title == "How to"
    assert extract.blocks == (
        Block("Intro link and picture.", ("Guide",), line=6),
        Block("- one\n\n  more of one\n- two", ("Guide", "Setext"), line=13),
        Block("# no heading\nprint(1)", ("Guide", "Setext"), line=19, kind="code"),
        Block("| a | b |\n|---|---|\n| 1 | 2 |", ("Guide", "Table"), line=25, kind="table"),
        Block("End.", ("Guide", "Table"), line=29),
    )


@pytest.mark.parametrize(
    ("line", "heading"),
    [("# A #", "A"), ("## B ##  ", "B"), ("# C#", "C#"), ("#", ""), ("# #", ""), ("#no", None)],
)
def test_headings_of_markdown(line: str, heading: str | None) -> None:
    blocks = read(f"{line}\n\ntext".encode(), "a.md").blocks
    assert blocks[-1].headings == ((heading,) if heading else ())
    assert len(blocks) == (2 if heading is None else 1)


@pytest.mark.parametrize("piece", ["# " + " " * 9, "[x](", "<a ", "| ", "- ", "![", "<!--", "*"])
@pytest.mark.parametrize("suffix", ["md", "html", "txt", "csv", "py"])
def test_a_hostile_line_takes_no_longer_than_its_length(piece: str, suffix: str) -> None:
    began = time.process_time()
    with contextlib.suppress(Unreadable):
        read((piece * (200_000 // len(piece)) + "x").encode(), f"a.{suffix}")
    assert time.process_time() - began < 5.0  # a quadratic reader takes minutes


def test_a_long_table_repeats_its_head() -> None:
    rows = "\n".join(f"| {number} | {'x' * 90} |" for number in range(30))
    blocks = read(f"| n | text |\n|---|---|\n{rows}\n".encode(), "t.md").blocks
    assert len(blocks) > 2
    assert all(block.text.startswith("| n | text |\n|---|---|\n| ") for block in blocks)
    second = blocks[1]
    assert second.text.split("\n")[2] == f"| {second.line - 3} | {'x' * 90} |"


def test_text_knows_the_chapters_of_chinese_books() -> None:
    text = "第一章 总则\n\n第一段第一行\n第二行\n\n第二段\n\n第二章 附则\n尾声\n"
    assert read(text.encode("gb18030"), "law.txt").blocks == (
        Block("第一段第一行\n第二行", ("第一章 总则",), line=3),
        Block("第二段", ("第一章 总则",), line=6),
        Block("尾声", ("第二章 附则",), line=9),
    )


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_in_any_charset(charset: str) -> None:
    (block,) = read("怎么接入飞书？\r\n好".encode(charset), "a.txt").blocks
    assert block.text == "怎么接入飞书？\n好"


def test_code_is_cut_at_definitions() -> None:
    body = "    # " + "x" * 70
    source = "import os\n\n" + "\n".join(
        f"def number_{name}():\n" + "\n".join([body] * 4) for name in "ab"
    )
    first, second = read(source.encode(), "src/things.py").blocks
    assert (first.headings, first.line, first.kind) == (("def number_a():".rstrip(":"),), 1, "code")
    assert (second.headings, second.line) == (("def number_b()",), 8)


PAGE = """<!doctype html><html><head><title>Help | Firm</title>
<style>p{}</style></head><body><nav>Home Shop</nav><main><h1>帮助</h1>
<p>Press <b>the</b> button<br>twice.</p><script>evil()</script><h2>More</h2>
<ul><li>one</li><li>two <ul><li>deep</li></ul></li></ul><pre>a
  b</pre><table><tr><th>k</th><th>v</th></tr><tr><td>1</td><td>2</td></tr></table>
<p hidden>gone</p></main><footer>© Firm</footer></body></html>"""


def test_a_page_is_what_people_read_of_it() -> None:
    extract = read(PAGE.encode(), "page")
    assert extract.title == "Help | Firm"
    assert extract.blocks == (
        Block("Press the button\ntwice.", ("帮助",)),
        Block("- one", ("帮助", "More")),
        Block("- two", ("帮助", "More")),
        Block("- deep", ("帮助", "More")),
        Block("a\n  b", ("帮助", "More"), kind="code"),
        Block("| k | v |\n|---|---|\n| 1 | 2 |", ("帮助", "More"), kind="table"),
    )


def test_a_page_says_its_charset() -> None:
    page = '<html><meta charset="gbk"><p>你好，世界</p>'
    assert read(page.encode("gbk"), "a.html").blocks == (Block("你好，世界"),)


def test_a_page_may_nest_as_deep_as_it_likes() -> None:
    (block,) = read(b"<html>" + b"<div>" * 5000 + b"deep", "a.html").blocks
    assert block.text == "deep"


def test_pdf_keeps_pages_and_bookmarks() -> None:
    data = files.pdf(["First."], ["Second."], bookmarks=[("Begin", 1), ("End", 2)])
    extract = read(data, "m.pdf")
    assert extract.title == "Begin"
    assert extract.blocks == (
        Block("First.", ("Begin",), page=1),
        Block("Second.", ("End",), page=2),
    )


def test_running_titles_of_a_pdf_are_left_out_and_lines_are_joined() -> None:
    pages = [
        ["The manual", f"Chapter of {word} and how it is", "done without harm.", word, "is", f"{n}"]
        for n, word in enumerate(["trees", "birds", "stones", "rivers", "clouds"], 1)
    ]
    texts = [block.text for block in read(files.pdf(*pages), "m.pdf").blocks]
    assert "Chapter of birds and how it is done without harm." in texts
    assert "The manual" not in texts
    assert "3" not in texts


def test_word_keeps_headings_lists_and_tables() -> None:
    extract = read(files.docx(), "h.docx")
    assert extract.title == "Travel"
    assert extract.blocks == (
        Block("Book trains early.", ("Travel",)),
        Block("- Ask within 30 days.", ("Travel", "Refunds")),
        Block(
            "| Class | Limit |\n|---|---|\n| second | 600 |", ("Travel", "Refunds"), kind="table"
        ),
    )


def test_slides_are_pages_with_their_notes() -> None:
    assert read(files.pptx(), "p.pptx").blocks == (
        Block("今年上线三个平台", ("目标",), page=1),
        Block("Ship it", ("Plan",), page=2),
        Block("| c0 | c1 |\n|---|---|\n| c2 | c3 |", ("Plan",), page=2, kind="table"),
        Block("say thanks", ("Plan",), page=2),
    )


def test_sheets_of_a_workbook() -> None:
    data = files.xlsx(("Prices", [["item", "price"], ["tea", 3.0]]), ("Empty", []))
    assert read(data, "p.xlsx").blocks == (
        Block("| item | price |\n|---|---|\n| tea | 3 |", ("Prices",), line=1, kind="table"),
    )


# ── what is in a file counts more than its name ──────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "name", "format_"),
    [
        (files.pdf(["x"]), "report.docx", "pdf"),
        (files.docx(), "letter.doc", "docx"),
        (files.pptx(), "no name", "pptx"),
        (b"<!DOCTYPE html><p>x", "page.txt", "html"),
        (b"a,b\n1,2\n", "x.CSV", "csv"),
        (b"plain words", "LICENSE", "txt"),
        (b"all:\n\ttrue\n", "Makefile", "code"),
    ],
)
def test_the_format_of_a_file(data: bytes, name: str, format_: str) -> None:
    assert format_of(data, name).name == format_


def test_what_a_folder_gives() -> None:
    names = ["a.md", "b.PDF", "Dockerfile", "c.png", "d.zip", "e", "f.exe", "j.min.js"]
    names += ["package-lock.json", "poetry.lock"]
    assert [name for name in names if is_wanted(name)] == ["a.md", "b.PDF", "Dockerfile"]


# ── what cannot be read ──────────────────────────────────────────────────────────────────────

BOMB = files.package(xl__workbook_xml=b"<a/>", xl__big_xml=b" " * (BYTES_MAX // 8))
ENTITIES = files.package(word__document_xml=b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>')


@pytest.mark.parametrize(
    ("data", "name", "remedy"),
    [
        (files.encrypted_pdf(), "a.pdf", "password"),
        (files.pdf([], []), "scan.pdf", "OCR"),
        (files.pdf(["x"])[:200], "cut.pdf", "damaged"),
        (b"%PDF-1.7 nothing more", "a.pdf", "damaged"),
        (files.docx()[:2000], "cut.docx", "damaged"),
        (b"PK\x03\x04" + bytes(300), "a.xlsx", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old.xls", "Save it as"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "locked.xlsx", "password"),
        (BOMB, "bomb.xlsx", "Unpacked"),
        (ENTITIES, "evil.docx", "entities"),
        (files.package(word__other_xml=b"<a/>"), "odd.docx", "damaged"),
        (bytes(range(256)) * 40, "garbage.md", "files are not read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "picture.png", "files are not read"),
        (b"   \n\n", "empty.txt", "no text"),
        (files.xlsx(("Empty", [])), "empty.xlsx", "no text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_says_why(data: bytes, name: str, remedy: str) -> None:
    with pytest.raises(Unreadable, match=remedy) as problem:
        read(data, name)
    assert problem.value.zh


@given(st.binary(max_size=400), st.sampled_from(["md", "txt", "html", "pdf", "csv", "py", "docx"]))
def test_no_bytes_raise_anything_else(data: bytes, suffix: str) -> None:
    try:
        extract = read(data, f"file.{suffix}")
    except Unreadable:
        return
    assert all(block.text.strip() for block in extract.blocks)


@given(st.text(alphabet="#=-|`~> \n\t*ab1.一", max_size=200))
def test_every_line_of_markdown_is_where_it_says(text: str) -> None:
    try:
        blocks = read(text.encode(), "a.md").blocks
    except Unreadable:
        return
    lines = text.split("\n")
    for block in blocks:
        assert 1 <= block.line <= len(lines)
        here, said = lines[block.line - 1].strip(), block.text.split("\n")[0].strip()
        assert here.startswith(said) or said.startswith(here)  # lines of a paragraph are joined


def test_lines_of_a_markdown_paragraph_are_put_together() -> None:
    text = (
        "发送“撤回”，\n机器人收回\nthe answer\nthat you got.\n\n- one\n  more\n- two\n> said\n> so"
    )
    (words, points) = read(text.encode(), "a.md").blocks
    assert words.text == "发送“撤回”，机器人收回 the answer that you got."
    assert points.text == "- one more\n- two\n> said\n> so"
