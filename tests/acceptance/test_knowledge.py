"""Knowledge on a real process: added from a shell, edited on disk, and after a kill."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_cli import PROBLEM, Shell

pytestmark = pytest.mark.slow

SETTINGS = 'language = "en"\n[bots.web]\nchannel = "web"\n'


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    opened = Shell(tmp_path)
    (tmp_path / "posthouse.toml").write_text(SETTINGS, "utf-8")
    yield opened
    opened.close()


def found(shell: Shell, question: str) -> list[str]:
    done = shell.do("kb", "search", question, "--json")
    return [hit["passage"]["text"] for hit in json.loads(done.out)["hits"]]


def test_a_running_house_takes_documents_in_and_keeps_up_with_them(
    shell: Shell, tmp_path: Path
) -> None:
    docs = tmp_path / "handbook"
    docs.mkdir()
    (docs / "leave.md").write_text("# Leave\n\nParental leave is ten weeks.\n")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    house = shell.start()
    added = shell.do("kb", "add", str(docs), "--base", "hr")
    assert (added.code, "2 new" in added.out, "broken.pdf" in added.err) == (PROBLEM, True, True)
    (docs / "leave.md").write_text("# Leave\n\nParental leave is twelve weeks.\n")
    assert found(shell, "parental leave") == ["Parental leave is twelve weeks."]
    house.process.send_signal(signal.SIGKILL)
    house.process.wait()
    (docs / "leave.md").write_text("# Leave\n\nParental leave is a whole year.\n")
    assert found(shell, "parental leave") == ["Parental leave is a whole year."]  # standing still
