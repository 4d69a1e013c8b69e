"""Reading a site: what is followed, what is asked for again, what is forgotten."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import urljoin

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from posthouse.knowledge.ingest import Ingest, Report
from posthouse.knowledge.sources.catalogue import enter, options_of, place_of
from posthouse.knowledge.sources.links import links, listed, scope_of
from posthouse.knowledge.sources.page import Page
from posthouse.knowledge.sources.place import Options
from posthouse.knowledge.sources.robots import robots
from posthouse.knowledge.sources.site import FAILURES_MAX, PAUSE_S, Site
from posthouse.knowledge.sources.visitor import Address, anywhere
from posthouse.store.documents import Documents, Source, SourceKind
from posthouse.store.sqlite.store import open_memory_store

HANGS = -1
Answer = web.Response | str | int  # a page, where to go instead, or a status


class Town:
    """A server whose pages a test writes, and a house that reads them on a clock of its own."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.named: list[str] = []  # states that were asked about
        self.slept: list[float] = []
        self.hangs = asyncio.Event()
        self.now = 0.0
        self.allowed: Callable[[Address], bool] = anywhere
        application = web.Application()
        application.router.add_get("/{rest:.*}", self._answer)
        self.server = TestServer(application)
        self.ingest = Ingest(documents, time.time, "en", self._site)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if self.pages.get(request.path_qs) == HANGS:
            self.hangs.set()
            await asyncio.Event().wait()
        found = self.pages.get(request.path_qs, 404)
        if isinstance(found, int):
            return web.Response(status=found)
        if isinstance(found, str):
            raise web.HTTPFound(found)
        state = request.headers.get("If-None-Match", "")
        if state:
            self.named.append(request.path)
        if state and found.headers.get("ETag") == state:
            return web.Response(status=304)
        return web.Response(body=found.body, headers=found.headers)

    def _site(self, source: Source) -> Site:
        options = options_of(source)
        return Site(
            source.place,
            options.pages_max,
            options.depth_max,
            lambda address: self.allowed(address),  # noqa: PLW0108 - as it is by then
            sleep=self._sleep,
            now=lambda: self.now,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def at(self, path: str) -> str:
        return str(self.server.make_url(path))

    async def source(self, path: str, pages: int = 20, depth: int = 5) -> Source:
        options = Options(is_private=True, pages_max=pages, depth_max=depth)
        return await enter(self.documents, "web", SourceKind.URL, self.at(path), 1.0, options)

    async def read(self, path: str = "/docs/", pages: int = 20, depth: int = 5) -> Report:
        self.asked.clear()
        return await self.ingest.sync(await self.source(path, pages, depth))

    async def known(self) -> dict[str, str]:
        """Return the pages that are known, and what is wrong with them."""
        found = await self.documents.documents("web")
        return {each.path.removeprefix(self.at("/")[:-1]): each.problem for each in found}


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    store = open_memory_store()
    made = Town(store.documents)
    await made.server.start_server()
    yield made
    await made.server.close()
    await store.close()


def page(text: str, *to: str, state: str = "") -> web.Response:
    anchors = "".join(f'<a href="{link}">there</a>' for link in to)
    headers = {"Content-Type": "text/html"} | ({"ETag": state} if state else {})
    return web.Response(body=f"<p>{text}</p>{anchors}".encode(), headers=headers)


async def test_pages_below_the_first_are_read_each_once(town: Town) -> None:
    town.pages = {
        "/docs/": page("first", "a.html", "b/#part", "/blog", "http://127.0.0.2/docs/", "?sort=up"),
        "/docs/a.html": page("second", "/docs/", "b/"),
        "/docs/b/": page("third", "../c", "logo.png", "mailto:li@corp.cn", "//[bad"),
        "/docs/c": page("fourth", "d"),
        "/docs/d": page("too far away"),
    }
    report = await town.read(depth=2)
    assert (report.added, report.problem, dict(report.problems)) == (4, "", {})
    assert town.asked == ["/robots.txt", "/docs/", "/docs/a.html", "/docs/b/", "/docs/c"]
    assert sorted(await town.known()) == ["/docs/", "/docs/a.html", "/docs/b/", "/docs/c"]
    assert min(town.slept[1:]) > PAUSE_S / 2


async def test_no_more_pages_are_read_than_wanted(town: Town) -> None:
    town.pages = {"/docs/": page("all", *(f"{at}.html" for at in range(9)))}
    town.pages |= {f"/docs/{at}.html": page(f"page {at}") for at in range(9)}
    await town.read(pages=4)
    assert sorted(await town.known()) == ["/docs/", *(f"/docs/{at}.html" for at in range(3))]
    await town.read(pages=2)
    assert sorted(await town.known()) == ["/docs/", "/docs/0.html"]


async def test_a_page_that_is_as_it_was_is_not_sent_again(town: Town) -> None:
    town.pages = {
        "/docs/": page("first", "a.html", state='"1"'),
        "/docs/a.html": page("second", "b.html", state='"2"'),
        "/docs/b.html": page("third"),
    }
    await town.read()
    assert town.named == []
    town.pages["/docs/a.html"] = page("second, changed", "c.html", state='"3"')
    town.pages["/docs/c.html"] = page("fourth")
    report = await town.read()
    assert (report.same, report.changed, report.added, report.removed) == (1, 1, 1, 1)
    assert town.named == ["/docs/", "/docs/a.html"]
    assert sorted(await town.known()) == ["/docs/", "/docs/a.html", "/docs/c.html"]


async def test_what_was_fetched_and_not_written_down_is_fetched_again(town: Town) -> None:
    town.pages = {
        "/docs/": page("first", "a.html", "b.html"),
        "/docs/a.html": page("second", state='"1"'),
        "/docs/b.html": page("third"),
    }
    await town.read()
    town.pages |= {"/docs/a.html": page("changed", state='"2"'), "/docs/b.html": HANGS}
    reading = asyncio.create_task(town.read())
    await town.hangs.wait()
    reading.cancel()
    await asyncio.wait({reading})
    town.pages["/docs/b.html"] = page("third")
    assert (await town.read()).changed == 1


async def test_links_that_were_too_many_to_remember_are_read_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.knowledge.sources.site.REMEMBERED_MAX", 0)
    town.pages = {"/docs/": page("first", "a.html", state='"1"'), "/docs/a.html": page("second")}
    await town.read()
    assert (await town.read()).same == 2
    assert town.named == []


async def test_what_vanishes_goes_and_what_fails_for_a_while_stays(town: Town) -> None:
    town.pages = {
        "/docs/": page("first", "a.html", "b.html", "c.html"),
        "/docs/a.html": page("second"),
        "/docs/b.html": page("third", "d.html"),
        "/docs/c.html": page("fourth"),
        "/docs/d.html": page("fifth"),
    }
    await town.read()
    town.pages["/docs/a.html"] = 404
    town.pages["/docs/b.html"] = 503
    town.pages["/docs/c.html"] = "/"  # out of the folder
    report = await town.read()
    assert list(report.problems) == [town.at("/docs/b.html")]
    assert await town.known() == dict.fromkeys(("/docs/", "/docs/b.html", "/docs/d.html"), "")
    assert "/docs/d.html" in town.asked  # b.html led there
    assert "/" not in town.asked
    town.pages["/docs/"] = 503
    assert "503" in (await town.read()).problem
    assert len(await town.known()) == 3


async def test_what_a_page_led_to_stays_while_nobody_can_tell(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.knowledge.sources.site.REMEMBERED_MAX", 0)
    town.pages = {
        "/docs/": page("first", "a.html"),
        "/docs/a.html": page("second", "b.html"),
        "/docs/b.html": page("third"),
    }
    await town.read()
    town.pages["/docs/a.html"] = 503
    await town.read()
    assert len(await town.known()) == 3
    town.pages["/docs/a.html"] = page("second")
    await town.read()
    assert len(await town.known()) == 2


async def test_two_ways_to_a_page_are_one_page(town: Town) -> None:
    town.pages = {
        "/docs/": page("first", "a.html", "b.html", "c.html"),
        "/docs/a.html": "/docs/b.html",
        "/docs/b.html": page("second"),
        "/docs/c.html": "/docs/b.html",
    }
    await town.read()
    assert sorted(await town.known()) == ["/docs/", "/docs/a.html"]


async def test_pages_that_cannot_be_read_are_named_and_the_others_read(town: Town) -> None:
    town.pages = {
        "/docs/": page("first", "secret", "wiki", "broken", "last"),
        "/docs/secret": 403,
        "/docs/wiki": "/docs/login?next=wiki",
        "/docs/login?next=wiki": page("Please scan the code."),
        "/docs/broken": 500,
        "/docs/last": page("last"),
    }
    await town.read()
    known = await town.known()
    assert "log-in" in known["/docs/secret"]
    assert "500" in known["/docs/broken"]
    assert (known["/docs/"], known["/docs/last"]) == ("", "")


async def test_each_redirect_is_checked_like_the_first_address(town: Town) -> None:
    inner = f"http://localhost:{town.server.port}/docs/"
    town.pages = {
        "/docs/": page("first", "a.html", "b.html"),
        "/docs/a.html": inner,
        "/docs/b.html": "//169.254.169.254/docs/",
    }
    asked: list[str] = []

    def allowed(address: Address) -> bool:
        asked.append(str(address))
        return str(address) == "127.0.0.1"

    town.allowed = allowed
    await town.read()
    assert list(await town.known()) == ["/docs/"]
    assert set(asked) == {"127.0.0.1"}
    town.pages["/docs/"] = "http://127.0.0.2/docs/"
    assert "127.0.0.2" in (await town.read()).problem


async def test_a_site_that_moved_is_read_where_it_is(town: Town) -> None:
    town.pages = {
        "/docs": "/manual/en/",
        "/manual/en/": page("first", "a.html", "/docs/b.html"),
        "/manual/en/a.html": page("second", "/docs"),
        "/docs/b.html": page("out of it"),
    }
    await town.read("/docs")
    assert sorted(await town.known()) == ["/docs", "/manual/en/a.html"]
    town.pages["/robots.txt"] = web.Response(text="User-agent: *\nDisallow: /manual/")
    assert "robots.txt" in (await town.read("/docs")).problem


async def test_robots_are_obeyed(town: Town) -> None:
    said = "User-agent: *\nDisallow: /docs/private\nCrawl-delay: 3\n"
    town.pages = {
        "/robots.txt": web.Response(text=said),
        "/docs/": page("first", "private/a.html", "b.html"),
        "/docs/b.html": page("second", "private/c.html"),
    }
    await town.read()
    assert town.asked == ["/robots.txt", "/docs/", "/docs/b.html"]
    assert town.slept == pytest.approx([0.0, PAUSE_S, 3.0])
    for robots_say in (web.Response(text="User-agent: posthouse\nDisallow: /"), 503):
        town.pages["/robots.txt"] = robots_say
        assert "robots.txt" in (await town.read()).problem
        assert len(await town.known()) == 2


def sitemap(town: Town, *paths: str) -> web.Response:
    locations = "".join(f"<url><loc>{town.at(path)}</loc></url>" for path in paths)
    return web.Response(text=f"<urlset>{locations}</urlset>", content_type="text/xml")


async def test_a_sitemap_is_read_to_its_end(town: Town) -> None:
    town.pages = {
        "/sitemap.xml": sitemap(town, "/docs.xml", "/a?x=1&amp;y=2"),
        "/docs.xml": sitemap(town, "/b", "/sitemap.xml"),
        "/a?x=1&y=2": page("first", "/c"),
        "/b": page("second"),
        "/c": page("in no list"),
    }
    await town.read("/sitemap.xml")
    assert sorted(await town.known()) == ["/a?x=1&y=2", "/b"]


async def test_of_very_many_sitemaps_the_first_are_read(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.knowledge.sources.site.LISTS_MAX", 2)
    town.pages = {"/sitemap.xml": sitemap(town, *(f"/{at}.xml" for at in range(9)))}
    town.pages |= {f"/{at}.xml": sitemap(town, f"/{at}") for at in range(9)}
    town.pages |= {f"/{at}": page(f"page {at}") for at in range(9)}
    await town.read("/sitemap.xml")
    assert sorted(await town.known()) == ["/0", "/1"]


async def test_a_sitemap_that_lists_nothing_now_makes_nobody_forget_its_pages(town: Town) -> None:
    town.pages = {"/sitemap.xml": sitemap(town, "/a"), "/a": page("first")}
    await town.read("/sitemap.xml")
    town.pages["/sitemap.xml"] = page("We are working on our site")
    report = await town.read("/sitemap.xml")
    assert "lists no page" in report.problem
    assert sorted(await town.known()) == ["/a"]


async def test_reading_ends_when_it_takes_too_long(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.pages = {"/docs/": page("all", *(f"{at}.html" for at in range(9)))}
    town.pages |= {f"/docs/{at}.html": page(f"page {at}") for at in range(9)}
    await town.read()
    monkeypatch.setattr("posthouse.knowledge.sources.site.SITE_WITHIN_S", 3 * PAUSE_S)
    report = await town.read()
    assert "fewer pages" in report.problem
    assert len(town.asked) < 9
    assert len(await town.known()) == 10
    monkeypatch.setattr("posthouse.knowledge.sources.site.SITE_BYTES_MAX", 10)
    monkeypatch.setattr("posthouse.knowledge.sources.site.SITE_WITHIN_S", 99.0)
    assert "MB" in (await town.read()).problem


async def test_a_site_where_nothing_can_be_had_is_left_alone(town: Town) -> None:
    town.pages = {"/docs/": page("all", *(f"{at}.html" for at in range(60)))}
    town.pages |= {f"/docs/{at}.html": 503 if at else page("well") for at in range(60)}
    report = await town.read(pages=100)
    assert "in a row" in report.problem
    assert len(town.asked) == 3 + FAILURES_MAX
    assert "/docs/0.html" in await town.known()


async def test_no_way_of_writing_leads_out_of_the_folder(town: Town) -> None:
    ways = (
        "/docs/../private/a",
        "/docs/%2e%2e/private/b",
        "..%2fprivate/c",
        "..%5cprivate/d",
        "led",
    )
    whole = (town.at("/")[:-1] + way if way.startswith("/") else way for way in ways)
    inside = f"{town.at('/')[:-1]}/docs/sub/../inside"
    town.pages = {
        "/robots.txt": page("User-agent: *\nDisallow: /private"),
        "/docs/": page("first", *whole, inside),
        "/docs/led": "/docs/../private/e",
        "/docs/inside": page("second"),
    }
    await town.read()
    assert town.asked == ["/robots.txt", "/docs/", "/docs/led", "/docs/inside"]


@pytest.mark.parametrize(
    ("address", "pages", "is_a_site"),
    [
        ("https://a.cn/docs/", 1, False),
        ("https://a.cn/docs/", 2, True),
        ("https://a.cn/sitemap.xml", 1, True),
        ("https://a.cn/prices.xml", 1, False),
    ],
)
def test_one_page_is_no_site(address: str, pages: int, *, is_a_site: bool) -> None:
    told = msgspec.json.encode(Options(pages_max=pages)).decode()
    source = Source(id=1, base="web", kind=SourceKind.URL, place=address, options=told)
    assert isinstance(place_of(source), Site if is_a_site else Page)


@pytest.mark.parametrize(
    ("address", "inside", "outside"),
    [
        ("https://a.cn/docs/", ("/docs/x", "/docs/", "/docs"), ("/document/", "/docs/?p=1")),
        ("https://a.cn/docs", ("/docs", "/docs/x"), ("/docsx", "/")),
        ("https://a.cn/docs/index.html", ("/docs/", "/docs/b/c.html"), ("/",)),
        ("https://a.cn", ("/", "/x"), ("//b.cn/", "http://a.cn/", "https://a.cn:8443/")),
        ("https://a.cn/view?id=1", ("/view?id=2", "/view/x"), ("/edit?id=1",)),
    ],
)
def test_a_site_is_what_lies_below_its_first_page(
    address: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    scope = scope_of(address)
    assert [path for path in inside if not scope.holds(urljoin(address, path))] == []
    assert [path for path in outside if scope.holds(urljoin(address, path))] == []


def test_links_are_whole_addresses_of_pages() -> None:
    told = b"""<base href="/en/"><a href="a#b">x</a><a href="a">x</a><a href="f.zip">x</a>
    <a rel="nofollow" href="n">x</a><a href="javascript:x()">x</a><a href=" ../c ">x</a><a>x</a>
    <a href="http://[">x</a><a href="https://me:pw@a.cn/">x</a>"""
    assert links(told, "https://a.cn/docs/") == ("https://a.cn/en/a", "https://a.cn/c")
    assert listed(b"<loc> https://a.cn/?a&amp;b </loc><loc>x</loc>") == ("https://a.cn/?a&b",)


ROBOTS = """
User-agent: other
Disallow: /
User-agent: posthouse # us
user-agent: second
Disallow: /a
Allow: /a/b
Disallow: /*.pdf$
Disallow:
Crawl-delay: 900
User-agent: *
Disallow: /everybody
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True), ("/a", False), ("/a/c", False), ("/a/b/c", True), ("/x.pdf", False),
        ("/x.pdf?y", True), ("/everybody", True), ("/x.pdf.html", True), ("", True),
    ],
)  # fmt: skip
def test_the_longest_rule_for_us_decides(path: str, *, allowed: bool) -> None:
    assert robots(ROBOTS, "posthouse").allows(f"https://a.cn{path}") is allowed


def test_rules_and_paths_are_compared_as_they_read() -> None:
    read = robots("User-agent: *\nDisallow: /caf%C3%A9\nDisallow: /私/", "posthouse")
    assert not read.allows("https://a.cn/café/x")
    assert not read.allows("https://a.cn/%E7%A7%81/x")


def test_who_is_not_named_is_everybody() -> None:
    read = robots(ROBOTS, "nobody")
    assert not read.allows("https://a.cn/everybody")
    assert read.allows("https://a.cn/a")
    assert (read.delay_s, robots(ROBOTS, "posthouse").delay_s) == (0.0, 30.0)
    assert robots("<html>", "posthouse").allows("https://a.cn/")


def test_who_is_named_and_asked_nothing_may_read_everything() -> None:
    for nothing in ("", "Disallow:\n"):
        text = f"User-agent: *\nDisallow: /\n\nUser-agent: posthouse\n{nothing}"
        assert robots(text, "posthouse").allows("https://a.cn/a")
        assert not robots(text, "nobody").allows("https://a.cn/a")


def test_rules_that_are_hard_to_fit_take_no_time() -> None:
    hard = robots("User-agent: *\nDisallow: /" + "*a" * 900 + "b$\n", "posthouse")
    assert hard.allows("https://a.cn/" + "a" * 2000)
