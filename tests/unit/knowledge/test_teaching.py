"""A base is taught by all that the house knows, and its gate is kept with honest figures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from msgspec import Struct

from posthouse.knowledge.gate.gate import load
from posthouse.knowledge.labels import Labelled
from posthouse.knowledge.passage import Found
from posthouse.knowledge.teaching import Figures, Teaching
from posthouse.knowledge.words import fingerprint
from posthouse.model.errors import OperatorMistake
from posthouse.store.asked import Label, LabelOrigin
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import open_memory_store
from tests.unit.knowledge.gate.chat import index, labels

NOW = 1_700_000_000.0
DIFFERENT = len({fingerprint(text) for text, _ in labels(40)})


class School(Struct):
    """A base that can be taught, and the bases that were searched."""

    store: SqlStore
    teaching: Teaching
    searched: list[tuple[str, ...]]


@pytest.fixture
async def school() -> AsyncIterator[School]:
    store = open_memory_store()
    searched: list[tuple[str, ...]] = []

    async def find(bases: tuple[str, ...], text: str) -> Found:
        searched.append(bases)
        return index().search(text)

    await store.documents.add_base("bees", NOW)
    yield School(
        store,
        Teaching(store.documents, store.asked, store.conduct, find, lambda: NOW),
        searched,
    )
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


async def test_what_thumbs_and_reviews_say_is_learnt_from_as_well(school: School) -> None:
    given = [
        Label(text=text, is_wanted=is_wanted, origin=origin, at=NOW + number)
        for number, (text, is_wanted) in enumerate(labels(40))
        for origin in (LabelOrigin.THUMB if number % 2 else LabelOrigin.REVIEW,)
    ]
    await school.store.asked.add_labels("bees", tuple(given))
    lesson = await school.teaching.train("bees", "cli")
    assert lesson.figures.after.labels == DIFFERENT


async def test_hardly_anything_to_learn_from_is_refused_and_nothing_kept(school: School) -> None:
    await school.teaching.tell("bees", told(9))
    with pytest.raises(OperatorMistake, match="at least 5"):
        await school.teaching.train("bees", "cli")
    assert await school.teaching.gates("bees") == ()


async def test_other_bases_and_gates_are_no_mistake_of_ours(school: School) -> None:
    with pytest.raises(OperatorMistake, match="no knowledge base wasps; there is: bees"):
        await school.teaching.tell("wasps", told(3))
    with pytest.raises(OperatorMistake, match="no knowledge base wasps"):
        await school.teaching.train("wasps", "cli")
    with pytest.raises(OperatorMistake, match="bees has no gate 7"):
        await school.teaching.use("bees", 7, "cli")


async def test_figures_of_another_version_do_not_hide_the_gate(school: School) -> None:
    await school.store.conduct.add_gate("bees", b"{}", "{}", "somebody", NOW)
    (kept,) = await school.teaching.gates("bees")
    assert (kept.author, kept.figures) == ("somebody", None)
