"""What is found in one base, and that whatever people write is only ever searched for."""

from pathlib import Path

import pytest

from posthouse.knowledge.chunks import chunks
from posthouse.knowledge.index import Index, Learned, Unusable
from posthouse.knowledge.passage import Block, Extract


def document(number: int, text: str, *headings: str) -> Learned:
    extract = Extract(title=f"第 {number} 篇", blocks=(Block(text, headings),))
    return Learned(number, chunks(extract, "handbook", number, f"{number}.md"))


PAGES = (
    document(1, "飞书的应用要先在开放平台创建，然后打开机器人能力。", "接入飞书"),
    document(2, "撤回一条消息：在群里说“撤回”。", "撤回"),
    document(3, "Backups are taken online; restore them with one command.", "Backup"),
)


@pytest.fixture
def index() -> Index:
    made = Index.in_memory("handbook")
    made.learn(PAGES, revision=3)
    return made


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("怎么接入飞书？", "1.md"),
        ("如何撤回消息", "2.md"),
        ("how do I restore a backup", "3.md"),
        ("ＢＡＣＫＵＰ", "3.md"),
    ],
)
def test_the_passage_that_answers_comes_first(index: Index, question: str, path: str) -> None:
    assert index.search(question).hits[0].passage.path == path


@pytest.mark.parametrize(
    "question",
    [
        "",
        " \n\t",
        "\0",
        "\ud800",
        "😀😀😀",
        '"',
        "' OR 1=1 --",
        "about: NEAR(a b, 3) AND NOT * ^ {x} - + (",
        "飞" * 1_000_000,
        "words of all kinds " * 50_000,
        "\u202e\u200b\ufeff",
        "İıſßﬁ",
    ],
)
def test_whatever_people_write_is_searched_for(index: Index, question: str) -> None:
    assert index.search(question).query == question


def test_a_document_that_changed_is_found_by_its_new_words_only(index: Index) -> None:
    index.learn([document(1, "钉钉使用 Stream 模式。", "接入钉钉")], revision=4)
    assert not index.search("飞书开放平台").hits
    assert index.search("钉钉").hits[0].passage.path == "1.md"
    assert index.revision == 4


def test_nothing_remains_of_documents_that_are_gone(index: Index) -> None:
    index.learn([Learned(page.document_id, is_gone=True) for page in PAGES], revision=5)
    assert index.counts() == (0, 0)
    found = index.search("怎么接入飞书 backup")
    assert not found.hits
    assert found.known == 0.0
    assert found.trigram_top == ()


def test_says_how_many_passages_hold_each_word_of_the_query(index: Index) -> None:
    found = index.search("撤回 zebras")
    assert dict(found.words) == {"撤回": 1, "zebra": 0}
    assert found.passages == 3


def test_passages_that_nobody_is_to_be_told_are_not_found(index: Index) -> None:
    first = index.search("怎么接入飞书").hits[0].passage
    keys = {
        hit.passage.key for hit in index.search("怎么接入飞书", without=frozenset({first.key})).hits
    }
    assert first.key not in keys


def test_a_fixed_answer_is_found_by_its_question_alone(index: Index) -> None:
    extract = Extract(
        "营业时间", (Block("九点到六点。"),), is_exact=True, question="你们几点上班？"
    )
    answer = Learned(9, chunks(extract, "handbook", 9, "faq"), exact=extract.question)
    index.learn([answer], revision=6)
    said = index.search(" 你们，几点上班 ").exact
    assert said is not None
    assert said.text == "九点到六点。"
    assert index.search("您好，请问你们几点上班？谢谢").exact == said
    assert index.search("他们几点上班").exact is None


def test_a_file_keeps_what_was_learned(tmp_path: Path) -> None:
    path = tmp_path / "kb-handbook.db"
    index = Index.open(path, "handbook")
    index.learn(PAGES, revision=3)
    index.close()
    again = Index.open(path, "handbook")
    assert (again.revision, again.counts()) == (3, (3, 3))
    again.close()


def test_a_file_that_is_no_index_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "kb-handbook.db"
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(Unusable):
        Index.open(path, "handbook")


def test_the_index_of_another_base_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "kb-handbook.db"
    Index.open(path, "handbook").close()
    with pytest.raises(Unusable):
        Index.open(path, "tickets")
