"""The pages as they leave the house: no inline script, nothing of others' making, any sub-path."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from posthouse.channels.web import pages
from posthouse.channels.web.words import PAGE_WORDS, PROBLEMS
from tests.channels.web.stage import Stage, open_stage

STATIC = Path(pages.__file__).parent / "static"
EVIL = "</script><script>alert(1)</script><!--"


class Page(HTMLParser):
    """What a browser would fetch, run or style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.problems: list[str] = []
        self.state = ""
        self._is_state = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.addresses += [str(attributes[name]) for name in ("href", "src") if name in attributes]
        self.problems += [name for name in attributes if name.startswith("on") or name == "style"]
        if tag == "script":
            self._is_state = attributes.get("type") == "application/json"
            if not self._is_state and "src" not in attributes:
                self.problems.append("inline script")
        if tag == "style":
            self.problems.append("inline style")

    def handle_data(self, data: str) -> None:
        if self._is_state:
            self.state += data

    def handle_endtag(self, tag: str) -> None:
        self._is_state = False


async def test_a_page_holds_nothing_that_its_policy_forbids(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    link = stage.channel.join_link(room)
    for path in ("/chat", f"/chat/rooms/{room}", "/chat/rooms/nowhere", link, link + "x"):
        answer = await ann.browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        page = Page(answer.text)
        assert page.problems == [], path
        assert not [one for one in page.addresses if re.match(r"/|\w+:", one)], path


async def test_what_people_say_stays_inside_the_state(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    await ann.browser.put("/chat/api/me", {"name": EVIL})
    await ann.browser.patch(f"/chat/api/rooms/{room}", {"title": EVIL})
    await ann.say(room, EVIL)
    answer = await ann.browser.get(f"/chat/rooms/{room}")
    page = Page(answer.text)
    assert page.problems == []
    state = json.loads(page.state)
    assert state["page"]["messages"][0]["text"] == EVIL
    assert (state["me"]["name"], state["page"]["room"]["title"]) == (EVIL, EVIL)
    shown = await stage.browser().get(stage.channel.join_link(room))
    assert "<script>alert" not in shown.text


@pytest.mark.parametrize("path", ["/chat", "/a/b-2/talk"])
async def test_the_home_page_leads_to_the_chat(tmp_path: Path, path: str) -> None:
    async with open_stage(tmp_path, {"path": path}) as stage:
        browser = stage.browser()
        home = await browser.get("/")
        assert (home.status, home.headers["location"]) == (303, path.removeprefix("/"))
        slash = await browser.get(f"{path}/")
        assert slash.headers["location"] == f"../{path.rpartition('/')[2]}"
        page = await browser.get(path)
        script = next(one for one in Page(page.text).addresses if one.endswith("main.js"))
        assert script.startswith(f"{path.rpartition('/')[2]}/static/")
        found = await browser.get(f"{path.rpartition('/')[0]}/{script}")
        assert (found.status, "immutable" in found.headers["cache-control"]) == (200, True)
        deeper = await browser.get(f"{path}/rooms/x")
        assert 'data-root="../"' in deeper.text


@pytest.mark.parametrize(
    ("accepted", "house", "language"),
    [
        ("zh-CN,zh;q=0.9", "en", "zh-CN"),
        ("en-GB", "zh", "en"),
        ("de-DE", "zh", "zh-CN"),
        ("", "en", "en"),
    ],
)
async def test_the_language_is_the_browsers_or_the_houses(
    tmp_path: Path, accepted: str, house: str, language: str
) -> None:
    async with open_stage(tmp_path, language=house) as stage:
        browser = stage.browser(accept_language=accepted)
        assert f'<html lang="{language}"' in (await browser.get("/chat")).text


async def test_language_and_appearance_are_remembered(stage: Stage) -> None:
    browser = stage.browser(accept_language="zh")
    chosen = await browser.put("/chat/api/preferences", {"language": "en", "theme": "dark"})
    assert chosen.headers["set-cookie"].lower().count("httponly") == 2
    page = (await browser.get("/chat")).text
    assert '<html lang="en" data-theme="dark"' in page
    for wrong in ({"language": "xx"}, {"theme": '"><script>'}):
        assert (await browser.put("/chat/api/preferences", wrong)).code == "bad_request"
    browser.cookies.update(posthouse_language='"><script>', posthouse_theme='"><script>')
    assert Page((await browser.get("/chat")).text).problems == []


async def test_a_mistake_is_said_in_the_readers_language(stage: Stage) -> None:
    for language, words in (("zh", "邀请链接"), ("en", "invitation")):
        browser = stage.browser(accept_language=language)
        answer = await browser.get("/chat/join/nonsense")
        assert answer.status == 403
        assert words in answer.text


def test_every_sentence_stands_in_both_languages() -> None:
    assert PAGE_WORDS["zh"].keys() == PAGE_WORDS["en"].keys()
    for problem in PROBLEMS.values():
        assert problem.zh
        assert problem.en
        assert 400 <= problem.status < 600


def words_of(language: str) -> set[str]:
    """The keys of one language in the page's own words."""
    text = (STATIC / "words.js").read_text()
    block = re.search(rf"^  {language}: {{(.*?)^  }},", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    without_strings = re.sub(r'"[^"]*"|`[^`]*`', '""', block.group(1))
    return set(re.findall(r"(\w+): (?=\"|\()", without_strings))


def test_the_page_speaks_both_languages() -> None:
    assert words_of("zh") == words_of("en")
    assert len(words_of("zh")) > 80


def test_every_word_that_is_asked_for_is_there() -> None:
    scripts = "".join(path.read_text() for path in STATIC.glob("*.js"))
    template = (STATIC.parent / "templates" / "chat.html").read_text()
    asked = set(re.findall(r"\bt\(\"(\w+)\"", scripts))
    asked |= set(re.findall(r'data-(?:word|label)="(\w+)"', template))
    assert asked - words_of("zh") == set()
    assert len(asked) > 60


def test_the_page_asks_nobody_else() -> None:
    for path in STATIC.iterdir():
        foreign = re.findall(r"https?://(?!www\.w3\.org/)[\w.]+", path.read_text())
        assert foreign == [], path.name
