"""An index that learned of changes one by one answers like one that was made of what there is."""

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.knowledge.chunks import PASSAGE_CHARACTERS, chunks
from posthouse.knowledge.index import Index, Learned
from posthouse.knowledge.passage import Block, Extract, Found
from posthouse.knowledge.words import fingerprint, normalise, smooth, tokens, trigrams

WORDS = (
    "飞书",
    "消息",
    "撤回",
    "配置",
    "backup",
    "restore",
    "message",
    "ﬁle",
    "İ",
    "\0",
    "😀",
)
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
documents = st.dictionaries(st.integers(1, 6), texts, max_size=6)
changes = st.lists(st.tuples(st.integers(1, 6), st.none() | texts), max_size=12)
written = st.text(max_size=200)  # of a document: the book keeps no half of a surrogate pair
asked = st.text(st.characters(exclude_categories=()), max_size=200)


def learned(number: int, text: str | None) -> Learned:
    if text is None:
        return Learned(number, is_gone=True)
    extract = Extract(f"{number}", (Block(text, ("配置",)), Block(text)))
    return Learned(number, chunks(extract, "b", number, f"{number}.md"), exact=text)


def said(found: Found) -> tuple[object, ...]:
    hits = sorted((round(hit.score, 9), hit.passage.key) for hit in found.hits)
    rest = (found.bigram_top, found.trigram_top, found.words, found.passages, found.exact)
    return hits, found.coverage, found.known, rest


@settings(max_examples=60, deadline=None)
@given(documents, changes, texts)
def test_learning_change_by_change_is_learning_all_at_once(
    before: dict[int, str], later: list[tuple[int, str | None]], question: str
) -> None:
    grown, fresh = Index.in_memory("b"), Index.in_memory("b")
    grown.learn([learned(number, text) for number, text in before.items()], 1)
    now: dict[int, str | None] = dict(before)
    for revision, (number, text) in enumerate(later, 2):
        grown.learn([learned(number, text)], revision)
        now[number] = text
    fresh.learn([learned(number, now[number]) for number in sorted(now)], 1)
    assert grown.counts() == fresh.counts()
    assert said(grown.search(question, 50)) == said(fresh.search(question, 50))


@settings(max_examples=60, deadline=None)
@given(documents)
def test_nothing_of_a_document_that_is_gone_can_be_found(before: dict[int, str]) -> None:
    index = Index.in_memory("b")
    index.learn([learned(number, text) for number, text in before.items()], 1)
    index.learn([learned(number, None) for number in before], 2)
    found = index.search(" ".join(WORDS))
    assert (found.hits, found.trigram_top, found.known, found.exact) == ((), (), 0.0, None)


@settings(max_examples=150, deadline=None)
@given(written, asked)
def test_whatever_is_written_can_be_kept_and_asked(text: str, question: str) -> None:
    index = Index.in_memory("b")
    index.learn([learned(1, text)], 1)
    index.search(question)
    index.search(text)
    index.exact(question)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("甲乙。， ab\n.", max_size=2000), max_size=4), st.integers(0, 50))
def test_passages_hold_every_word_of_their_document(blocks: list[str], line: int) -> None:
    extract = Extract("t", tuple(Block(text, line=line) for text in blocks))
    cut = chunks(extract, "b", 1, "p")
    assert all(0 < len(chunk.passage.text) <= PASSAGE_CHARACTERS for chunk in cut)
    characters = sum(len(fingerprint(text)) for text in blocks)
    assert sum(len(fingerprint(chunk.passage.text)) for chunk in cut) >= characters
    words = {word for text in blocks for word in text.split() if len(word) < PASSAGE_CHARACTERS / 2}
    together = "\n".join(chunk.passage.text for chunk in cut)
    assert all(word in together for word in words if "。" not in word and "，" not in word)


@settings(max_examples=100, deadline=None)
@given(asked)
def test_cutting_into_words_is_stable(text: str) -> None:
    normal = normalise(text)
    assert tokens(normal) == tokens(normalise(normal))
    assert all(word and not word.isspace() for word in tokens(normal))
    assert all(len(three) == 3 for three in trigrams(smooth(normal)))
