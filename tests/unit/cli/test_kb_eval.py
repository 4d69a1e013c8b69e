"""``posthouse kb eval``: what it reads, what it prints, what it refuses."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from posthouse.cli.app import main
from tests.unit.knowledge.gate.chat import PAGES, labels


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    lines = [
        json.dumps({"repo": "bees", "path": f"docs/{title}.md", "text": f"# {title}\n\n{text}"})
        for title, text in PAGES
    ]
    file = tmp_path / "corpus.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    return file


def label_file(file: Path, count: int, seed: int) -> Path:
    lines = [
        json.dumps({"text": text, "answer": int(is_wanted)})
        for text, is_wanted in labels(count, seed)
    ]
    file.write_text("\n".join(lines), "utf-8")
    return file


def printed(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    assert main(["kb", "eval", *map(str, words), "--json"]) == 0
    read: dict[str, Any] = json.loads(capsys.readouterr().out)
    return read


def test_the_shipped_gate_is_measured_beside_the_length(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tested = label_file(tmp_path / "labels.jsonl", 60, 1)
    result = printed(capsys, "--corpus", corpus, "--labels", tested)
    assert result["gate"] == "shipped"
    assert (result["labels"], result["wanted"]) == (60, 20)
    assert result["auc"] > 0.9
    assert {
        "f1",
        "precision",
        "recall",
        "recall_at_precision_90",
        "length_baseline_f1",
        "bands",
    } <= result.keys()
    assert [band["characters"] for band in result["bands"]] == [
        "1-10",
        "11-15",
        "16-22",
        "23-35",
        "36+",
    ]


def test_a_gate_is_trained_with_one_file_and_tested_with_another(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tested = label_file(tmp_path / "labels.jsonl", 30, 1)
    taught = label_file(tmp_path / "train.jsonl", 30, 2)
    result = printed(capsys, "--corpus", corpus, "--labels", tested, "--train", taught)
    assert (result["gate"], result["labels"]) == ("trained", 30)
    assert result["f1"] > result["length_baseline_f1"]


def test_blocks_are_judged_by_gates_that_never_saw_them(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tested = label_file(tmp_path / "labels.jsonl", 60, 1)
    result = printed(capsys, "--corpus", corpus, "--labels", tested, "--nested")
    assert (result["gate"], result["labels"], result["threshold"]) == ("nested", 60, None)


def test_people_read_sentences(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tested = label_file(tmp_path / "labels.jsonl", 30, 1)
    assert main(["kb", "eval", "--corpus", str(corpus), "--labels", str(tested)]) == 0
    assert "AUC" in capsys.readouterr().out


@pytest.mark.parametrize(
    "document",
    [
        '{"path": "../out.md", "text": "x"}',
        '{"path": "/etc/out.md", "text": "x"}',
        '{"repo": "..", "path": "out.md", "text": "x"}',
        '{"path": "", "text": "x"}',
        '{"text": "x"}',
        "x",
        "",
        '{"path": "a.exe", "text": "x"}',
        '{"path": "a.md", "text": "x"}\n{"path": "a.md/b.md", "text": "x"}',
        json.dumps({"path": "a" * 300 + ".md", "text": "x"}),
    ],
)
def test_what_is_no_folder_of_documents_is_refused_by_its_name(
    document: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "corpus.jsonl"
    bad.write_text(document, "utf-8")
    tested = label_file(tmp_path / "labels.jsonl", 3, 1)
    assert main(["kb", "eval", "--corpus", str(bad), "--labels", str(tested)]) == 3
    assert "corpus.jsonl" in capsys.readouterr().err


def test_files_that_cannot_be_read_are_named(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kb", "eval", "--corpus", str(corpus), "--labels", str(tmp_path / "no")]) == 3
    cut = tmp_path / "cut.gz"
    cut.write_bytes(corpus.read_bytes()[:40])
    tested = label_file(tmp_path / "labels.jsonl", 3, 1)
    assert main(["kb", "eval", "--corpus", str(cut), "--labels", str(tested)]) == 3
    assert "cut.gz" in capsys.readouterr().err
