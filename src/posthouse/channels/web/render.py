"""Words → safe HTML. Pure, and bounded: what does not fit is cut before it gets here.

What a bot says is Markdown. What people type is text in which only code, links and mentions are
seen: nobody expects "# 1" to become a heading. HTML is never passed through, links leave in a page
of their own without a referrer, and pictures from elsewhere are links: looking at a message never
calls anybody.
"""

# ruff: noqa: ARG002 - markdown-it hands the same things to every rule

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from posthouse.channels.web.mentions import pattern_of

_CACHE_SIZE = 1024
_URL = re.compile(
    r"https?://[!#-&(-;=?-_a-z{-~]*"  # ASCII but quotes and angles: Chinese follows without a space
    r"[#-&*+/-9=@-Z_a-z~]",  # the sentence's own punctuation stays outside
    re.IGNORECASE,
)
_LINK_ATTRIBUTES = 'target="_blank" rel="noopener noreferrer nofollow"'
_FOLLOWED = ("http://", "https://", "mailto:")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,24}")

Environment = MutableMapping[str, Any]  # markdown-it's own way to hand something through


class _Html(RendererHTML):
    """Markdown-it's tokens, as this page writes them."""

    def text(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        return _words(tokens[index].content, env["names"], is_linking=not env.get("is_in_link"))

    def link_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        env["is_in_link"] = True
        return f'<a href="{escape(str(tokens[index].attrGet("href") or ""))}" {_LINK_ATTRIBUTES}>'

    def link_close(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        env["is_in_link"] = False
        return "</a>"

    def image(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        source = str(tokens[index].attrGet("src") or "")
        words = escape(tokens[index].content or source)
        if not source.startswith(("http://", "https://")):
            return words
        return f'<a href="{escape(source)}" {_LINK_ATTRIBUTES}>{words}</a>'

    def fence(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        words = tokens[index].info.split()
        language = words[0] if words and _LANGUAGE.fullmatch(words[0]) else ""
        return _code(tokens[index].content, language)

    def code_block(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        return _code(tokens[index].content, "")

    def table_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        return '<div class="table" tabindex="0" role="region"><table>'

    def table_close(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        return "</table></div>"

    def th_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        return f"<th{_alignment(tokens[index])}>"

    def td_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Environment
    ) -> str:
        return f"<td{_alignment(tokens[index])}>"


def _answer_parser() -> MarkdownIt:
    options = {"html": False, "breaks": True}
    parser = MarkdownIt("commonmark", options, renderer_cls=_Html)
    parser.validateLink = _is_followed  # type: ignore[method-assign,assignment]  # its own way
    return parser.enable(["table", "strikethrough"])


def _is_followed(address: str) -> bool:
    """Whether a link may be one: whatever else stands in the text stays text."""
    return address.lower().startswith(_FOLLOWED)


def _typed_parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"html": False, "breaks": True}, renderer_cls=_Html)
    return parser.enable(["fence", "backticks", "newline"])


_ANSWER, _TYPED = _answer_parser(), _typed_parser()


@lru_cache(maxsize=_CACHE_SIZE)
def answer(text: str, names: tuple[str, ...] = ()) -> str:
    """Render what a bot says: Markdown with tables and code; ``names`` are people it mentions."""
    return str(_ANSWER.render(text, {"names": names}))


@lru_cache(maxsize=_CACHE_SIZE)
def typed(text: str, names: tuple[str, ...] = ()) -> str:
    """Render what a person typed: text, code, links, and the ``names`` they mention."""
    return str(_TYPED.render(text, {"names": names}))


@lru_cache(maxsize=_CACHE_SIZE)
def summary(text: str, chars_max: int) -> str:
    """Return the beginning of what a bot says on one line, without its Markdown."""
    inline = (token.children or () for token in _ANSWER.parse(text) if token.type == "inline")
    words = " ".join("".join(map(_content, children)) for children in inline)
    return " ".join(words.split())[:chars_max]


def _content(token: Token) -> str:
    return " " if token.type.endswith("break") else token.content


def plain(text: str) -> str:
    """Render text that is shown as it is."""
    return f"<p>{'<br>'.join(_words(line, (), is_linking=True) for line in text.splitlines())}</p>"


def _words(text: str, names: tuple[str, ...], *, is_linking: bool) -> str:
    if not is_linking:
        return _mentions(text, names)
    done, html = 0, []
    for found in _URL.finditer(text):
        html.append(_mentions(text[done : found.start()], names))
        address = escape(found.group())
        html.append(f'<a href="{address}" {_LINK_ATTRIBUTES}>{address}</a>')
        done = found.end()
    return "".join([*html, _mentions(text[done:], names)])


def _mentions(text: str, names: tuple[str, ...]) -> str:
    if not names or "@" not in text:
        return escape(text)
    pieces = pattern_of(names).split(text)  # words, name, words, name, … words
    return "".join(
        f'<span class="mention">@{escape(piece)}</span>' if at % 2 else escape(piece)
        for at, piece in enumerate(pieces)
    )


def _code(text: str, language: str) -> str:
    label = f"<figcaption>{escape(language)}</figcaption>" if language else ""
    body = f'<pre tabindex="0"><code>{escape(text)}</code></pre>'
    return f'<figure class="code">{label}{body}</figure>\n'


def _alignment(token: Token) -> str:
    found = re.search(r"text-align:(left|center|right)", str(token.attrGet("style") or ""))
    return f' class="{found.group(1)}"' if found else ""
