"""Where the project's files are, for tests that read them."""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "posthouse"

_MADE_BY_TOOLS = {"build", "data", "dist", "node_modules", "__pycache__"}


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, part of the project."""
    return tuple(path for path in _candidates() if path.is_file())


def _candidates() -> Iterator[Path]:
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        # An unpacked source archive, or somebody else's clone, has no history to ask.
        yield from (path for path in ROOT.rglob("*") if not _is_made(path.relative_to(ROOT)))
    else:
        yield from (ROOT / name for name in listing.stdout.split("\0") if name)


def _is_made(path: Path) -> bool:
    folders = path.parts[:-1]
    return any(
        name in _MADE_BY_TOOLS or (name.startswith(".") and name != ".ci") for name in folders
    )


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
