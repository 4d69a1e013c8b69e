"""Files on this machine: a folder, one file, or what git keeps of a checkout."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from posthouse.knowledge.formats.catalogue import BYTES_MAX, is_wanted
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.sources.grounds import ANYWHERE, Grounds
from posthouse.knowledge.sources.place import Fetched, Gone, Item, Options, Unavailable
from posthouse.model.errors import OperatorMistake
from posthouse.store.documents import PATH_BYTES_MAX

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

FILES_MAX = 100_000
DEPTH_MAX = 40
IGNORE_BYTES_MAX = 1024**2
LIST_WITHIN_S = 30.0
JUST_NOW_NS = 100_000_000

_NEVER_FOLDERS = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})
_SECRET = re.compile(
    r".*\.(pem|key|p12|pfx|jks|keystore|kdbx|ovpn|ppk|asc|gpg|secret|secrets)|id_(rsa|dsa|ecdsa|ed25519)"
    r".*|(.*[._-])?env|env\.(local|dev|prod).*|secrets?\..*|credentials?(\..*)?|(service|client)[-_.](account|secret).*\.json"
    r"|known_hosts|authorized_keys|htpasswd|netrc|posthouse\.toml",
    re.IGNORECASE,
)


class Folder:
    """A folder with everything below it, or one file.

    Hidden files, what ``.gitignore`` leaves out, and files that hold secrets are passed over.
    """

    def __init__(self, root: Path, options: Options, grounds: Grounds = ANYWHERE) -> None:
        self._root = root
        self._wanted = _Wanted(options)
        self._is_declared = options.is_declared
        self._grounds = grounds
        self._closed = ""  # the house's own data, if they lie in it

    async def items(self) -> tuple[Item, ...]:
        """List the files."""
        return await asyncio.to_thread(self._list)

    async def fetch(self, item: Item) -> Fetched:
        """Read one file."""
        path = self._root / item.path if self._root.is_dir() else self._root
        return await asyncio.to_thread(_fetch, path, self._root)

    def _list(self) -> tuple[Item, ...]:
        _let_in(self._root, self._grounds, is_declared=self._is_declared)
        if self._root.is_file():
            return (Item(self._root.name, _stamp(self._root.stat())),)
        if not self._root.is_dir():
            raise _missing(self._root)
        self._closed = self._grounds.closed_in(self._root)
        return _bounded(self._walk(self._root, "", (), 0))

    def _walk(
        self, folder: Path, below: str, ignored: tuple[tuple[str, GitIgnoreSpec], ...], depth: int
    ) -> Iterator[Item]:
        own = _ignore_file(folder / ".gitignore")
        if own is not None:
            ignored = (*ignored, (below, own))
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            if not depth:
                raise _missing(folder) from None
            return
        for entry in found:
            path = f"{below}{entry.name}"
            if entry.name.startswith(".") or _is_ignored(path, ignored, entry):
                continue
            if entry.is_dir(follow_symlinks=False):
                is_read = entry.name not in _NEVER_FOLDERS and path != self._closed
                if is_read and depth < DEPTH_MAX:
                    yield from self._walk(Path(entry.path), f"{path}/", ignored, depth + 1)
            elif self._wanted(path):
                yield from _item(entry.path, path, self._root)


class Checkout:
    """What git keeps of a checkout on this machine, as it is in the working tree."""

    def __init__(self, root: Path, options: Options, grounds: Grounds = ANYWHERE) -> None:
        self._root = root
        self._wanted = _Wanted(options)
        self._is_declared = options.is_declared
        self._grounds = grounds

    async def items(self) -> tuple[Item, ...]:
        """List the files that git tracks."""
        return await asyncio.to_thread(self._list)

    async def fetch(self, item: Item) -> Fetched:
        """Read one file."""
        return await asyncio.to_thread(_fetch, self._root / item.path, self._root)

    def _list(self) -> tuple[Item, ...]:
        _let_in(self._root, self._grounds, is_declared=self._is_declared)
        closed = self._grounds.closed_in(self._root)
        names = (os.fsdecode(name) for name in _tracked(self._root).split(b"\0") if name)
        wanted = (
            name
            for name in names
            if self._wanted(name)
            and not any(part.startswith(".") for part in name.split("/"))
            and not (closed and name.startswith(f"{closed}/"))
        )
        return _bounded(
            item for name in wanted for item in _item(self._root / name, name, self._root)
        )


def _let_in(root: Path, grounds: Grounds, *, is_declared: bool) -> None:
    """Look at each reading whether a place may be read: it may have become a link since."""
    try:
        grounds.check(root, is_declared=is_declared)
    except OperatorMistake as mistake:
        raise Unavailable(str(mistake), zh=mistake.zh) from mistake


class _Wanted:
    """Which files of a place are read, by their paths within it."""

    def __init__(self, options: Options) -> None:
        self._include = _spec(options.include) if options.include else None
        self._exclude = _spec(options.exclude) if options.exclude else None

    def __call__(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        if not is_wanted(name) or is_secret(name):
            return False
        if self._exclude is not None and self._exclude.match_file(path):
            return False
        return self._include is None or self._include.match_file(path)


def is_secret(name: str) -> bool:
    """Whether a file of this name usually holds keys or passwords."""
    return bool(_SECRET.fullmatch(name.lstrip(".")))


def _tracked(root: Path) -> bytes:
    if not (root / ".git").exists():
        raise Unavailable(
            f"{root} is no git checkout; add it as a folder.",
            zh=f"{root} 不是 git 检出目录；请按文件夹添加。",
        )
    # A checkout may be somebody else's: nothing that its settings name is run.
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "ls-files"]
    try:
        done = subprocess.run(  # noqa: S603 - the words are ours
            [*command, "-z", "--cached"],
            cwd=root,
            capture_output=True,
            timeout=LIST_WITHIN_S,
            check=True,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(Path.home())},
        )
    except (OSError, subprocess.SubprocessError) as problem:
        said = getattr(problem, "stderr", None) or str(problem).encode()
        why = said.decode("utf-8", "replace").strip().split("\n")[0]
        raise Unavailable(
            f"git cannot list {root}: {why}", zh=f"git 无法列出 {root}：{why}"
        ) from problem
    return done.stdout


def _missing(root: Path) -> Unavailable:
    return Unavailable(
        f"{root} does not exist or may not be read; what was read before stays. Bring it back, or"
        " remove the source with `posthouse kb rm`.",
        zh=f"{root} 不存在或不可读；之前读到的内容仍保留。请恢复它，或用 posthouse kb rm 移除。",
    )


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)


def _ignore_file(path: Path) -> GitIgnoreSpec | None:
    try:
        if path.stat().st_size > IGNORE_BYTES_MAX:
            return None
        return _spec(path.read_text("utf-8", "replace").splitlines())
    except (OSError, ValueError):
        return None


def _is_ignored(
    path: str, ignored: Sequence[tuple[str, GitIgnoreSpec]], entry: os.DirEntry[str]
) -> bool:
    """Ask the nearest ``.gitignore`` first; one that says nothing leaves it to those above."""
    slash = "/" if entry.is_dir(follow_symlinks=False) else ""
    for below, spec in reversed(ignored):
        said = spec.check_file(f"{path.removeprefix(below)}{slash}").include
        if said is not None:
            return said
    return False


def _item(full: str | Path, path: str, root: Path) -> Iterator[Item]:
    """Yield a file, unless it is none, or a link that leads out of the folder."""
    try:
        about = os.lstat(full)
        if stat.S_ISLNK(about.st_mode):
            if not Path(full).resolve().is_relative_to(root.resolve()):
                return
            about = Path(full).stat()
    except OSError:
        return
    if stat.S_ISREG(about.st_mode) and _is_utf8(path):
        yield Item(path, _stamp(about))


def _stamp(about: os.stat_result) -> str:
    """Name how a file looks; one written just now may still change without looking different."""
    if abs(time.time_ns() - about.st_mtime_ns) < JUST_NOW_NS:
        return ""
    return f"{about.st_mtime_ns}-{about.st_size}-{about.st_ino}"


def _is_utf8(path: str) -> bool:
    """Whether a path can be written down: file systems take any bytes for a name."""
    try:
        return len(path.encode()) <= PATH_BYTES_MAX
    except UnicodeEncodeError:
        return False


def _bounded(items: Iterator[Item]) -> tuple[Item, ...]:
    found: list[Item] = []
    for item in items:
        if len(found) == FILES_MAX:
            raise Unavailable(
                f"There are more than {FILES_MAX:,} files; choose a folder below, or --include.",
                zh=f"文件超过 {FILES_MAX:,} 个；请选择子文件夹，或用 --include 限定。",
            )
        found.append(item)
    return tuple(found)


def _fetch(path: Path, root: Path) -> Fetched:
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            raise _gone()
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)  # one more, so that its reader sees it is too large
    except FileNotFoundError:
        raise _gone() from None
    except OSError as problem:
        raise Unreadable(
            f"It may not be read ({problem.strerror}); allow it to the house's user.",
            zh=f"无法读取（{problem.strerror}）；请给运行驿站的用户读取权限。",
        ) from problem
    return Fetched(data, path.name)


def _gone() -> Gone:
    return Gone("It is gone.", zh="文件已不在。")
