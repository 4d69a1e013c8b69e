"""``posthouse kb train``, ``gates`` and ``use-gate`` on a house that stands still."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from posthouse.cli.app import main
from posthouse.cli.terminal import OK, OPERATOR_MISTAKE
from posthouse.knowledge.words import fingerprint
from posthouse.store.sqlite.file import open_writing
from tests.unit.knowledge.gate.chat import PAGES, labels

Shown = pytest.CaptureFixture[str]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> Path:
    """A house that knows about bees, and files of what people wrote."""
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("POSTHOUSE_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    open_writing(tmp_path / "data" / "posthouse.db").connection.close()
    (tmp_path / "bees").mkdir()
    for title, text in PAGES:
        (tmp_path / "bees" / f"{title}.md").write_text(f"# {title}\n\n{text}\n", "utf-8")
    for name, kind in (("good.txt", True), ("bad.txt", False)):
        texts = [text for text, is_wanted in labels(60) if is_wanted is kind]
        (tmp_path / name).write_text("\n".join(texts), "utf-8")
    kb(capsys, "add", "bees", "--base", "bees")
    return tmp_path


def kb(shown: Shown, *words: str) -> tuple[int, str]:
    code = main(["kb", *words, "--data", "data"])
    read = shown.readouterr()
    return code, read.out + read.err


def test_a_gate_is_trained_shown_and_put_away(house: Path, capsys: Shown) -> None:
    code, said = kb(capsys, "train", "bees", "--good", "good.txt", "--bad", "bad.txt", "--use")
    assert code == OK
    assert "Trained with " in said
    assert "F1: " in said
    assert "Gate 1 decides from now on." in said
    code, said = kb(capsys, "gates", "bees")
    assert said.startswith("* 1  ")
    assert "AUC" in said
    assert kb(capsys, "use-gate", "bees", "0") == (OK, "bees now decides with the shipped gate.\n")
    assert kb(capsys, "gates", "bees")[1].startswith("* 0  the shipped gate\n  1  ")


def test_labels_are_remembered_for_the_next_time(house: Path, capsys: Shown) -> None:
    kb(capsys, "train", "bees", "--good", "good.txt", "--bad", "bad.txt")
    code, said = kb(capsys, "train", "bees", "--json")
    assert code == OK
    lesson = json.loads(said)
    assert (lesson["gate"], lesson["is_used"]) == (2, False)
    assert lesson["figures"]["after"]["wanted"] == len(
        {fingerprint(text) for text, is_wanted in labels(60) if is_wanted}
    )


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("train", "wasps"), "There is no knowledge base wasps; there is: "),
        (("train", "bees"), "at least 5 messages"),
        (("train", "bees", "--labels", "good.txt"), "good.txt, line 1 is no label like"),
        (("train", "bees", "--good", "missing"), "Cannot read missing"),
        (("use-gate", "bees", "3"), "bees has no gate 3"),
    ],
)
def test_mistakes_are_told_with_a_remedy(
    house: Path, capsys: Shown, words: tuple[str, ...], remedy: str
) -> None:
    code, said = kb(capsys, *words)
    assert code == OPERATOR_MISTAKE
    assert remedy in said
