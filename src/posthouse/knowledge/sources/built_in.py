"""The pages for who runs the house: in the wheel, or beside the source it is run from."""

from __future__ import annotations

import asyncio
from pathlib import Path

import posthouse
from posthouse.knowledge.sources.place import Fetched, Item

BASE = "posthouse"
PACKED = "documentation"  # the folder's name in the wheel
PAGES = ("README.md", "README.zh-CN.md")
FOLDER = "docs"
# Pages for who changes the house: they speak of everything, and answer nobody who runs it.
LEFT_OUT = (
    "docs/decisions/",
    "docs/explanation/the-road-of-a-question.md",
    "docs/performance.md",
    "docs/reference/feishu-simulator.md",
    "docs/reference/onebot-simulator.md",
    "docs/reference/probe-protocol.md",
)


class BuiltIn:
    """The pages that came with this version."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or _root()

    async def items(self) -> tuple[Item, ...]:
        """List the pages; a copy without any has none."""
        return await asyncio.to_thread(self._list)

    async def fetch(self, item: Item) -> Fetched:
        """Read a page."""
        path = self._root / item.path
        return Fetched(await asyncio.to_thread(path.read_bytes), path.name)

    def _list(self) -> tuple[Item, ...]:
        below = (self._root / FOLDER).rglob("*.md")
        paths = [self._root / name for name in PAGES] + sorted(below)
        return tuple(
            Item(name, str(path.stat().st_mtime_ns))
            for path, name in ((path, path.relative_to(self._root).as_posix()) for path in paths)
            if path.is_file() and not name.startswith(LEFT_OUT)
        )


def _root() -> Path:
    package = Path(posthouse.__file__).parent
    packed = package / PACKED
    return packed if packed.is_dir() else package.parent.parent
