"""Where a page leads, and which of these places belong to the same site."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from msgspec import Struct
from yarl import URL

from posthouse.knowledge.formats.charset import decode
from posthouse.store.documents import PATH_BYTES_MAX

LINKS_MAX: Final = 500  # of one page
LISTED_MAX: Final = 50_000  # of one list of pages, as the standard has it

_LOCATION = re.compile(r"<loc>([^<]{1,4000})</loc>", re.IGNORECASE)
_UPWARDS = re.compile(r"[/\\]\.\.(?:[/\\]|$)")
_NO_PAGE = re.compile(
    r".*\.(png|jpe?g|gif|svg|webp|avif|ico|bmp|css|js|mjs|map|woff2?|ttf|otf|eot|mp[34]|m4[av]|webm|ogg|wav|mov|avi"
    r"|zip|gz|tgz|bz2|xz|7z|rar|tar|exe|msi|dmg|pkg|deb|rpm|iso|apk|jar|whl|bin|atom|rss)",
    re.IGNORECASE,
)


class Scope(Struct, frozen=True):
    """The pages of one host below one folder."""

    origin: str
    folder: str
    has_queries: bool  # whether pages differ by what stands behind a question mark

    def holds(self, address: str) -> bool:
        """Whether an address is one of them."""
        parts = urlsplit(address)
        path = parts.path or "/"
        is_below = path.startswith(self.folder) or f"{path}/" == self.folder
        is_alike = self.has_queries or not parts.query
        is_inside = is_below and not _UPWARDS.search(
            unquote(path)
        )  # servers may read %2F as a slash
        return f"{parts.scheme}://{parts.netloc.lower()}" == self.origin and is_inside and is_alike


def as_sent(address: str) -> str:
    """Return an address as a request will name it: dots that lead upwards have led there.

    What may be visited is decided by this, not by how somebody has written it.

    Raises:
        ValueError: it is no address.
    """
    return str(URL(address))


def scope_of(address: str) -> Scope:
    """Return what lies below a page: below its folder, if it is a file in one."""
    parts = urlsplit(address)
    path = parts.path or "/"
    folder, _, name = path.rpartition("/")
    is_file = "." in name or not name
    return Scope(
        f"{parts.scheme}://{parts.netloc.lower()}",
        f"{folder}/" if is_file else f"{path}/",
        bool(parts.query),
    )


def links(page: bytes, address: str) -> tuple[str, ...]:
    """Return where a page leads, in its order, each once; not where it asks not to be followed."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(decode(page, ""))
    bases = tree.css("base[href]")
    start = urljoin(address, bases[0].attributes.get("href") or "") if bases else address
    found: dict[str, None] = {}
    for node in tree.css("a[href]"):
        about = node.attributes
        if "nofollow" not in (about.get("rel") or "").lower():
            found |= dict.fromkeys(_pages(start, about.get("href") or ""))
        if len(found) >= LINKS_MAX:
            break
    return tuple(found)


def listed(sitemap: bytes) -> tuple[str, ...]:
    """Return the addresses that a ``sitemap.xml`` lists, of pages or of further lists."""
    found = (html.unescape(said.strip()) for said in _LOCATION.findall(decode(sitemap, "")))
    pages = (page for said in found for page in _pages(said, ""))
    return tuple(dict.fromkeys(pages))[:LISTED_MAX]


def is_sitemap(address: str) -> bool:
    """Whether an address is one of a list of pages."""
    name = urlsplit(address).path.rpartition("/")[2].lower()
    return "sitemap" in name and name.endswith(".xml")


def _pages(base: str, link: str) -> Iterator[str]:
    """Yield the whole address, if it can be one of a page."""
    try:
        whole = as_sent(urldefrag(urljoin(base, link.strip())).url)
        parts = urlsplit(whole)
        is_short = len(whole.encode()) <= PATH_BYTES_MAX
    except ValueError:
        return
    is_page = parts.scheme in {"http", "https"} and parts.hostname and not parts.username
    if is_page and is_short and not _NO_PAGE.fullmatch(parts.path):
        yield whole if parts.path else f"{parts.scheme}://{parts.netloc}/"
