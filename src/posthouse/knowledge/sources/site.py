"""Pages of a site: a page and those that it leads to, or those that a sitemap lists.

One page is fetched at a time, never quickly, and only what ``robots.txt`` leaves open. A page that
cannot be had now keeps what was read of it; one that is gone goes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urljoin, urlsplit

import structlog
from msgspec import Struct
from msgspec.structs import replace

from posthouse.knowledge.formats.charset import decode
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.sources.links import is_sitemap, links, listed, scope_of
from posthouse.knowledge.sources.place import Fetched, Gone, Item, Unavailable, Withheld
from posthouse.knowledge.sources.robots import Robots, robots
from posthouse.knowledge.sources.visitor import (
    AGENT,
    UNKNOWN,
    Address,
    LedAway,
    NoSuchPage,
    Validators,
    Visit,
    Visitor,
    everywhere,
    is_public,
)

PAUSE_S: Final = 0.5  # between two pages
SITE_WITHIN_S: Final = 3600.0
SITE_BYTES_MAX: Final = 256 * 1024**2
REMEMBERED_MAX: Final = 100_000  # links; a page whose links were not kept is fetched whole again
FAILURES_MAX: Final = 20  # pages in a row that cannot be had: the site is not well
LISTS_MAX: Final = 50  # sitemaps that one sitemap leads to

log = structlog.get_logger("posthouse.knowledge")


class _Known(Struct, frozen=True):
    """What is remembered of a page from one time to the next."""

    state: Validators
    links: tuple[str, ...]


class Site:
    """See the module. It is asked again and again, and then fetches what is in another state.

    Args:
        address: of the page, or of the sitemap, to begin with.
        pages_max: how many pages are read.
        depth_max: how many links away from the first.
        is_allowed: which addresses may be connected to.
        sleep: waits; replaced in tests.
        now: seconds of a clock that is never set.
    """

    def __init__(
        self,
        address: str,
        pages_max: int,
        depth_max: int,
        is_allowed: Callable[[Address], bool] = is_public,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._is_list = is_sitemap(address)
        self._pages_max = pages_max
        self._depth_max = depth_max
        self._visitor = Visitor(is_allowed)
        self._sleep = sleep
        self._now = now
        self._known: dict[str, _Known] = {}  # by address, from one time to the next
        self._depths: dict[str, int] = {}
        self._begin()

    def _begin(self) -> None:
        """Forget where the last reading of the site went."""
        scope = scope_of(self._address)
        self._scope = replace(scope, has_queries=True) if self._is_list else scope
        self._robots = Robots()
        self._known = {page: known for page, known in self._known.items() if page in self._depths}
        self._depths = {}  # of what is to be read, by address
        self._found: list[Item] = []
        self._read: set[str] = set()  # where pages stand in the end
        self._bytes = 0
        self._failures = 0  # in a row
        self._until = self._now() + SITE_WITHIN_S
        self._may_visit_at = self._now()
        self.stopped: Unavailable | None = None

    async def items(self) -> tuple[Item, ...]:
        """Return the first page, or those of a sitemap."""
        self._begin()
        await self._ask(self._address)
        if not self._is_list:
            self._add((self._address,), 0)
            return self.further()
        self._add(await self._listed(), self._depth_max)
        return self.further()

    def further(self) -> tuple[Item, ...]:
        """Return what was found since this was asked last."""
        found, self._found = tuple(self._found), []
        return found

    async def fetch(self, item: Item) -> Fetched:
        """Read a page."""
        return (await self._page(item.path, UNKNOWN)).fetched

    async def changed(self, item: Item) -> Fetched | None:
        """Read a page that was read before; None where it is as it was."""
        known = self._known.get(item.path)
        visit = await self._page(item.path, known.state if known is not None else UNKNOWN)
        return None if visit.is_same else visit.fetched

    # --- one page ---------------------------------------------------------------------------------

    async def _page(self, address: str, state: Validators) -> Visit:
        is_first = address == self._address
        try:
            visit = await self._visit(address, state, everywhere if is_first else self._is_inside)
        except (NoSuchPage, LedAway) as problem:
            self._known.pop(address, None)
            if is_first:
                raise
            raise Gone(str(problem), zh=problem.zh) from problem
        except Unavailable as problem:
            if is_first:
                raise
            self._add_known(address)
            raise Withheld(str(problem), zh=problem.zh) from problem
        if is_first and (scope := scope_of(visit.address)) != self._scope:
            await self._ask(visit.address)
            self._scope = scope
        if visit.address in self._read:
            raise Gone("It leads to a page that is read already.", zh="跳转到已读过的页面。")
        self._read.add(visit.address)
        await self._follow(address, visit)
        return visit

    async def _visit(self, address: str, state: Validators, may_go: Callable[[str], bool]) -> Visit:
        await self._sleep(max(0.0, self._may_visit_at - self._now()))
        try:
            visit = await self._visitor.visit(address, state, may_go)
            self._bytes += len(visit.fetched.data)
            self._failures = 0
        except Unavailable:
            self._failures += 1
            raise
        finally:
            self._may_visit_at = self._now() + max(PAUSE_S, self._robots.delay_s)
            self._stop_where_it_is_too_much()
        return visit

    async def _follow(self, address: str, visit: Visit) -> None:
        """Add the pages that a page leads to."""
        if visit.is_same:
            self._add_known(address)
            return
        found = await asyncio.to_thread(_links, visit)
        inside = tuple(sys.intern(link) for link in found if self._is_inside(link))
        self._known.pop(address, None)
        if sum(len(known.links) for known in self._known.values()) < REMEMBERED_MAX:
            self._known[address] = _Known(visit.state, inside)
        self._add(inside, self._depths[address] + 1)

    def _add_known(self, address: str) -> None:
        """Add the pages that a page led to the last time."""
        if (known := self._known.get(address)) is not None:
            self._add(known.links, self._depths[address] + 1)

    def _add(self, addresses: tuple[str, ...], depth: int) -> None:
        for address in addresses if depth <= self._depth_max else ():
            if len(self._depths) >= self._pages_max:
                return
            is_first = address == self._address
            if address not in self._depths and (is_first or self._is_inside(address)):
                self._depths[address] = depth
                self._found.append(Item(address))

    def _is_inside(self, address: str) -> bool:
        return self._scope.holds(address) and self._robots.allows(address)

    def _stop_where_it_is_too_much(self) -> None:
        if self._failures >= FAILURES_MAX:
            self.stopped = Unavailable(
                f"Reading stopped after {FAILURES_MAX} pages in a row that could not be had; what"
                " was read stays. It is tried again in some hours, or at once by `kb sync`.",
                zh=f"连续 {FAILURES_MAX} 个网页无法获取，已停止，读到的内容保留；"
                "几小时后会再试，也可以用 kb sync 立即重试。",
            )
        if self._bytes > SITE_BYTES_MAX or self._now() > self._until:
            self.stopped = Unavailable(
                f"Reading stopped after {SITE_WITHIN_S / 60:.0f} minutes or"
                f" {SITE_BYTES_MAX // 1024**2} MB; what was read stays. Name a part of the site, or"
                " fewer pages.",
                zh=f"读取超过 {SITE_WITHIN_S / 60:.0f} 分钟或 {SITE_BYTES_MAX // 1024**2} MB，"
                "已停止，读到的内容保留；请指定网站的一部分，或减少页数。",
            )

    # --- what a site says of itself ---------------------------------------------------------------

    async def _ask(self, address: str) -> None:
        """Read ``robots.txt``; a site without one leaves everything open."""
        try:
            visit = await self._visit(urljoin(address, "/robots.txt"), UNKNOWN, everywhere)
            self._robots = robots(decode(visit.fetched.data), AGENT)
        except Unreadable:
            self._robots = Robots()
        if not self._robots.allows(address):
            raise Unavailable(
                f"robots.txt of this site asks not to read {address} by machine. Ask whoever runs"
                " it, or save the pages as files.",
                zh=f"该网站的 robots.txt 不允许程序读取 {address}；"
                "请联系网站管理者，或把网页存成文件。",
            )

    async def _listed(self) -> tuple[str, ...]:
        """Return the pages of a sitemap, and of those that it leads to."""
        pages: dict[str, None] = {}
        lists, seen = deque((self._address,)), {self._address}
        while lists and len(pages) < self._pages_max:
            found = tuple(filter(self._is_inside, await self._list(lists.popleft())))
            further = [each for each in found if _is_list(each) and each not in seen]
            further = further[: LISTS_MAX + 1 - len(seen)]
            lists += further
            seen.update(further)
            pages |= dict.fromkeys(each for each in found if not _is_list(each))
        if not pages:  # a page of regrets at its address must not make us forget the site
            raise Unavailable(
                f"{self._address} lists no page of its own host and folder that may be read. Name"
                " another sitemap, or a page to begin with.",
                zh=f"{self._address} 没有列出同一网站、同一目录下可读的网页；"
                "请换一个站点地图，或给出起始网页。",
            )
        return tuple(pages)

    async def _list(self, address: str) -> tuple[str, ...]:
        """Read one sitemap; of those that it leads to, one that is broken lists nothing."""
        try:
            visit = await self._visit(address, UNKNOWN, self._is_inside)
            return listed(visit.fetched.data)
        except Unreadable as problem:
            if address == self._address:
                raise Unavailable(str(problem), zh=problem.zh) from problem
            log.info("knowledge_not_read", place=address, problem=str(problem))
            return ()


def _is_list(address: str) -> bool:
    return urlsplit(address).path.lower().endswith(".xml")


def _links(visit: Visit) -> tuple[str, ...]:
    if not visit.fetched.name.endswith((".html", ".htm")):
        return ()
    try:
        return links(visit.fetched.data, visit.address)
    except Unreadable:
        return ()
