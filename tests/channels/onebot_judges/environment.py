"""Makes the environment that the lock beside this file describes, if it is not there yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE / "requirements.lock"
PYTHON = HERE / ".venv" / "bin" / "python"
STAMP = HERE / ".venv" / "locked"


def wanted() -> str:
    """What the environment is made from."""
    return sys.version + LOCK.read_text("utf-8")


def is_there() -> bool:
    """Whether the environment is the one that the lock describes."""
    return STAMP.exists() and STAMP.read_text("utf-8") == wanted()


def make() -> None:
    """Install everything anew."""
    subprocess.run((sys.executable, "-m", "venv", "--clear", HERE / ".venv"), check=True)
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-qq")
    subprocess.run((*pip, "--require-hashes", "--requirement", LOCK), check=True)
    STAMP.write_text(wanted(), "utf-8")


if __name__ == "__main__" and not is_there():
    make()
