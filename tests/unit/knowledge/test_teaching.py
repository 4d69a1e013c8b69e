"""A base is taught by all that the house knows, and its gate is kept with honest figures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import groupby

import msgspec
import pytest
from msgspec import Struct

from posthouse.knowledge.gate.gate import load
from posthouse.knowledge.labels import Labelled
from posthouse.knowledge.passage import Found
from posthouse.knowledge.teaching import Figures, Looking, Progress, Stage, Teaching
from posthouse.knowledge.words import fingerprint
from posthouse.model.errors import OperatorMistake
from posthouse.store.asked import LabelOrigin, Question, Verdict
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import open_memory_store
from tests.unit.knowledge.gate.chat import index, labels

NOW = 1_700_000_000.0
DIFFERENT = len({fingerprint(text) for text, _ in labels(40)})


class School(Struct):
    """A base that can be taught, the bases that were searched, and what was seen meanwhile."""

    store: SqlStore
    teaching: Teaching
    searched: list[tuple[str, ...]]
    seen: list[Looking]
    may_search: asyncio.Event

    async def finished(self) -> Looking:
        """Look until the training is over."""
        while (look := self.teaching.looking("bees")).progress is not None:
            self.seen.append(look)
            await asyncio.sleep(0)
        return look


@pytest.fixture
async def school() -> AsyncIterator[School]:
    store = open_memory_store()
    searched: list[tuple[str, ...]] = []
    may_search = asyncio.Event()
    may_search.set()

    async def find(bases: tuple[str, ...], text: str) -> Found:
        await may_search.wait()
        searched.append(bases)
        await asyncio.sleep(0)
        return index().search(text)

    await store.documents.add_base("bees", NOW)
    teaching = Teaching(store.documents, store.asked, store.conduct, find, lambda: NOW)
    yield School(store, teaching, searched, [], may_search)
    await teaching.close()
    await store.close()


def told(count: int, seed: int = 1) -> list[Labelled]:
    return [Labelled(text, is_wanted) for text, is_wanted in labels(count, seed)]


async def test_a_trained_gate_is_kept_with_figures_and_not_used_unasked(school: School) -> None:
    await school.teaching.tell("bees", told(40))
    lesson = await school.teaching.train("bees", "cli")
    assert await school.store.conduct.gate("bees") is None
    (kept,) = await school.store.conduct.gates("bees")
    assert kept.id == lesson.gate
    assert load(kept.model).learnt is not None
    assert msgspec.json.decode(kept.figures, type=Figures) == lesson.figures
    assert lesson.figures.after.labels == lesson.figures.before.labels == DIFFERENT
    assert set(school.searched) == {("bees",)}


async def test_a_gate_can_be_used_at_once_and_put_away_again(school: School) -> None:
    await school.teaching.tell("bees", told(40))
    lesson = await school.teaching.train("bees", "cli", is_used=True)
    used = await school.store.conduct.gate("bees")
    assert used is not None
    assert used.id == lesson.gate
    await school.teaching.use("bees", 0, "cli")
    assert await school.store.conduct.gate("bees") is None
    assert [gate.is_used for gate in await school.teaching.gates("bees")] == [False]


def question(turn: int, text: str, answer: str) -> Question:
    return Question(
        turn=turn,
        handler="assistant",
        bot="b",
        chat=7,
        session="7:m:ann",
        person="ann",
        at=NOW,
        text=text,
        base="bees",
        score=0.5,
        reason="answered" if answer else "unsure",
        answer=answer,
    )


async def test_what_thumbs_and_reviews_say_is_learnt_from_as_well(school: School) -> None:
    """A good answer and a bad silence were to messages that wanted one; the others were not."""
    asked = school.store.asked
    for turn, (text, is_wanted) in enumerate(labels(40), 1):
        is_answered = turn % 2 == 0  # in the open or as a shadow
        await asked.record(question(turn, text, "42" if is_answered else ""))
        verdict = Verdict.GOOD if is_answered is is_wanted else Verdict.BAD
        who = "person:ann" if is_answered else "operator:olga"
        await asked.judge(turn, verdict, who, NOW + turn)
    assert {label.origin for label in await asked.labels("bees")} == {
        LabelOrigin.THUMB,
        LabelOrigin.REVIEW,
    }
    figures = (await school.teaching.train("bees", "cli")).figures
    wanted = {fingerprint(text) for text, is_wanted in labels(40) if is_wanted}
    assert (figures.after.labels, figures.after.wanted) == (DIFFERENT, len(wanted))


async def test_hardly_anything_to_learn_from_is_refused_and_nothing_kept(school: School) -> None:
    await school.teaching.tell("bees", told(9))
    with pytest.raises(OperatorMistake, match="at least 5"):
        await school.teaching.train("bees", "cli")
    assert await school.teaching.gates("bees") == ()


async def test_a_training_says_how_far_it_is_and_what_came_of_it(school: School) -> None:
    await school.teaching.tell("bees", told(40))
    await school.teaching.begin("bees", "cli", is_used=True)
    look = await school.finished()
    (kept,) = await school.teaching.gates("bees")
    assert look.lesson is not None
    assert (look.lesson.gate, look.lesson.is_used) == (kept.id, kept.is_used) == (kept.id, True)
    progress = [one.progress for one in school.seen if one.progress is not None]
    stages = [stage for stage, _ in groupby(progress, key=lambda one: one.stage)]
    assert stages == [Stage.SEARCHING, Stage.TRAINING]
    for stage in Stage:
        shares = [one.percent for one in progress if one.stage is stage]
        assert shares == sorted(shares)
        assert 0 <= shares[0] < 50 < shares[-1] <= 100


async def test_what_is_stopped_keeps_nothing_and_may_begin_again(school: School) -> None:
    await school.teaching.tell("bees", told(40))
    school.may_search.clear()
    await school.teaching.begin("bees", "cli")
    with pytest.raises(OperatorMistake, match="trained already: wait for it, or stop it"):
        await school.teaching.begin("bees", "cli")
    await school.teaching.stop("bees")
    assert school.teaching.looking("bees") == Looking()
    assert await school.teaching.gates("bees") == ()
    school.may_search.set()
    await school.teaching.begin("bees", "cli")
    assert (await school.finished()).lesson is not None


async def test_what_a_training_came_to_is_told_in_both_languages(school: School) -> None:
    await school.teaching.begin("bees", "cli")
    look = await school.finished()
    assert look.problem is not None
    assert "at least 5" in look.problem("en")
    assert "至少需要 5" in look.problem("zh")
    assert Progress(stage=Stage.SEARCHING, done=0, total=0).percent == 0  # before it begins


async def test_other_bases_and_gates_are_no_mistake_of_ours(school: School) -> None:
    with pytest.raises(OperatorMistake, match="no knowledge base wasps; there is: bees"):
        await school.teaching.tell("wasps", told(3))
    for teach in (school.teaching.train, school.teaching.begin):
        with pytest.raises(OperatorMistake, match="no knowledge base wasps"):
            await teach("wasps", "cli")
    with pytest.raises(OperatorMistake, match="bees has no gate 7"):
        await school.teaching.use("bees", 7, "cli")


async def test_figures_of_another_version_do_not_hide_the_gate(school: School) -> None:
    await school.store.conduct.add_gate("bees", b"{}", "{}", "somebody", NOW)
    (kept,) = await school.teaching.gates("bees")
    assert (kept.author, kept.figures) == ("somebody", None)
