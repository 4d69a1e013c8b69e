"""How a document becomes passages that can be quoted."""

import pytest

from posthouse.knowledge.chunks import (
    CHUNKS_MAX,
    OVERLAP_CHARACTERS,
    PASSAGE_CHARACTERS,
    TABLE_HEAD,
    Chunk,
    chunks,
)
from posthouse.knowledge.passage import Block, Extract

SENTENCE = "驿站收到的每一条消息都先写进账本，然后才告诉平台已经收到。"


def cut(*blocks: Block, **more: object) -> tuple[Chunk, ...]:
    extract = Extract("手册", blocks, **more)  # type: ignore[arg-type]
    return chunks(extract, "handbook", 7, "a/b.md")


def texts(*blocks: Block) -> list[str]:
    return [chunk.passage.text for chunk in cut(*blocks)]


def test_neighbours_below_one_heading_stand_together() -> None:
    one, two, three = (Block(text, ("甲",)) for text in ("一", "二", "三"))
    assert texts(one, two, three) == ["一\n\n二\n\n三"]


def test_a_passage_never_reaches_across_a_heading_or_a_page() -> None:
    blocks = (Block("一", ("甲",)), Block("二", ("甲", "乙")), Block("三", ("甲", "乙"), page=2))
    assert texts(*blocks) == ["一", "二", "三"]


def test_a_ticket_is_a_passage_of_its_own() -> None:
    tickets = (Block("一", shown="李", kind="row"), Block("二", shown="王", kind="row"))
    several = [chunk.passage for chunk in cut(*tickets, Block("三"))]
    assert [(one.text, one.shown) for one in several] == [("一", "李"), ("二", "王"), ("三", "")]


def test_a_passage_knows_where_it_stands() -> None:
    (chunk,) = cut(Block("正文", ("甲", "乙"), page=3, line=12, shown="联系人：李"))
    passage = chunk.passage
    assert (passage.base, passage.document_id, passage.path) == ("handbook", 7, "a/b.md")
    assert (passage.title, passage.headings) == ("手册", ("甲", "乙"))
    assert (passage.page, passage.line, passage.shown) == (3, 12, "联系人：李")
    assert passage.key.startswith("handbook:a/b.md#")
    assert chunk.about.split("\n") == ["手册", "甲", "乙", ""]


def test_long_text_is_cut_where_sentences_end() -> None:
    several = cut(Block(SENTENCE * 100, ("甲",)))
    assert all(len(chunk.passage.text) <= PASSAGE_CHARACTERS for chunk in several)
    assert all(chunk.passage.text.endswith("。") for chunk in several)
    assert [chunk.is_opening for chunk in several] == [True] + [False] * (len(several) - 1)


def test_cut_pieces_overlap_a_little() -> None:
    first, second, *_ = texts(Block(SENTENCE * 100))
    clause = second.split("。")[0]
    assert first.endswith(f"{clause}。")
    assert len(clause) <= OVERLAP_CHARACTERS


def test_text_without_any_border_is_cut_nevertheless() -> None:
    pieces = texts(Block("甲" * 5000))
    assert "".join(pieces) == "甲" * 5000
    assert max(map(len, pieces)) == PASSAGE_CHARACTERS


def test_a_piece_knows_its_line() -> None:
    lines = [f"{number:04} " + "x" * 95 for number in range(1, 41)]
    pieces = cut(Block("\n".join(lines), line=101))
    assert len(pieces) > 1
    for chunk in pieces:
        number = int(chunk.passage.text[:4])
        assert chunk.passage.line == 100 + number


def test_each_piece_of_a_table_begins_with_its_head_and_a_whole_row() -> None:
    head = "| setting | meaning |\n|---|---|\n"
    rows = [f"| `key_{number}` | {'what it means, in a few words, ' * 8} |" for number in range(30)]
    pieces = cut(Block(head + "\n".join(rows), line=10, kind="table"))
    quoted = [chunk.passage.text.removeprefix(head).split("\n") for chunk in pieces]
    assert [row for several in quoted for row in several] == rows
    assert all(chunk.passage.text.startswith(head) for chunk in pieces)
    assert all(len(chunk.passage.text) <= PASSAGE_CHARACTERS for chunk in pieces)
    assert [chunk.passage.line for chunk in pieces][:2] == [10, 12 + len(quoted[0])]


def test_a_head_that_leaves_no_room_stands_once() -> None:
    head = f"| {'long ' * 100} | b |\n|---|---|\n"
    pieces = texts(Block(head + "\n".join(["| one | two |"] * 60), kind="table"))
    assert sum(piece.startswith("| long") for piece in pieces) == 1
    assert "".join(pieces).count("| one | two |") == 60


def test_code_is_cut_between_lines_and_keeps_its_shape() -> None:
    lines = [f"    if value[{number}]: return {'x' * 400}; pass" for number in range(12)]
    pieces = texts(Block("\n".join(lines), kind="code"))
    assert [line for piece in pieces for line in piece.split("\n")] == lines


def test_a_list_is_cut_between_its_items() -> None:
    items = [f"- {number}: {'some words, and more, ' * 6}end" for number in range(30)]
    pieces = texts(Block("\n".join(items)))
    assert [line for piece in pieces for line in piece.split("\n")] == items


@pytest.mark.parametrize("blocks", [(), (Block(""),), (Block(" \n\t "),)])
def test_nothing_makes_no_passage(blocks: tuple[Block, ...]) -> None:
    assert cut(*blocks) == ()


def test_a_fixed_answer_stays_in_one_piece() -> None:
    answer = SENTENCE * 100
    (chunk,) = cut(Block(answer), Block("完。"), is_exact=True, question="怎么办？")
    assert chunk.passage.text == f"{answer}\n\n完。"
    assert "怎么办" in chunk.about


def test_one_document_cannot_fill_an_index() -> None:
    assert len(cut(*(Block("x", (str(number),)) for number in range(CHUNKS_MAX + 5)))) == CHUNKS_MAX


def test_equal_words_have_one_key_and_changed_words_another() -> None:
    (one,), (same,), (other,) = cut(Block("一")), cut(Block("一", line=9)), cut(Block("二"))
    assert one.passage.key == same.passage.key != other.passage.key


@pytest.mark.parametrize("text", ["|" * 200_000 + "\nx\n", f"|\n{'-' * 200_000}x\n"])
def test_what_is_nearly_the_head_of_a_table_is_told_at_once(text: str) -> None:
    assert TABLE_HEAD.match(text) is None
