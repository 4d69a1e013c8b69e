"""What a gate says, and that it stays shut when something is wrong with it."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from posthouse.knowledge.chunks import chunks
from posthouse.knowledge.gate import gate as gates
from posthouse.knowledge.gate.features import (
    BUCKETS,
    NUMBERS,
    buckets,
    everyday_words,
    evidence,
    features,
)
from posthouse.knowledge.gate.gate import Gate, Points, see
from posthouse.knowledge.gate.training import learn
from posthouse.knowledge.index import Index, Learned
from posthouse.knowledge.passage import Block, Extract, Found, Hit, Passage
from posthouse.model.errors import NotUnderstood
from tests.unit.knowledge.gate.chat import cases, found, index, labels

QUESTION = "请问蜂箱里的旧巢脾什么时候换成新的巢脾？"
TALK = "哈哈哈哈太好笑了"
NOTHING = Found("", ())


@pytest.fixture(scope="module")
def trained() -> Gate:
    return learn(cases(60))


def test_the_shipped_gate_answers_the_base_s_own_subject_and_no_chatter() -> None:
    shipped = gates.shipped()
    assert shipped.judge(QUESTION, found(QUESTION), is_addressed=False).is_sure
    assert not shipped.judge(TALK, found(TALK), is_addressed=False).is_sure


def test_small_words_alone_say_nothing_however_many_passages_hold_them() -> None:
    talk = "what can we do about this now, and who would not have any of it?"
    prose = Index.in_memory("prose")
    page = Extract("", (Block(f"{talk} Smoker."),))
    prose.learn([Learned(1, chunks(page, "prose", 1, "1.md"))], revision=1)
    assert prose.search(talk).hits
    assert (evidence(prose.search(talk)), everyday_words(prose.search(talk))) == (0.0, 0)
    assert everyday_words(prose.search(f"{talk} smoker")) == 1


def test_who_is_addressed_is_more_lenient() -> None:
    short = "怎么防螨虫"
    shipped = gates.shipped()
    assert not shipped.judge(short, found(short), is_addressed=False).is_sure
    assert shipped.judge(short, found(short), is_addressed=True).is_sure


@pytest.mark.parametrize("is_addressed", [True, False])
def test_without_anything_found_nobody_is_sure(trained: Gate, *, is_addressed: bool) -> None:
    for gate in (gates.shipped(), trained):
        judged = gate.judge("蜂箱蜂群蜂王", NOTHING, is_addressed=is_addressed)
        assert (judged.score, judged.is_sure, judged.why) == (0.0, False, "nothing found")


def test_a_fixed_answer_is_always_sure(trained: Gate) -> None:
    exact = Found("?", (), exact=Passage("bees", 1, "faq", "?", "Yes."))
    assert trained.judge("?", exact, is_addressed=False).is_sure


def test_a_trained_gate_never_keeps_from_an_asker_what_the_shipped_one_would_say() -> None:
    deaf = Gate(Points(sure=1.0, balanced=1.0, lenient=1.0), learn(cases(60)).learnt)
    judged = deaf.judge(QUESTION, found(QUESTION), is_addressed=True)
    assert judged.is_sure
    assert judged.why.startswith("shipped")
    assert not deaf.judge(QUESTION, found(QUESTION), is_addressed=False).is_sure


def test_a_reason_says_what_was_seen(trained: Gate) -> None:
    why = trained.judge(QUESTION, found(QUESTION), is_addressed=False).why
    assert why.startswith("trained: evidence ")
    assert why.endswith(" everyday words")


def test_a_stored_gate_judges_as_before(trained: Gate) -> None:
    again = gates.load(gates.dump(trained))
    base = index()
    for text, _ in labels(30, seed=3):
        seen = see(text, base.search(text))
        assert again.score(seen) == pytest.approx(trained.score(seen), abs=1e-3)
    assert again.points == trained.points


def test_the_shipped_gate_is_not_stored() -> None:
    with pytest.raises(ValueError, match="trained"):
        gates.dump(gates.shipped())


def broken(trained: Gate, changes: dict[str, Any]) -> bytes:
    return json.dumps(json.loads(gates.dump(trained)) | changes).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 0},
        {"numbers": [1.0]},
        {"means": []},
        {"spreads": [0.0] * NUMBERS},
        {"pieces": ""},
        {"pieces": "AAA="},
        {"pieces": "!"},
        {"step": 1e308},
        {"bias": "0"},
        {"points": {"sure": 1.5, "balanced": 0.4, "lenient": 0.1}},
        {"more": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_no_gate_is_not_understood(trained: Gate, changes: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        gates.read(broken(trained, changes))


@given(st.binary(max_size=200))
def test_garbage_becomes_the_shipped_gate_with_a_warning(garbage: bytes) -> None:
    with capture_logs() as lines:
        gate = gates.load(garbage)
    assert gate.learnt is None
    assert [line["event"] for line in lines] == ["gate_unreadable"]


def test_a_score_that_is_no_number_is_never_sure() -> None:
    assert not gates.Judgement(score=math.nan, threshold=0.1).is_sure


@given(st.text(max_size=2000))
def test_whatever_is_written_is_judged(text: str) -> None:
    seen = features(text, NOTHING)
    assert len(seen.numbers) == NUMBERS
    assert all(0 <= bucket < BUCKETS for bucket in seen.buckets)


def of_passages(*passages: tuple[str, str]) -> tuple[float, ...]:
    """Return what is seen of places: the best name, the mean; sharing a document, a folder."""
    hits = tuple(
        Hit(Passage("bees", 1, path, "", "蜂群", headings=(heading,)), 0.5)
        for path, heading in passages
    )
    words = (("过冬", 1), ("保温", 2), ("怎么", 0))
    return features("过冬怎么保温", Found("", hits, words=words, passages=9)).numbers[-4:]


def test_a_subject_that_a_heading_names_is_seen() -> None:
    most, mean, *_ = of_passages(("a.md", "过冬"), ("b.md", "喂糖水"))
    assert 0.0 < most < 1.0
    assert mean == pytest.approx(most / 5)
    assert of_passages(("a.md", "喂糖水"))[0] == 0.0
    assert of_passages(("a.md", "怎么过冬，怎么保温"))[0] == pytest.approx(1.0)


def test_passages_that_agree_on_a_place_are_seen() -> None:
    places = (("hive/a.md", ""), ("hive/b.md", ""), ("hive/a.md", ""), ("tools/a.md", ""))
    assert of_passages(*places)[2:] == (2 / 5, 3 / 5)


def test_pieces_are_the_same_in_every_process() -> None:
    assert buckets("a") == (15939, 20293, 26076, 26515, 26833)
