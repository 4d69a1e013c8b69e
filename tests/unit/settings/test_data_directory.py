"""A data directory has one owner, and a dead one leaves nothing behind that matters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from posthouse.model.errors import OperatorMistake
from posthouse.settings.data_directory import LOCK_NAME, DataDirectory, owner_of

TAKE_AND_WAIT = """
import sys, time
from pathlib import Path
from posthouse.settings.data_directory import DataDirectory
DataDirectory(Path(sys.argv[1])).announce("http://127.0.0.1:1")
print("taken", flush=True)
time.sleep(600)
"""


def test_nobody_owns_what_does_not_exist(tmp_path: Path) -> None:
    assert owner_of(tmp_path / "data") is None


def test_the_owner_says_where_it_can_be_talked_to(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    starting = owner_of(directory.path)
    directory.announce("http://127.0.0.1:8350")
    running = owner_of(directory.path)
    assert starting is not None
    assert starting.url == ""
    assert running is not None
    assert (running.pid, running.url) == (os.getpid(), "http://127.0.0.1:8350")
    assert running.token == directory.token
    directory.release()
    assert owner_of(directory.path) is None


def test_the_token_is_for_this_user_only(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).touch(0o644)
    directory = DataDirectory(tmp_path)
    assert (tmp_path / LOCK_NAME).stat().st_mode & 0o777 == 0o600
    directory.release()


def test_a_shorter_announcement_leaves_nothing_of_the_longer(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.announce("http://127.0.0.1:8350/" + "x" * 500)
    directory.announce("http://h")
    owner = owner_of(tmp_path)
    directory.release()
    assert owner is not None
    assert owner.url == "http://h"


@pytest.fixture
def other(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    return process


def test_a_second_process_is_told_who_has_it(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    try:
        with pytest.raises(OperatorMistake) as caught:
            DataDirectory(tmp_path)
    finally:
        other.kill()
        other.communicate()
    mistake = caught.value
    for sentence in (str(mistake), mistake.zh):
        assert str(other.pid) in sentence
        assert "http://127.0.0.1:1" in sentence
        assert "--data" in sentence


def test_a_killed_owner_is_no_owner(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    assert owner_of(tmp_path) is not None
    other.send_signal(signal.SIGKILL)
    other.communicate()
    assert owner_of(tmp_path) is None
    DataDirectory(tmp_path).release()


def test_an_unreadable_announcement_means_that_somebody_is_starting(
    tmp_path: Path, other: subprocess.Popen[str]
) -> None:
    (tmp_path / LOCK_NAME).write_bytes(b'{"pid": 1')
    owner = owner_of(tmp_path)
    other.kill()
    other.communicate()
    assert owner is not None
    assert owner.url == ""


def test_a_place_that_cannot_be_written_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperatorMistake, match="--data"):
        DataDirectory(tmp_path / "file" / "data")
