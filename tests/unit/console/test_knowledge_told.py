"""知识 · 谁还听到了: only what was really said is taken back or corrected, and all of that."""

from urllib.parse import quote

import pytest
from msgspec.structs import replace

from posthouse.console import knowledge_told
from posthouse.model.delivery import State
from posthouse.store.asked import Question
from tests.unit.console.office import Browser, Office
from tests.unit.console.written import PASSAGE, asked

TOLD = f"knowledge/told?passage={quote(PASSAGE)}"
CORRECTION = {"passage": PASSAGE, "text": "the right words", "key": "k1"}


async def said(office: Office) -> dict[str, State]:
    page = await office.store.reader.page(office.chat)
    return {row.text: row.delivery.state for row in page.said}


async def held(office: Office, answer: str) -> Question:
    """An answer waits for a review."""
    question = await asked(office, "may I?", reason="held_for_review")
    question = replace(question, answer=answer, passages=(PASSAGE,))
    await office.store.asked.record(question)
    return question


async def test_an_answer_that_was_let_out_is_taken_back_like_the_others(
    office: Office, operator: Browser
) -> None:
    question = await held(office, "a delicate answer")
    await operator.post(f"knowledge/questions/{question.turn}/send")
    await office.scene.deliver()
    assert "撤回 1 条消息" in (await operator.get(TOLD)).text
    await operator.post("knowledge/told/recall", {"passage": PASSAGE})
    assert await said(office) == {"a delicate answer": State.WITHDRAWING}


async def test_many_answers_are_looked_at_some_at_a_time(
    office: Office, operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge_told, "TOGETHER", 2)
    for who in ("ann", "ben", "cem"):
        await asked(office, f"{who} asks", f"to {who}", who=who)
        await office.scene.deliver()
    assert "撤回 3 条消息" in (await operator.get(TOLD)).text
    await operator.post("knowledge/told/recall", {"passage": PASSAGE})
    assert set((await said(office)).values()) == {State.WITHDRAWING}


async def test_two_operators_let_an_answer_out_once(
    office: Office, operator: Browser, admin: Browser
) -> None:
    question = await held(office, "a delicate answer")
    path = f"knowledge/questions/{question.turn}/send"
    await operator.post(path)
    await office.store.asked.record(question)  # as one who looked at the same moment still sees it
    await admin.post(path)
    assert list(await said(office)) == ["a delicate answer"]


@pytest.mark.parametrize("reason", ["held_for_review", "answered"])
async def test_who_heard_nothing_hears_no_correction(
    office: Office, operator: Browser, reason: str
) -> None:
    question = await held(office, "nobody heard this")
    await office.store.asked.record(replace(question, reason=reason))  # answered in the shadow
    page = (await operator.get(TOLD)).text
    assert "没有发出" in page
    assert "更正" not in page
    await operator.post("knowledge/told/correct", CORRECTION)
    assert await said(office) == {}
