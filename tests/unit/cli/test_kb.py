"""``posthouse kb`` on a house that stands still; a running one performs the same tasks."""

from __future__ import annotations

import functools
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from posthouse.cli.app import main
from posthouse.cli.terminal import OK, OPERATOR_MISTAKE, PROBLEM_FOUND, USAGE
from posthouse.settings.load import load
from posthouse.settings.settings import Settings
from posthouse.store.sqlite.file import open_writing


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory in which a house has run."""
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("POSTHOUSE_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    open_writing(tmp_path / "data" / "posthouse.db").connection.close()
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "leave.md").write_text("# Leave\n\n## Parental leave\n\nTen weeks, paid in full.\n")
    (docs / "travel.md").write_text("# Travel\n\nBook trains early.\n")
    return tmp_path


Shown = pytest.CaptureFixture[str]


def kb(shown: Shown, *words: str) -> tuple[int, str]:
    code = main(["kb", *words, "--data", "data"])
    read = shown.readouterr()
    return code, read.out + read.err


def test_documents_are_added_found_changed_and_forgotten(house: Path, capsys: Shown) -> None:
    assert kb(capsys, "add", "docs", "--base", "hr")[0] == OK
    code, said = kb(capsys, "search", "parental leave")
    assert code == OK
    assert said.startswith("1. ")
    assert "hr  leave.md:5" in said.splitlines()[0]
    assert "Leave › Parental leave" in said
    (house / "docs" / "leave.md").write_text("# Leave\n\nParental leave is twelve weeks now.\n")
    code, said = kb(capsys, "search", "parental leave", "--json")
    texts = [hit["passage"]["text"] for hit in json.loads(said)["hits"]]
    assert any("twelve weeks" in text for text in texts)
    assert not any("Ten weeks" in text for text in texts)
    (house / "docs" / "leave.md").unlink()
    (house / "docs" / "travel.md").unlink()
    kb(capsys, "search", "parental leave")  # the base is empty now
    (house / "docs" / "again.md").write_text("Parental leave is back.")
    _, said = kb(capsys, "search", "parental leave")
    assert "Parental leave is back." in said
    assert kb(capsys, "rm", "hr")[0] == OK
    assert "hr" not in kb(capsys, "list")[1]


def test_what_cannot_be_read_is_listed_with_its_remedy(house: Path, capsys: Shown) -> None:
    (house / "docs" / "scan.pdf").write_bytes(b"%PDF-1.7 nothing")
    code, said = kb(capsys, "add", "docs")
    assert code == PROBLEM_FOUND
    assert "3 new" in said
    assert "scan.pdf: The file is damaged" in said
    code, said = kb(capsys, "list")
    assert code == PROBLEM_FOUND
    assert "docs  3 documents" in said
    assert "! scan.pdf: The file is damaged" in said
    (house / "docs" / "scan.pdf").unlink()
    code, said = kb(capsys, "sync", "docs")
    assert (code, "1 removed, 2 as they were" in said) == (OK, True)


def test_a_site_is_added_with_its_pages(house: Path, capsys: Shown) -> None:
    site = house / "site"
    site.mkdir()
    (site / "index.html").write_text('<p>Leave.</p><a href="a.html">a</a><a href="b.html">b</a>')
    (site / "a.html").write_text("<p>Ten weeks, paid in full.</p>")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        code, said = kb(capsys, "add", address, "--private", "--pages", "2")
        server.shutdown()
    assert (code, "2 new" in said) == (OK, True)
    assert "Ten weeks" in kb(capsys, "search", "ten weeks")[1]


def test_the_data_directory_is_no_source(house: Path, capsys: Shown) -> None:
    code, said = kb(capsys, "add", "data")
    assert (code, "folder of their own" in said) == (OPERATOR_MISTAKE, True)


def test_columns_are_shown_before_a_table_is_taken_over(house: Path, capsys: Shown) -> None:
    Path("faq.csv").write_text("标题,答案,备注,客户电话\n怎么退款,找客服,急,13812345678\n")
    code, said = kb(capsys, "add", "faq.csv", "--column", "备注=answer", "--dry-run")
    assert code == OK
    lines = [line.split() for line in said.splitlines()]
    marks = {words[1]: words[0] for words in lines if words[0] in {"answer", "show", "never"}}
    assert marks == {"标题": "answer", "答案": "answer", "备注": "answer", "客户电话": "never"}
    assert "no knowledge base" in kb(capsys, "list")[1]
    kb(capsys, "add", "faq.csv")
    _, said = kb(capsys, "search", "怎么退款", "--json")
    (hit,) = json.loads(said)["hits"]
    assert hit["passage"]["text"] == "标题: 怎么退款\n答案: 找客服"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("add", "none"), OPERATOR_MISTAKE, "does not exist"),
        (("add", "docs", "--base", "my/base"), OPERATOR_MISTAKE, "cannot be the name"),
        (("add", "docs", "--base", "posthouse"), OPERATOR_MISTAKE, "cannot be the name"),
        (("add", "docs", "--column", "Notes=maybe"), OPERATOR_MISTAKE, "answer, show or never"),
        (("add", "docs", "--column", "Notes"), OPERATOR_MISTAKE, "--column Notes=never"),
        (("rm",), USAGE, "Name a base"),
        (("rm", "none"), OPERATOR_MISTAKE, "no knowledge base or source none"),
        (("rm", "--source", "7"), OPERATOR_MISTAKE, "#7"),
        (("sync", "none"), OPERATOR_MISTAKE, "no knowledge base"),
        (("search", "x", "--base", "none"), OPERATOR_MISTAKE, "no knowledge base"),
    ],
)
def test_mistakes_name_the_remedy(
    house: Path, capsys: Shown, words: tuple[str, ...], code: int, says: str
) -> None:
    found, said = kb(capsys, *words)
    assert (found, says in said) == (code, True), said


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("怎么接入飞书？", "docs/how-to/questions.md"),
        ("how do I recall a message?", "docs/how-to/questions.md"),
        ("知识库能读什么格式", "docs/how-to/knowledge.md"),
        ("phone numbers and bank cards are masked", "docs/how-to/knowledge.md"),
    ],
)
def test_the_house_knows_its_own_documentation(
    house: Path, capsys: Shown, question: str, page: str
) -> None:
    code, said = kb(capsys, "search", question, "--json")
    assert code == OK
    found = [hit["passage"] for hit in json.loads(said)["hits"]]
    assert {passage["base"] for passage in found} == {"posthouse"}
    assert page in {passage["path"] for passage in found}


def test_declared_places_begin_at_the_file_that_names_them(tmp_path: Path) -> None:
    file = tmp_path / "posthouse.toml"
    file.write_text('[knowledge.hr]\nsources = ["docs", "https://example.org/a"]\n')
    settings: Settings = load({}, config=file).settings
    assert settings.knowledge["hr"].sources == (str(tmp_path / "docs"), "https://example.org/a")
