"""Which files a scene may send, and that the house's own stay in the house."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from posthouse.handlers.commands.files import Files, Unreadable
from posthouse.handlers.commands.frames import SaidFile
from posthouse.store.media import Shelf

# Where things lie: the data directory in the working directory, the scratch folder inside of it.
FILES = ("report.txt", "scenes/logo.png", "data/web.key", "data/scenes/w/chart.png", "../passwd")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    for name in FILES:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (place / "innocent.txt").symlink_to(place / "data/web.key")
    return place


def files_of(place: Path) -> Files:
    data = place / "data"
    return Files(Shelf(data / "media"), 1000, sent_from=(data / "scenes", place), kept_in=data)


@pytest.mark.parametrize("name", ["report.txt", "scenes/logo.png", "data/scenes/w/chart.png"])
async def test_a_scene_sends_what_lies_where_it_works(place: Path, name: str) -> None:
    taken = await files_of(place).take(SaidFile(str(place / name), "shown"))
    assert taken.name == "shown"


@pytest.mark.parametrize(
    "name",
    ["data/web.key", "data/scenes/../web.key", "innocent.txt", "../passwd", "scenes/../../passwd"],
)
async def test_a_file_from_elsewhere_is_not_sent_and_not_removed(place: Path, name: str) -> None:
    path = place / name
    with pytest.raises(Unreadable, match="scenes may send"):
        await files_of(place).take(SaidFile(str(path), "shown", is_ours=True))
    assert path.exists()


@pytest.mark.parametrize("kind", ["pipe", "folder"])
async def test_what_is_no_plain_file_is_not_waited_for(place: Path, kind: str) -> None:
    path = place / kind
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    async with asyncio.timeout(5):
        with pytest.raises(Unreadable, match="not a plain file"):
            await files_of(place).take(SaidFile(str(path), "shown"))


async def test_a_scene_folder_that_is_the_data_directory_opens_nothing(place: Path) -> None:
    data = place / "data"
    files = Files(Shelf(data / "media"), 1000, sent_from=(data,), kept_in=data)
    with pytest.raises(Unreadable):
        await files.take(SaidFile(str(data / "web.key"), "shown"))
