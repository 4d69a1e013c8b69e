"""Whether a change was asked for by one of our own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from posthouse.console.problems import Declined

SAFE_METHODS = frozenset({"GET", "HEAD"})


def check_origin(request: Request, public_url: str) -> None:
    """Refuse a change that another site's page asks for, or that no page of ours can have asked.

    Raises:
        Declined: it is another site's. A browser names the origin of every form it sends.
    """
    if request.method in SAFE_METHODS:
        return
    asked = urlsplit(request.headers.get("origin", ""))
    host = request.headers.get("host", "").casefold()
    ours = {host, urlsplit(public_url).netloc.casefold()} - {""}
    if asked.scheme not in {"http", "https"} or asked.netloc.casefold() not in ours:
        raise Declined("foreign_origin")


def is_secure(request: Request, public_url: str) -> bool:
    """Whether the browser came by https, a proxy in between included."""
    public = urlsplit(public_url)
    is_public = request.headers.get("host", "").casefold() == public.netloc.casefold()
    return (public.scheme if is_public else request.url.scheme) == "https"
