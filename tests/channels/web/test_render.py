"""What reaches the page as HTML: only what we wrote, whatever people and models say."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.channels.web import render

TAGS = frozenset(
    [
        *("p", "br", "a", "em", "strong", "s", "span", "div", "hr", "blockquote", "ul", "ol", "li"),
        *("code", "pre", "figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td"),
        *("h1", "h2", "h3", "h4", "h5", "h6"),
    ]
)
ATTRIBUTES = frozenset({"href", "target", "rel", "class", "tabindex", "role", "start"})
CLASSES = frozenset({"code", "table", "mention", "left", "right", "center"})


class Inspector(HTMLParser):
    """Reads HTML as a browser would, and names everything that we never write."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.problems.append(f"<{tag}>")
        for name, value in attrs:
            self._inspect(tag, name, value or "")

    def _inspect(self, tag: str, name: str, value: str) -> None:
        if name not in ATTRIBUTES:
            self.problems.append(f"{tag} {name}={value}")
        if name == "href" and not re.match(
            r"(https?|mailto|ftp|tel):|[^:]*$", value, re.IGNORECASE
        ):
            self.problems.append(f"href={value}")
        if name == "class" and value not in CLASSES:
            self.problems.append(f"class={value}")

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"<!--{data}")

    def handle_decl(self, decl: str) -> None:
        self.problems.append(f"<!{decl}")

    def handle_pi(self, data: str) -> None:
        self.problems.append(f"<?{data}")


def problems(html: str) -> list[str]:
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    return inspector.problems


ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "</div></article><style>*{display:none}</style>",
    "<!-- --><![CDATA[ ]]><?php ?>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](&#106;avascript:alert(1))",
    "[click](java\nscript:alert(1))",
    "[click](vbscript:x) [b](data:text/html,<script>alert(1)</script>)",
    "[a](<javascript:alert(1)>)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "![x](https://tracker.example/pixel.png)",
    '[x](https://a.example" onmouseover="alert(1))',
    "[x](https://a.example 'title\" onclick=\"alert(1)')",
    'https://a.example/"onmouseover="alert(1)',
    "https://a.example/'><script>alert(1)</script>",
    "`<script>`",
    "```<script>\nalert(1)\n```",
    '```x" onclick="alert(1)\ncode\n```',
    "~~~js</code><script>\n</script>\n~~~",
    "    <script>indented</script>",
    "|<script>|b|\n|:-:|-|\n|<img src=x onerror=y>|[x](javascript:1)|",
    "# <b onclick=x>heading</b>",
    "&lt;script&gt; &amp;lt; &#60;script&#62;",
    "[ref]\n\n[ref]: javascript:alert(1)",
    "@<script>alert(1)</script>",
    '@Ann" onclick="x',
    "\u202e\u0000\u2028<script>\u0000</script>",
)
NAMES = ("Ann", "<script>alert(1)</script>", 'Ann" onclick="x', "a|b", "(", "\\")


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_are_only_words(text: str) -> None:
    for html in (
        render.answer(text, NAMES),
        render.typed(text, NAMES),
        render.plain(text),
        render.answer(text),
        render.typed(text),
    ):
        assert problems(html) == [], html


@given(st.text(alphabet="<>\"'&`[]()!|#*_~-:@/\\= \n\tabjs1.", max_size=80))
@settings(max_examples=400, deadline=None)
def test_no_text_becomes_html_of_its_own(text: str) -> None:
    assert problems(render.answer(text, NAMES)) == []
    assert problems(render.typed(text, NAMES)) == []
    assert problems(render.plain(text)) == []


def test_the_inspector_sees() -> None:
    for html in ("<script>", "<a href='javascript:x'>", "<p onclick=x>", "<!-- -->", "<p class=x>"):
        assert problems(html), html


def test_links_leave_in_a_page_of_their_own() -> None:
    address = "https://a.example/?b=1&amp;c=2"
    link = f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow">'
    assert link in render.answer("[x](https://a.example/?b=1&c=2)")
    assert link in render.answer("see https://a.example/?b=1&c=2.")
    assert link in render.typed("见 https://a.example/?b=1&c=2。好")
    assert render.answer("[https://b.example](https://a.example)").count("<a ") == 1
    for sentence in ("(https://a.example)", "https://a.example!", "“https://a.example”，好"):
        assert 'href="https://a.example"' in render.typed(sentence), sentence


def test_a_scheme_nobody_knows_is_no_link() -> None:
    for text in ("<a1:x>", "[x](a1:x)", "[x](javascript:alert)", "[x](/settings)"):
        assert "<a " not in render.answer(text), text


def test_a_picture_from_elsewhere_is_a_link() -> None:
    html = render.answer("![a cat](https://a.example/cat.png)")
    assert "<img" not in html
    assert 'href="https://a.example/cat.png"' in html
    assert "a cat" in html


def test_what_a_bot_says_is_markdown() -> None:
    html = render.answer(
        "# Title\n\n- **one**\n\n```python\nx = 1\n```\n\n| a | b |\n|--|--:|\n| 1 | 2 |"
    )
    assert "<h1>Title</h1>" in html
    assert "<strong>one</strong>" in html
    assert "<figcaption>python</figcaption>" in html
    assert '<th class="right">b</th>' in html


def test_what_people_type_stays_as_typed() -> None:
    html = render.typed("# 1 号\n* 2 号\n1. x _y_ `code`\n```\n<b>\n```")
    assert "<h1>" not in html
    assert "<li>" not in html
    assert "<em>" not in html
    assert "<code>code</code>" in html
    assert "&lt;b&gt;" in html


def test_mentions_are_shown_as_they_are_understood() -> None:
    html = render.typed("@Ann @Annabel ann@Ann @<b>", ("Ann", "<b>"))
    assert html.count('class="mention"') == 2
    assert '<span class="mention">@&lt;b&gt;</span>' in html


def test_a_summary_is_one_line_without_markdown() -> None:
    text = "# Title\n\n**bold**: [link](https://a.example)\nnext\n\n- item\n\n`code`"
    assert render.summary(text, 100) == "Title bold: link next item code"
    assert render.summary("x" * 500, 10) == "x" * 10


@pytest.mark.parametrize(
    "unit",
    ["*", "[", "`", "![", "a](", "**a ", "_a_", "`a``", "|a|b|\n|-|-|\n", "> ", "1. \n", "<a "],
)
def test_rendering_is_bounded(unit: str) -> None:
    text = (unit * 30_000)[:30_000]
    began_at = time.process_time()
    render.answer.__wrapped__(text)
    render.typed.__wrapped__(text[:20_000])
    assert time.process_time() - began_at < 3
