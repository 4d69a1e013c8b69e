"""Fetches pages elsewhere, and is not led to what is not for the public."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
from msgspec import Struct

from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.sources.links import as_sent
from posthouse.knowledge.sources.login import is_login, names_login
from posthouse.knowledge.sources.place import Fetched, Unavailable
from posthouse.model.errors import OperatorMistake

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

AGENT = "posthouse"
BYTES_MAX = 20 * 1024**2
FETCH_WITHIN_S = 30.0
REDIRECTS_MAX = 5

_SUFFIXES = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/plain": "txt",
    "application/json": "json",
}
_OFFICE = "application/vnd.openxmlformats-officedocument."
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, also behind its disguises."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def anywhere(_address: Address) -> bool:
    """Allow every address: an operator wants a page of their own network."""
    return True


class Validators(Struct, frozen=True):
    """How a server names the state of a page; empty where it does not."""

    etag: str = ""
    modified: str = ""

    def headers(self) -> dict[str, str]:
        """Ask for a page only if it is in another state by now."""
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in named.items() if value}


UNKNOWN = Validators()


class Visit(Struct, frozen=True):
    """What a server gave."""

    address: str  # where it stands in the end
    fetched: Fetched
    state: Validators = UNKNOWN
    is_same: bool = False  # as it was in the state that was named; nothing was fetched


class NoSuchPage(Unreadable):
    """The server says that there is no page here."""


class LedAway(Unreadable):
    """The page leads to one that is not to be visited."""


def everywhere(_address: str) -> bool:
    """Follow redirects to any address; ``Visitor`` still asks whether it may be connected to."""
    return True


class Visitor:
    """Fetches pages.

    Args:
        is_allowed: which addresses may be connected to; asked at the moment of connecting, so that
            a name cannot lead elsewhere between the look and the call.
    """

    def __init__(self, is_allowed: Callable[[Address], bool] = is_public) -> None:
        self._is_allowed = is_allowed

    async def visit(
        self,
        address: str,
        state: Validators = UNKNOWN,
        may_go: Callable[[str], bool] = everywhere,
    ) -> Visit:
        """Fetch a page, through redirects.

        Args:
            address: of the page.
            state: that it was in when it was fetched before.
            may_go: which addresses redirects may lead to.

        Raises:
            Unreadable: there is none, it asks for a log-in, it is too large, or it leads away.
            Unavailable: it cannot be fetched now.
        """
        try:
            async with asyncio.timeout(FETCH_WITHIN_S), self._session(state) as session:
                return await self._follow(session, address, may_go)
        except TimeoutError:
            raise Unavailable(
                f"{address} does not answer within {FETCH_WITHIN_S:.0f} s.",
                zh=f"{address} 在 {FETCH_WITHIN_S:.0f} 秒内没有回应。",
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            raise Unavailable(
                f"{address} cannot be fetched: {problem}", zh=f"无法获取 {address}：{problem}"
            ) from problem

    def _session(self, state: Validators) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(socket_factory=self._socket)
        return aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": AGENT, "Accept": "text/html,*/*;q=0.5", **state.headers()},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def _socket(self, about: Any) -> socket.socket:  # noqa: ANN401 - a tuple of five
        family, kind, protocol, _, to = about
        if not self._is_allowed(ipaddress.ip_address(str(to[0]).partition("%")[0])):
            raise PermissionError(
                errno.EACCES,
                f"{to[0]} is on this machine or network; --private allows it"
                f" （{to[0]} 在本机或内网；加 --private 才允许）",
            )
        return socket.socket(family, kind, protocol)

    async def _follow(
        self, session: aiohttp.ClientSession, address: str, may_go: Callable[[str], bool]
    ) -> Visit:
        asked = address = as_sent(checked(address))
        for _ in range(REDIRECTS_MAX + 1):
            async with session.get(address, allow_redirects=False) as answer:
                if answer.status in {301, 302, 303, 307, 308} and "Location" in answer.headers:
                    address = _led_to(as_sent(urljoin(address, answer.headers["Location"])))
                    if not may_go(address):
                        raise LedAway(f"It leads to {address}.", zh=f"页面跳转到 {address}。")
                    continue
                return await self._read(answer, address, was_led=address != asked)
        raise Unreadable("It leads from page to page without end.", zh="页面不停地跳转。")

    async def _read(self, answer: aiohttp.ClientResponse, address: str, *, was_led: bool) -> Visit:
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return Visit(address, Fetched(b"", ""), is_same=True)
        if answer.status in {401, 403}:
            raise _needs_login()
        if answer.status in {404, 410}:
            raise NoSuchPage(f"There is no such page ({answer.status}).", zh="没有这个页面。")
        if not answer.ok:
            raise Unavailable(
                f"{address} answers with status {answer.status}.",
                zh=f"{address} 返回状态 {answer.status}。",
            )
        data = bytearray()
        async for chunk in answer.content.iter_chunked(65_536):
            data += chunk
            if len(data) > BYTES_MAX:
                raise Unreadable(
                    f"It is larger than {BYTES_MAX // 1024**2} MB.",
                    zh=f"超过 {BYTES_MAX // 1024**2} MB。",
                )
        page = bytes(data)
        is_suspect = was_led and names_login(address)
        if await asyncio.to_thread(is_login, page, is_suspect=is_suspect):
            raise _needs_login()
        name = _name(address, answer.content_type)
        headers = answer.headers
        state = Validators(headers.get("ETag", ""), headers.get("Last-Modified", ""))
        return Visit(address, Fetched(_with_charset(page, answer), name), state)


def checked(address: str) -> str:
    """Return an address that is one of a page.

    Raises:
        OperatorMistake: it is not, or it holds a password.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise OperatorMistake(
            f"{address} is no address of a page; it begins with https://.",
            zh=f"{address} 不是网页地址；应以 https:// 开头。",
        )
    if parts.username or parts.password:
        raise OperatorMistake(
            "An address with a password in it is not kept; save the page as a file instead.",
            zh="不保存带密码的地址；请把页面存成文件再添加。",
        )
    return address


def _led_to(address: str) -> str:
    try:
        return checked(address)
    except OperatorMistake as problem:
        raise Unreadable(str(problem), zh=problem.zh) from problem


def _needs_login() -> Unreadable:
    return Unreadable(
        "This page asks for a log-in; only public pages can be read. Save it as a file, or export"
        " it, and add that.",
        zh="这个页面要求登录，只能读公开的页面；请另存或导出为文件再添加。",
    )


def _name(address: str, content_type: str) -> str:
    name = unquote(urlsplit(address).path).rstrip("/").rpartition("/")[2] or "page"
    if content_type.startswith(_OFFICE):
        return name
    suffix = _SUFFIXES.get(content_type, "")
    return name if not suffix or name.lower().endswith(f".{suffix}") else f"{name}.{suffix}"


def _with_charset(page: bytes, answer: aiohttp.ClientResponse) -> bytes:
    """Believe the header about a page's charset: put what it says into UTF-8."""
    charset = answer.charset
    if charset is None or charset.lower() in {"utf-8", "utf8"}:
        return page
    name = "gb18030" if charset.lower() in {"gb2312", "gbk"} else charset
    try:
        text = page.decode(name)
    except (UnicodeDecodeError, LookupError):
        return page
    return b"\xef\xbb\xbf" + text.encode("utf-8")
