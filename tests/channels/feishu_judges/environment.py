"""Makes the environments that the locks beside this file describe, if they are not there yet.

The two versions of the Python SDK unpack to 100 MB each, so everything is installed side by side.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE / ".venv"
NODE_MODULES = PLACE / "node" / "node_modules"
SEVERAL = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def python_of(name: str) -> Path:
    """Return the interpreter of one of the Python environments."""
    return PLACE / name / "bin" / "python"


def is_there(name: str) -> bool:
    """Whether an environment is the one that its lock describes."""
    stamp = PLACE / name / "locked"
    return stamp.exists() and stamp.read_text("utf-8") == _wanted(name)


def has_npm() -> bool:
    """Whether the Node environment could be made here."""
    return shutil.which("npm") is not None and shutil.which("node") is not None


def _wanted(name: str) -> str:
    lock = "package-lock.json" if name == "node" else f"{name}.lock"
    return sys.version + (HERE / lock).read_text("utf-8")


def _make(name: str) -> None:
    """Install an environment anew."""
    shutil.rmtree(PLACE / name, ignore_errors=True)
    if name == "node":
        _make_node(PLACE / name)
    else:
        _make_python(name)
    (PLACE / name / "locked").write_text(_wanted(name), "utf-8")


def _make_python(name: str) -> None:
    made = (sys.executable, "-m", "venv", "--without-pip", PLACE / name)
    subprocess.run(made, check=True)
    pip = (*SEVERAL, "--python", python_of(name), "install", "-qq", "--no-deps")
    subprocess.run((*pip, "--require-hashes", "--requirement", HERE / f"{name}.lock"), check=True)


def _make_node(place: Path) -> None:
    place.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, place)
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    subprocess.run(("npm", "ci", *quiet), cwd=place, check=True)


def main() -> None:
    """Make what is missing; without npm the Node SDK stays away, and its tests say so."""
    names = [name for name in ("current", "pinned", "node") if not is_there(name)]
    makers = [
        threading.Thread(target=_make, args=(name,))
        for name in names
        if name != "node" or has_npm()
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    missing = [name for name in names if not is_there(name) and (name != "node" or has_npm())]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")


if __name__ == "__main__":
    main()
