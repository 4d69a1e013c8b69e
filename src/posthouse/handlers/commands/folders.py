"""The scene folders: what lies in them, whether it has changed, and its text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from posthouse.handlers.commands.frames import Load, Source

FILES_MAX = 2000  # looked at; more is no folder of scenes
DEPTH_MAX = 3
SOURCES_BYTES_MAX = 3 * 1024 * 1024  # of all scenes: they travel in one frame

Stamp = Mapping[str, tuple[int, int]]  # path → when it was changed (ns), and its size


class TooLarge(Exception):
    """The scene folders hold more than scenes."""


class Folders:
    """Folders in the order of search; those of ``public`` come last and need no permission."""

    def __init__(self, scene_dirs: Sequence[Path], public_dirs: Sequence[Path]) -> None:
        self._folders = [(each.absolute(), False) for each in scene_dirs]
        self._folders += [(each.absolute(), True) for each in public_dirs]

    @property
    def missing(self) -> tuple[Path, ...]:
        """Return the folders that are not there."""
        return tuple(folder for folder, _ in self._folders if not folder.is_dir())

    def stamp(self) -> Stamp:
        """Look at every Python file, also in folders below: those are what scenes import."""
        stamp: dict[str, tuple[int, int]] = {}
        for folder, _ in self._folders:
            for entry in _python_files(folder, DEPTH_MAX):
                if len(stamp) >= FILES_MAX:
                    return stamp
                seen = entry.stat()
                stamp[entry.path] = (seen.st_mtime_ns, seen.st_size)
        return stamp

    def still(self, old: Load) -> Load:
        """Return what of an earlier reading, by other settings, lies in these folders."""
        folders = {str(folder): is_public for folder, is_public in reversed(self._folders)}
        kept = (each for each in old.sources if str(Path(each.path).parent) in folders)
        sources = (replace(each, is_public=folders[str(Path(each.path).parent)]) for each in kept)
        return Load(self._places, tuple(sources))

    def read(self) -> Load:
        """Read every scene and what lies beside it.

        Raises:
            TooLarge: there is too much of it.
        """
        sources: list[Source] = []
        bytes_read = 0
        for folder, is_public in self._folders:
            for entry in sorted(_python_files(folder, 1), key=lambda each: each.name):
                name = entry.name.removesuffix(".py")
                if not name.isidentifier():
                    continue
                bytes_read += entry.stat().st_size
                if bytes_read > SOURCES_BYTES_MAX or len(sources) >= FILES_MAX:
                    raise TooLarge
                text = Path(entry.path).read_text("utf-8-sig", "replace")
                sources.append(Source(name, entry.path, text, is_public))
        return Load(self._places, tuple(sources))

    @property
    def _places(self) -> tuple[str, ...]:
        """Return where scenes may import from."""
        parents = (str(folder.parent) for folder, _ in self._folders)
        folders = (str(folder) for folder, _ in self._folders)
        return tuple(dict.fromkeys((*folders, *parents)))


def _python_files(folder: Path, depth: int) -> Iterator[os.DirEntry[str]]:
    """Yield the files of a folder that can be seen and read; a folder that is gone has none."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.name.endswith(".py") and entry.is_file():
                yield entry
            elif depth > 1 and entry.is_dir() and not entry.name.startswith((".", "__pycache__")):
                yield from _python_files(Path(entry.path), depth - 1)
        except OSError:
            continue
