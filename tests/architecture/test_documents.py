"""What the documents point at exists, and what they show can be read by the tool it is for."""

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.architecture.tree import ROOT, name_of, project_files

PAGES = tuple(path for path in project_files() if path.suffix == ".md")

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


class Block(NamedTuple):
    language: str
    text: str
    line: int


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(page.read_text()))


def inline(page: Path) -> Iterator[Token]:
    for token in tokens(page):
        yield from token.children or ()


def targets(page: Path) -> Iterator[str]:
    """Everything that a page links to or shows as a picture."""
    for token in inline(page):
        target = token.attrGet("href") or token.attrGet("src")
        if target is not None:
            yield str(target)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that a code host gives to a page's headings, and those set by hand."""
    found: dict[str, int] = {}
    pairs = zip(tokens(page), tokens(page)[1:], strict=False)
    for opening, content in pairs:
        if opening.type != "heading_open":
            continue
        text = "".join(part.content for part in content.children or ())
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    numbered = {f"{slug}-{n}" for slug, last in found.items() for n in range(1, last + 1)}
    by_hand = re.findall(r'<a (?:id|name)="([^"]+)"', page.read_text())
    return frozenset({*found, *numbered, *by_hand})


def broken(page: Path, target: str) -> str | None:
    address = urlsplit(target)
    if address.scheme or address.netloc:
        return None  # other people's pages are theirs to keep
    path = (page.parent / unquote(address.path)).resolve() if address.path else page
    if address.path.startswith("/") or not path.is_relative_to(ROOT):
        return f"{target}: outside the project"
    if not path.exists():
        return f"{target}: no such file"
    if address.fragment and path.suffix == ".md" and unquote(address.fragment) not in anchors(path):
        return f"{target}: no such heading"
    return None


def blocks(page: Path) -> Iterator[Block]:
    for token in tokens(page):
        if token.type == "fence" and token.map is not None:
            words = token.info.split()
            yield Block(words[0] if words else "", token.content, token.map[0] + 1)


def parse(block: Block) -> None:
    """Raise what the block's own tool says about it."""
    match block.language:
        case "python":
            compile(block.text, "block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        case "toml":
            tomllib.loads(block.text)
        case "json":
            json.loads(block.text)
        case "sh" | "bash":
            subprocess.run(
                ["bash", "-n"], input=block.text, text=True, check=True, capture_output=True
            )
        case _:
            pass


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    assert [problem for target in targets(page) if (problem := broken(page, target))] == []


@each_page
def test_blocks_can_be_parsed(page: Path) -> None:
    for block in blocks(page):
        try:
            parse(block)
        except (SyntaxError, ValueError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or error
            pytest.fail(f"{name_of(page)}:{block.line}: {block.language}: {said}")


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One heading\n\n# 驿站：开始\n\n[a](#one-heading) [b](#驿站开始)\n")
    assert anchors(page) == {"one-heading", "驿站开始"}
    assert broken(ROOT / "README.md", "docs/no-such-page.md") is not None
    assert broken(ROOT / "README.md", "CONTRIBUTING.md#no-such-heading") is not None
    assert broken(ROOT / "README.md", "/etc/passwd") is not None
    assert broken(ROOT / "README.md", "CONTRIBUTING.md#dependencies") is None


@pytest.mark.parametrize(
    "block",
    [
        Block("python", "def f(:\n", 1),
        Block("toml", "a = \n", 1),
        Block("json", "{'a': 1}", 1),
        Block("sh", "if true; then", 1),
    ],
    ids=lambda block: block.language,
)
def test_a_broken_block_is_seen(block: Block) -> None:
    with pytest.raises((SyntaxError, ValueError, subprocess.CalledProcessError)):
        parse(block)


def test_every_page_is_in_the_index() -> None:
    """Decisions are found by their folder; every other page is listed."""
    docs = ROOT / "docs"
    listed = {docs / target.partition("#")[0] for target in targets(docs / "README.md")}
    pages = {
        page for page in PAGES if page.is_relative_to(docs) and page.parent.name != "decisions"
    }
    assert pages - listed == {docs / "README.md"}
