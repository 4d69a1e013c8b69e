"""Short questions with the real library and gate: few words, but just those of a page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.handlers.trying import Concluded, Stage, Trial, Tried
from posthouse.knowledge.gate import gate
from posthouse.store.sqlite.store import open_memory_store
from tests.house.assisting import assistant
from tests.house.kit import closed
from tests.unit.knowledge.desk import BASE, Desk

SHORT = "收费吗"
PAGES = ("年假怎么申请", "门禁卡丢了怎么办", "会议室怎么预订", "发票寄到哪里", "打印机怎么连接")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(open_memory_store(), tmp_path)
    for at, page in enumerate(PAGES):
        await made.say(f"{at}.md", f"{page}：请看公告，或者问前台。", page)
    await made.say("price.md", "不收费：园区的充电桩对员工免费。", "充电桩收费吗？")
    yield made
    await made.library.close()


def strict() -> gate.Gate:
    """Be as sure of three words as a large base makes the shipped one."""
    return gate.Gate(gate.Points(sure=0.99, lenient=0.95))


async def tried(
    desk: Desk, question: str, *, is_addressed: bool = True, line: float | None = None
) -> list[Tried]:
    answering = assistant(
        closed(), library=desk.library, gate=strict, bases=(BASE,), addressed_threshold=line
    )
    trial = Trial(question=question, at=1.0, is_addressed=is_addressed)
    return [each async for each in answering.attempt(trial)]


def concluded(found: list[Tried]) -> Concluded:
    assert isinstance(found[-1], Concluded)
    return found[-1]


async def test_who_asks_in_the_words_of_a_page_is_shown_it(desk: Desk) -> None:
    found = await tried(desk, SHORT)
    end = concluded(found)
    assert end.score is not None
    assert end.threshold is not None
    assert end.score < end.threshold, "the gate alone would have said no"
    assert end.reason == "answered"
    assert "充电桩对员工免费" in end.answer
    (judged,) = (each.value for each in found if isinstance(each, Stage) and each.name == "gate")
    assert "of it in one passage" in judged, "why it was answered all the same"


async def test_what_is_overheard_is_left_to_the_gate(desk: Desk) -> None:
    assert concluded(await tried(desk, SHORT, is_addressed=False)).answer == ""


async def test_a_line_that_was_drawn_by_hand_holds(desk: Desk) -> None:
    end = concluded(await tried(desk, SHORT, line=0.9))
    assert end.reason == "not_in_knowledge"


async def test_half_the_words_are_not_enough(desk: Desk) -> None:
    assert concluded(await tried(desk, "泊车位收费吗")).reason == "not_in_knowledge"
