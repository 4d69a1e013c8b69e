"""What every source gives: things with a name, a cheap sign of change, and their bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Final, Protocol, runtime_checkable

from msgspec import Struct

from posthouse.model.errors import PosthouseError

PAGES_MAX: Final = 5000
DEPTH_USUAL: Final = 5


class Unavailable(PosthouseError):
    """The place cannot be looked at now; what was read before stays."""


class Gone(PosthouseError):
    """This item is no part of the place any more; what was read of it is forgotten."""


class Withheld(PosthouseError):
    """This item cannot be read now; what was read of it before stays."""


class Options(Struct, frozen=True, omit_defaults=True):
    """How a source is to be read; it is stored as JSON in ``Source.options``."""

    columns: Mapping[str, str] = {}  # of tables: answer, show or never, by name
    include: tuple[str, ...] = ()  # patterns as in .gitignore; none: everything that can be read
    exclude: tuple[str, ...] = ()
    is_masked: bool = True
    pages_max: int = 1  # of a site: how many pages are read
    depth_max: int = DEPTH_USUAL  # of a site: how many links away from the first page
    is_private: bool = False  # whether a page may be on this machine or network
    is_declared: bool = False  # in the settings; it goes when they do not name it any more


class Item(Struct, frozen=True):
    """Something that can be read."""

    path: str  # unique within its source
    stamp: str = ""  # the same for as long as it has surely not changed; "": nobody knows


class Fetched(Struct, frozen=True):
    """The bytes of an item, and a name that tells their format."""

    data: bytes
    name: str


class Place(Protocol):
    """Where items come from."""

    async def items(self) -> tuple[Item, ...]:
        """List what there is.

        Raises:
            Unavailable: why nothing can be listed now.
        """
        ...

    def fetch(self, item: Item) -> Awaitable[Fetched]:
        """Read one.

        Raises:
            Unreadable: why this one cannot be read.
            Gone: it went away meanwhile.
            Withheld: it cannot be read now.
            Unavailable: the place cannot be looked at any more.
        """
        ...


@runtime_checkable
class Growing(Protocol):
    """A place whose items lead to further ones."""

    stopped: Unavailable | None  # why it was not read to its end

    def further(self) -> tuple[Item, ...]:
        """Return what was found since this was asked last."""
        ...

    def changed(self, item: Item) -> Awaitable[Fetched | None]:
        """Read an item that this place has given before, as ``fetch`` does; None: as it was."""
        ...
