"""Questions as people ask them find the page that answers: the house's own pages, and classics."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

from posthouse.knowledge.chunks import chunks
from posthouse.knowledge.formats import markdown
from posthouse.knowledge.index import Index, Learned
from posthouse.knowledge.passage import Passage

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLASSICS = "classics"
DOCUMENTATION = "documentation"


class Question(Struct, frozen=True):
    """What is asked, and the places that answer it."""

    text: str
    places: tuple[str, ...]

    def is_answered(self, passage: Passage) -> bool:
        return any(place in {passage.path, _section(passage)} for place in self.places)


def _section(passage: Passage) -> str:
    return f"{passage.path}#{passage.headings[-1] if passage.headings else ''}"


def questions(base: str) -> list[Question]:
    asked = []
    for line in (HERE / "questions.txt").read_text("utf-8").splitlines():
        places, colon, text = line.partition(": ")
        if colon and not line.startswith("# "):
            is_ours = places.startswith("docs/")
            if is_ours == (base == DOCUMENTATION):
                asked.append(Question(text, tuple(places.split("|"))))
    return asked


def pages(base: str) -> Iterator[tuple[str, bytes]]:
    folder, root = (ROOT / "docs", ROOT) if base == DOCUMENTATION else (HERE / CLASSICS,) * 2
    for path in sorted(folder.rglob("*.md")):
        yield path.relative_to(root).as_posix(), path.read_bytes()


@cache
def index(base: str) -> Index:
    made = Index.in_memory(base)
    learned = (
        Learned(number, chunks(markdown.read(data, path), base, number, path))
        for number, (path, data) in enumerate(pages(base), 1)
    )
    made.learn(learned, 1)
    return made


def answered(base: str, within: int) -> tuple[float, list[str]]:
    """Return the share of questions with the right page among the first, and the others."""
    asked = questions(base)
    missed = [
        question.text
        for question in asked
        if not any(
            question.is_answered(hit.passage)
            for hit in index(base).search(question.text, within).hits
        )
    ]
    return 1 - len(missed) / len(asked), missed


def test_there_are_questions_enough_and_their_pages_exist() -> None:
    for base in (CLASSICS, DOCUMENTATION):
        known = {path for path, _ in pages(base)}
        for question in questions(base):
            assert {place.partition("#")[0] for place in question.places} <= known
    assert len(questions(CLASSICS)) + len(questions(DOCUMENTATION)) >= 100


def test_a_question_about_a_classic_finds_its_passage() -> None:
    """What is missed is asked in other words than the ancients used."""
    share, missed = answered(CLASSICS, 1)
    assert share >= 0.84, missed
    share, missed = answered(CLASSICS, 5)
    assert share >= 0.87, missed


def test_a_question_about_the_house_finds_its_page() -> None:
    share, missed = answered(DOCUMENTATION, 1)
    assert share >= 0.8, missed
    share, missed = answered(DOCUMENTATION, 5)
    assert share >= 0.9, missed


def test_a_heading_of_the_documentation_finds_its_section() -> None:
    """People and menus name things as the headings do."""
    sections = _first_of_sections()
    places = [
        next(
            (at for at, hit in enumerate(hits) if hit.passage.headings == passage.headings),
            len(hits),
        )
        for passage in sections
        if (hits := index(DOCUMENTATION).search(passage.headings[-1], 10).hits)
    ]
    assert sum(place < 1 for place in places) / len(sections) >= 0.75
    assert sum(place < 10 for place in places) / len(sections) >= 0.95


def _first_of_sections() -> list[Passage]:
    sections: dict[tuple[str, tuple[str, ...]], Passage] = {}
    for number, (path, data) in enumerate(pages(DOCUMENTATION), 1):
        for chunk in chunks(markdown.read(data, path), DOCUMENTATION, number, path):
            if chunk.passage.headings:
                sections.setdefault((path, chunk.passage.headings), chunk.passage)
    return list(sections.values())
