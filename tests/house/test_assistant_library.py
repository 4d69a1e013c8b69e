"""The assistant with the real library and gate: one way to search, always at the present."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.handlers.trying import Concluded, Trial
from posthouse.knowledge.gate import gate
from posthouse.store.sqlite.store import open_memory_store
from tests.house.assisting import assistant
from tests.house.kit import closed
from tests.unit.knowledge.desk import BASE, Desk

DOOR = "怎么重置门禁密码？"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(open_memory_store(), tmp_path)
    await made.say("door.md", "门禁密码在前台重置，初始密码是 1234。")
    await made.say("visitors.md", "访客由员工在大门口登记，领取临时卡。")
    yield made
    await made.library.close()


async def concluded(desk: Desk, question: str, *, is_addressed: bool = True) -> Concluded:
    answering = assistant(closed(), library=desk.library, gate=gate.shipped, bases=(BASE,))
    trial = Trial(question=question, at=time.time(), is_addressed=is_addressed)
    *_, end = [each async for each in answering.attempt(trial)]
    assert isinstance(end, Concluded)
    return end


async def test_what_the_book_says_is_quoted(desk: Desk) -> None:
    end = await concluded(desk, DOOR)
    assert end.reason == "answered"
    assert "> 门禁密码在前台重置，初始密码是 1234。" in end.answer
    assert "visitors" not in end.answer


async def test_an_edited_document_is_right_at_the_next_question(desk: Desk) -> None:
    await concluded(desk, DOOR)
    await desk.say("door.md", "门禁密码改为在三楼重置，初始密码是 5678。")
    end = await concluded(desk, DOOR)
    assert "5678" in end.answer
    assert "1234" not in end.answer


async def test_a_passage_under_quarantine_is_told_to_nobody(desk: Desk) -> None:
    (cited,) = (each for each in (await concluded(desk, DOOR)).sources if each.is_cited)
    await desk.documents.quarantine(BASE, cited.key, "operator:ann", time.time())
    assert "1234" not in (await concluded(desk, DOOR)).answer


async def test_nobody_knows_what_is_not_written(desk: Desk) -> None:
    assert (await concluded(desk, "公司的股票代码是多少")).reason == "not_in_knowledge"


async def test_overheard_chatter_is_left_alone(desk: Desk) -> None:
    end = await concluded(desk, "今天的午饭真好吃", is_addressed=False)
    assert end.reason.startswith("unsure ")
    assert end.answer == ""
