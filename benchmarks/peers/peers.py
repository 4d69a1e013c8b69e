"""Who is measured, and how each is started. A new peer is one entry and one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

_VERSIONS = """
import importlib.metadata, sys
print(sys.version.split()[0], *map(importlib.metadata.version, sys.argv[1:]))
"""

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class Peer(Struct, frozen=True):
    """A program that answers ``demo echo X`` on OneBot."""

    name: str
    title: str
    folder: Path
    command: Callable[[int, Path], Sequence[str]]  # from the port and a data directory
    python: str
    packages: Sequence[str]  # whose versions name it
    environ: Mapping[str, str] = {}
    prepare: Callable[[], None] = lambda: None

    def environment(self, port: int) -> dict[str, str]:
        """Return the variables that it starts with."""
        return {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), **self.environ}

    def versions(self) -> str:
        """Return the versions of Python and of what the peer is made of."""
        found = subprocess.run(  # noqa: S603 - our own program
            [self.python, "-c", _VERSIONS, *self.packages],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        names = ("Python", *self.packages)
        return ", ".join(f"{name} {version}" for name, version in zip(names, found, strict=True))


def _venv_of_nonebot() -> None:
    """Make the environment that the lock describes, with the Python that runs Posthouse."""
    folder = HERE / "nonebot2"
    lock, stamp = folder / "requirements.lock", folder / ".venv" / "locked"
    wanted = sys.version + lock.read_text("utf-8")
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    print("Installing NoneBot2 beside …", file=sys.stderr)
    _run(sys.executable, "-m", "venv", "--clear", str(folder / ".venv"))
    pip = (NONEBOT_PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-qq")
    _run(*pip, "--require-hashes", "--requirement", str(lock))
    stamp.write_text(wanted, "utf-8")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - our own words


NONEBOT_PYTHON = str(HERE / "nonebot2" / ".venv" / "bin" / "python")

POSTHOUSE = Peer(
    name="posthouse",
    title="Posthouse",
    folder=ROOT,
    command=lambda port, data: (
        *(sys.executable, "-m", "posthouse", "run"),
        *("--config", str(HERE / "posthouse" / "posthouse.toml")),
        *("--data", str(data), "--port", str(port)),
    ),
    python=sys.executable,
    packages=("posthouse", "uvicorn", "uvloop", "apsw"),
)
NONEBOT = Peer(
    name="nonebot2",
    title="NoneBot2",
    folder=HERE / "nonebot2",
    command=lambda _port, _data: (NONEBOT_PYTHON, "bot.py"),
    python=NONEBOT_PYTHON,
    packages=("nonebot2", "nonebot-adapter-onebot", "uvicorn", "uvloop", "websockets"),
    prepare=_venv_of_nonebot,
)
PEERS = {peer.name: peer for peer in (POSTHOUSE, NONEBOT)}
