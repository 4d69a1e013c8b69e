"""Where the items of a source come from, and what a place is that somebody names."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from posthouse.knowledge.sources.built_in import BuiltIn
from posthouse.knowledge.sources.files import Checkout, Folder
from posthouse.knowledge.sources.grounds import ANYWHERE, Grounds
from posthouse.knowledge.sources.links import is_sitemap
from posthouse.knowledge.sources.page import Page
from posthouse.knowledge.sources.place import PAGES_MAX, Options, Place, Unavailable
from posthouse.knowledge.sources.site import Site
from posthouse.knowledge.sources.visitor import anywhere, checked, is_public
from posthouse.model.errors import OperatorMistake
from posthouse.store.documents import Documents, Source, SourceKind

ON_DISK = frozenset({SourceKind.FOLDER, SourceKind.GIT, SourceKind.BUILT_IN})
BASE_NAME = re.compile(r"[\w.-]{1,64}")
AS_USUAL = Options()
BY_HAND = frozenset({SourceKind.UPLOAD, SourceKind.FAQ})  # nothing to look at


def is_base_name(text: str) -> bool:
    """Whether a base can be called so."""
    return BASE_NAME.fullmatch(text) is not None


def options_of(source: Source) -> Options:
    """Return how a source is to be read."""
    return msgspec.json.decode(source.options or "{}", type=Options)


async def enter(
    documents: Documents,
    base: str,
    kind: SourceKind,
    place: str,
    now: float,
    options: Options = AS_USUAL,
) -> Source:
    """Write a source down, and its base where there is none; one that is known gets the options.

    Args:
        documents: the book.
        base: which it belongs to.
        kind: of the source.
        place: in full, see ``kind_of``; empty where people fill it by hand.
        now: seconds since the epoch.
        options: how it is read.
    """
    told = msgspec.json.encode(options).decode()
    await documents.add_base(base, now)
    number = await documents.add_source(base, kind, place, told, now)
    return Source(id=number, base=base, kind=kind, place=place, options=told, added_at=now)


def place_of(source: Source, grounds: Grounds = ANYWHERE) -> Place:
    """Return where a source's items come from.

    Raises:
        Unavailable: people fill it by hand.
    """
    options = options_of(source)
    match source.kind:
        case SourceKind.FOLDER:
            return Folder(Path(source.place), options, grounds)
        case SourceKind.GIT:
            return Checkout(Path(source.place), options, grounds)
        case SourceKind.URL:
            return _pages(source.place, options)
        case SourceKind.BUILT_IN:
            return BuiltIn()
        case SourceKind.UPLOAD | SourceKind.FAQ:
            raise Unavailable(
                "This is filled by hand; there is nothing to look at.", zh="这是手工录入的来源。"
            )


def is_site(source: Source) -> bool:
    """Whether a source is many pages of somebody else's, which takes its time."""
    if source.kind is not SourceKind.URL:
        return False
    return options_of(source).pages_max > 1 or is_sitemap(source.place)


def _pages(address: str, options: Options) -> Place:
    is_allowed = anywhere if options.is_private else is_public
    pages_max = min(options.pages_max, PAGES_MAX)
    if pages_max > 1:
        return Site(address, pages_max, options.depth_max, is_allowed)
    return (
        Site(address, PAGES_MAX, 0, is_allowed)
        if is_sitemap(address)
        else Page(address, is_allowed)
    )


def kind_of(place: str) -> tuple[SourceKind, str]:
    """Tell what a place is: an address, a git checkout, a folder or a file; returns it in full.

    Raises:
        OperatorMistake: there is no such thing.
    """
    if "://" in place:
        return SourceKind.URL, checked(place)
    path = Path(place).expanduser().absolute()
    if not path.exists():
        raise OperatorMistake(
            f"{path} does not exist; name a folder, a file, a git checkout, or an address that"
            " begins with https://.",
            zh=f"{path} 不存在；请给出文件夹、文件、git 检出目录，或以 https:// 开头的网址。",
        )
    is_checkout = path.is_dir() and (path / ".git").exists()
    return (SourceKind.GIT if is_checkout else SourceKind.FOLDER), str(path)
