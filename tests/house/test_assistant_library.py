"""The assistant with the real library and gate: one way to search, always at the present."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.handlers.trying import Concluded, Trial
from posthouse.knowledge.formats import markdown
from posthouse.knowledge.gate import gate
from posthouse.knowledge.sources.built_in import BuiltIn
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


async def test_a_neighbour_is_quoted_as_one(desk: Desk) -> None:
    """The page on QQ holds all of the question but the one word that matters."""
    await desk.say("qq.md", "怎么接入 QQ：先运行 NapCat，再把地址填进设置。", "怎么接入 QQ？")
    end = await concluded(desk, "怎么接入钉钉？")
    assert end.reason == "not_in_knowledge"
    assert end.answer.startswith("我不确定：找到的内容没有提到“钉钉”。最接近的是：")
    assert "> 怎么接入 QQ：先运行 NapCat" in end.answer
    assert (await concluded(desk, "怎么接入 QQ？")).reason == "answered"
    assert (await concluded(desk, "怎么接入钉钉？", is_addressed=False)).answer == ""


@pytest.mark.parametrize("question", ["what is the capital of Peru", "秘鲁的首都是哪里？"])
async def test_the_houses_own_pages_do_not_speak_of_the_world(desk: Desk, question: str) -> None:
    pages = BuiltIn()
    for item in await pages.items():
        fetched = await pages.fetch(item)
        await desk.write(item.path, markdown.read(fetched.data, fetched.name))
    end = await concluded(desk, question)
    assert end.reason == "not_in_knowledge"
    assert not any(source.is_cited for source in end.sources)
    assert (await concluded(desk, "怎么接入飞书？")).reason == "answered"


async def test_overheard_chatter_is_left_alone(desk: Desk) -> None:
    end = await concluded(desk, "今天的午饭真好吃", is_addressed=False)
    assert end.reason.startswith("unsure ")
    assert end.answer == ""
