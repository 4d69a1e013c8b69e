"""Which files can be read, by their names and by what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from msgspec import Struct

from posthouse.knowledge.formats.charset import is_text
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.passage import Extract

READERS_VERSION = 2  # to be raised when files are read differently: all are read again then
BYTES_MAX = 100 * 1024**2

_SNIFFED_BYTES = 1024


class Format(Struct, frozen=True):
    """A kind of file, and the module that reads it."""

    name: str
    module: str
    is_heavy: bool = False  # read by a process of its own: by large libraries, from wild files
    has_columns: bool = False


_FORMATS = {
    format_.name: format_
    for format_ in (
        Format("md", "markdown"),
        Format("txt", "plain"),
        Format("html", "html", is_heavy=True),
        Format("pdf", "pdf", is_heavy=True),
        Format("docx", "word", is_heavy=True),
        Format("xlsx", "excel", is_heavy=True, has_columns=True),
        Format("pptx", "powerpoint", is_heavy=True),
        Format("csv", "separated", has_columns=True),
        Format("code", "code"),
    )
}

_SUFFIXES: Mapping[str, str] = {
    "md": "md markdown mdown mdx qmd",
    "txt": "txt text log org rst adoc",
    "html": "html htm xhtml",
    "pdf": "pdf",
    "docx": "docx docm",
    "xlsx": "xlsx xlsm",
    "pptx": "pptx pptm",
    "csv": "csv tsv",
    "code": """
        py pyi js mjs cjs jsx ts tsx vue java kt kts scala groovy go rs c h cc cpp cxx hpp hh cs m
        mm swift rb php pl lua r jl dart ex exs erl hs ml clj sh bash zsh fish ps1 bat cmd sql proto
        thrift graphql toml yaml yml json jsonc ini cfg conf properties xml gradle cmake dockerfile
        makefile tf nix css scss less
    """,
}
_BY_SUFFIX = {suffix: name for name, all_ in _SUFFIXES.items() for suffix in all_.split()}
_MADE_BY_MACHINES = re.compile(r"\.min\.(js|css)$|(^|[-.])lock\.(json|yaml|toml)$")
_OFFICE = {b"word/": "docx", b"xl/": "xlsx", b"ppt/": "pptx"}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_PAGE_BEGINS = (b"<!doctype html", b"<html")


def is_wanted(name: str) -> bool:
    """Whether a file of this name is read out of a folder; others are passed over in silence."""
    return _suffix(name) in _BY_SUFFIX and not _MADE_BY_MACHINES.search(name.lower())


def format_of(data: bytes, name: str) -> Format:
    """Tell what kind of file this is: by what is in it first, then by its name.

    Raises:
        Unreadable: nothing here reads such a file.
    """
    found = _by_content(data)
    named = _BY_SUFFIX.get(_suffix(name), "")
    if not found and named in {"pdf", "docx", "xlsx", "pptx"}:
        found = named  # its reader says what is wrong with it
    if not found:
        found = _text_format(data, name, named)
    return _FORMATS[found]


def read(data: bytes, name: str, columns: Mapping[str, str] | None = None) -> Extract:
    """Read a file.

    Args:
        data: the whole of it.
        name: its name, with a suffix.
        columns: for tables, what a person has decided about columns (``formats.columns``).

    Raises:
        Unreadable: why it cannot be read, and what to do about it.
    """
    if len(data) > BYTES_MAX:
        raise Unreadable(
            f"It is larger than {BYTES_MAX // 1024**2} MB; split it.",
            zh=f"文件超过 {BYTES_MAX // 1024**2} MB，请拆分。",
        )
    kind = format_of(data, name)
    module = import_module(f"posthouse.knowledge.formats.{kind.module}")
    reader = cast("Callable[..., Extract]", module.read)
    extract = reader(data, name, columns) if kind.has_columns else reader(data, name)
    if not extract.blocks:
        raise Unreadable("There is no text in it.", zh="里面没有文字。")
    return extract


def _suffix(name: str) -> str:
    base = name.replace("\\", "/").rpartition("/")[2].lower()
    return base.rpartition(".")[2] if "." in base else base


def _by_content(data: bytes) -> str:
    if data[:_SNIFFED_BYTES].lstrip().startswith(b"%PDF-"):
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        # The directory at an archive's end names its parts.
        return next((name for mark, name in _OFFICE.items() if mark in data), "")
    if data[:_SNIFFED_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGE_BEGINS):
        return "html"
    return ""


def _text_format(data: bytes, name: str, named: str) -> str:
    if data.startswith((b"PK\x03\x04", _OLD_OFFICE)) or not is_text(data):
        kind = _suffix(name) or name
        raise Unreadable(
            f"{kind} files are not read; those are: md, txt, html, pdf, docx, xlsx, pptx, csv and"
            " source code. Save it as one of these.",
            zh=f"不支持 {kind} 文件；请另存为 md、txt、html、pdf、docx、xlsx、pptx、csv 或源代码。",
        )
    return named or "txt"
