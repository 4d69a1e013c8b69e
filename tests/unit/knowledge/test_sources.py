"""What a folder, a checkout and a page give, and what they never do."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from posthouse.knowledge.formats.catalogue import read
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.sources.catalogue import kind_of
from posthouse.knowledge.sources.files import Checkout, Folder, is_secret
from posthouse.knowledge.sources.grounds import Grounds
from posthouse.knowledge.sources.page import Page
from posthouse.knowledge.sources.place import Gone, Item, Options, Unavailable
from posthouse.knowledge.sources.visitor import Address, anywhere, is_public
from posthouse.model.errors import OperatorMistake
from posthouse.store.documents import SourceKind


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")


async def paths(place: Folder | Checkout) -> list[str]:
    return [item.path for item in await place.items()]


async def test_a_folder_gives_what_its_people_would_share(tmp_path: Path) -> None:
    write(
        tmp_path,
        *("a.md", "below/b.txt", "below/deep/c.py", "picture.png", ".hidden.md", ".git/x.md"),
        *("node_modules/n.md", "build/out.md", "below/kept.log", "below/lost.log"),
        *(".env", "prod.env", "id_rsa", "key.pem", "secrets.yaml", "credentials.json"),
    )
    (tmp_path / ".gitignore").write_text("build/\n*.log\n")
    (tmp_path / "below" / ".gitignore").write_text("!kept.log\n")
    assert await paths(Folder(tmp_path, Options())) == [
        "a.md", "below/b.txt", "below/deep/c.py", "below/kept.log",
    ]  # fmt: skip


async def test_a_folder_can_be_narrowed(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.txt", "old/c.md")
    options = Options(include=("*.md",), exclude=("old/",))
    assert await paths(Folder(tmp_path, options)) == ["a.md"]


async def test_links_that_lead_out_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "outside.md", "in/real.md")
    (tmp_path / "in" / "out.md").symlink_to(tmp_path / "outside.md")
    (tmp_path / "in" / "inner.md").symlink_to(tmp_path / "in" / "real.md")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    folder = Folder(tmp_path / "in", Options())
    assert await paths(folder) == ["inner.md", "real.md"]
    with pytest.raises(Gone):  # it became a link behind our back
        await folder.fetch(Item("out.md"))


async def test_one_file_is_a_source(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.md")
    folder = Folder(tmp_path / "a.md", Options())
    (item,) = await folder.items()
    assert item.path == "a.md"
    assert (await folder.fetch(item)).data == b"text of a.md"


async def test_a_folder_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="stays"):
        await Folder(tmp_path / "none", Options()).items()


async def test_names_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff\xfe.md", os.O_CREAT))
    write(tmp_path, "a.md")
    assert await paths(Folder(tmp_path, Options())) == ["a.md"]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *(
            (name, True)
            for name in (".env", ".env.local", "server.key", "id_ed25519.pub", ".netrc")
        ),
        *((name, True) for name in ("posthouse.toml", "service-account.prod.json", "my.pfx")),
        *((name, False) for name in ("environment.md", "keys.md", "token.py", "monkey.txt")),
    ],
)
def test_files_that_hold_secrets(name: str, *, secret: bool) -> None:
    assert is_secret(name) is secret


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


async def test_a_checkout_gives_what_git_keeps(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "sub/b.md", "scratch.md", "server.pem", ".github/c.md")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "a.md", "sub/b.md", "server.pem", ".github/c.md")
    marker = tmp_path / "ran"
    git(tmp_path, "config", "core.fsmonitor", f"touch {marker}; false")
    assert await paths(Checkout(tmp_path, Options())) == ["a.md", "sub/b.md"]
    assert not marker.exists()  # settings of a checkout run nothing
    assert kind_of(str(tmp_path)) == (SourceKind.GIT, str(tmp_path))


async def test_a_checkout_holds_none_of_the_houses_own_data(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "data/b.md", "database/c.md")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    checkout = Checkout(tmp_path, Options(), Grounds(tmp_path / "data"))
    assert await paths(checkout) == ["a.md", "database/c.md"]


async def test_a_folder_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no git checkout"):
        await Checkout(tmp_path, Options()).items()


def test_what_a_place_is(tmp_path: Path) -> None:
    assert kind_of("https://example.org/a") == (SourceKind.URL, "https://example.org/a")
    assert kind_of(str(tmp_path)) == (SourceKind.FOLDER, str(tmp_path))
    with pytest.raises(OperatorMistake, match="does not exist"):
        kind_of(str(tmp_path / "none"))
    with pytest.raises(OperatorMistake, match="no address"):
        kind_of("ftp://example.org/a")
    with pytest.raises(OperatorMistake, match="password"):
        kind_of("https://me:secret@example.org/")


# ── pages ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        *((private, False) for private in ("127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1")),
        *((private, False) for private in ("169.254.169.254", "100.64.0.1", "224.0.0.1")),
        *((private, False) for private in ("::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1")),
        *((private, False) for private in ("64:ff9b::7f00:1", "2002:7f00:1::1")),
    ],
)
def test_which_addresses_are_public(address: str, *, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def site() -> AsyncIterator[tuple[dict[str, web.Response | str], TestServer]]:
    """A site whose pages a test writes: an answer, or where to go instead."""
    pages: dict[str, web.Response | str] = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        found = pages[request.path]
        if isinstance(found, str):
            raise web.HTTPFound(found)
        return found

    application = web.Application()
    application.router.add_get("/{rest:.*}", answer)
    server = TestServer(application)
    await server.start_server()
    yield pages, server
    await server.close()


def page(text: str, **about: str) -> web.Response:
    return web.Response(body=text.encode(about.get("charset", "utf-8")), content_type="text/html")


Site = tuple[dict[str, web.Response | str], TestServer]


async def fetch(
    server: TestServer, path: str, allowed: Callable[[Address], bool] = anywhere
) -> str:
    address = str(server.make_url(path))
    fetched = await Page(address, allowed).fetch(Item(address))
    return "\n".join(block.text for block in read(fetched.data, fetched.name).blocks)


async def test_a_page_is_read_through_redirects(site: Site) -> None:
    pages, server = site
    pages |= {"/a": "/b/", "/b/": page("<p>Here I am.")}
    assert await fetch(server, "/a") == "Here I am."


async def test_the_header_says_the_charset(site: Site) -> None:
    pages, server = site
    pages["/a"] = web.Response(
        body="<p>你好，世界".encode("gbk"), headers={"Content-Type": "text/html; charset=GB2312"}
    )
    assert await fetch(server, "/a") == "你好，世界"


async def test_this_machine_is_not_looked_at(site: Site) -> None:
    pages, server = site
    pages["/a"] = page("<p>internal")
    with pytest.raises(Unavailable, match="--private"):
        await fetch(server, "/a", is_public)


async def test_a_redirect_is_checked_like_the_first_address(site: Site) -> None:
    pages, server = site
    pages["/a"] = f"http://127.0.0.2:{server.port}/b"
    pages["/b"] = page("<p>internal")

    def only_the_first(address: Address) -> bool:
        return str(address) == "127.0.0.1"

    with pytest.raises(Unavailable, match=r"127\.0\.0\.2"):
        await fetch(server, "/a", only_the_first)
    pages["/a"] = "file:///etc/passwd"
    with pytest.raises(Unreadable, match="no address"):
        await fetch(server, "/a")


async def test_endless_redirects_end(site: Site) -> None:
    pages, server = site
    pages["/a"] = "/a"
    with pytest.raises(Unreadable, match="without end"):
        await fetch(server, "/a")


LOGIN = '<title>Log in</title><form><input type="password" name="p"></form><p>Who are you?'


async def test_a_log_in_page_is_refused(site: Site) -> None:
    pages, server = site
    pages |= {
        "/doc": page(LOGIN),
        "/wiki": "/sso/login?next=wiki",
        "/sso/login": page("<p>Please scan the code."),
        "/closed": web.Response(status=403),
        "/gone": web.Response(status=404),
        "/auth/overview": page("<p>Tokens are sent in a header."),
        "/article": page(f"<p>{'How to log in. ' * 300}{LOGIN}"),
    }
    for path in ("/doc", "/wiki", "/closed"):
        with pytest.raises(Unreadable, match="log-in"):
            await fetch(server, path)
    with pytest.raises(Unreadable, match="no such page"):
        await fetch(server, "/gone")
    assert "How to log in" in await fetch(server, "/article")
    assert "Tokens" in await fetch(server, "/auth/overview")


async def test_a_page_without_end_is_cut(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    pages, server = site
    monkeypatch.setattr("posthouse.knowledge.sources.visitor.BYTES_MAX", 1000)
    pages["/a"] = page("x" * 5000)
    with pytest.raises(Unreadable, match="larger"):
        await fetch(server, "/a")


async def test_no_answer_is_no_page() -> None:
    with pytest.raises(Unavailable, match="cannot be fetched"):
        await Page("http://127.0.0.1:1/", anywhere).fetch(Item("http://127.0.0.1:1/"))


async def test_listing_does_not_hold_the_loop(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    seen: list[threading.Thread] = []

    class Watched(Folder):
        def _list(self) -> tuple[Item, ...]:
            seen.append(threading.current_thread())
            return super()._list()

    await asyncio.gather(Watched(tmp_path, Options()).items())
    assert seen[0] is not threading.main_thread()


@pytest.mark.parametrize("to", ["data", "outside"])
async def test_a_folder_that_became_a_link_is_looked_at_again(tmp_path: Path, to: str) -> None:
    for name in ("data", "outside", "open/handbook"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.md").write_text("words")
    place = tmp_path / "open/handbook"
    folder = Folder(place, Options(), Grounds(tmp_path / "data", (tmp_path / "open",)))
    assert [item.path for item in await folder.items()] == ["a.md"]
    shutil.rmtree(place)
    place.symlink_to(tmp_path / to)
    with pytest.raises(Unavailable, match="data directory" if to == "data" else "source_roots"):
        await folder.items()
