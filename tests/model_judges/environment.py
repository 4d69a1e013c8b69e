"""Installs the pretended model of others that the lock beside this file names."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE / ".venv"
AIMOCK = PLACE / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
STAMP = PLACE / "locked"
FILES = ("package.json", "package-lock.json")


def missing() -> str:
    """Say why it cannot be used; empty when it can."""
    if shutil.which("node") is None:
        return "aimock needs Node"
    if not AIMOCK.exists() or not STAMP.exists() or STAMP.read_text("utf-8") != _wanted():
        return "aimock is not installed: python -m tests.model_judges.environment"
    return ""


def _wanted() -> str:
    return (HERE / FILES[1]).read_text("utf-8")


def main() -> None:
    """Install it, unless it is there."""
    if not missing():
        return
    if shutil.which("npm") is None:
        sys.exit("npm is needed")
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    for name in FILES:
        shutil.copy(HERE / name, PLACE)
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    subprocess.run(("npm", "ci", *quiet), cwd=PLACE, check=True)
    STAMP.write_text(_wanted(), "utf-8")


if __name__ == "__main__":
    main()
