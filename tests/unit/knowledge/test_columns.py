"""What of a list of tickets may be told, and what is not even stored."""

from __future__ import annotations

import pytest

from posthouse.knowledge.formats.catalogue import read
from posthouse.knowledge.formats.columns import Mark, columns_of, is_list
from posthouse.knowledge.passage import Block
from posthouse.model.errors import OperatorMistake
from tests.unit.knowledge import files

TICKETS = """工单导出,,,,,
标题,描述,分类,优先级,状态,解决方案,满意度,联系电话,处理人,内部备注
登录失败,"提示 ""密码错误"" ",账号,高,已关闭,重置密码,5,13812345678,王五,骂人了
还没解决,不知道,其他,低,打开,,,13912345678,李四,
"""


def test_columns_of_tickets_are_marked_by_their_names() -> None:
    head = TICKETS.split("\n")[1].split(",")
    columns = columns_of(head)
    assert is_list(columns)
    assert {column.name: column.mark for column in columns} == {
        "标题": Mark.ANSWER,
        "描述": Mark.ANSWER,
        "分类": Mark.SHOW,
        "优先级": Mark.SHOW,
        "状态": Mark.SHOW,
        "解决方案": Mark.ANSWER,
        "满意度": Mark.SHOW,
        "联系电话": Mark.NEVER,
        "处理人": Mark.NEVER,
        "内部备注": Mark.NEVER,  # nobody knows what is in it
    }


def test_english_names_and_names_with_remarks() -> None:
    names = ["Subject*", "Description (long)", "Resolution", "Priority", "Customer Phone", "VIN"]
    assert [column.mark for column in columns_of(names)] == [
        Mark.ANSWER, Mark.ANSWER, Mark.ANSWER, Mark.SHOW, Mark.NEVER, Mark.NEVER,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_a_ticket_is_one_block_without_what_never_leaves(name: str) -> None:
    rows = [line.split(",") for line in TICKETS.replace('"', "").strip().split("\n")]
    data = TICKETS.encode("gb18030") if name.endswith("csv") else files.xlsx(("导出", rows))
    extract = read(data, name)
    (block,) = extract.blocks  # what nobody has answered is no knowledge
    assert block.text.replace('"', "") == "标题: 登录失败\n描述: 提示 密码错误\n解决方案: 重置密码"
    assert block.shown == "分类: 账号  优先级: 高  状态: 已关闭  满意度: 5"
    assert (block.headings, block.line, block.kind) == (("登录失败",), 3, "row")
    assert "138" not in repr(extract)
    assert "王五" not in repr(extract)


def test_a_person_decides_about_columns() -> None:
    wanted = {"处理人": "show", "描述": "never", "内部备注": "answer"}
    (block,) = read(TICKETS.encode(), "t.csv", wanted).blocks
    assert block.text == "标题: 登录失败\n解决方案: 重置密码\n内部备注: 骂人了"
    assert block.shown.endswith("处理人: 王五")


def test_a_mark_that_is_none_is_a_mistake() -> None:
    with pytest.raises(OperatorMistake, match="answer, show or never"):
        columns_of(["a"], {"a": "perhaps"})


def test_another_table_is_there_to_be_answered_from() -> None:
    (block,) = read("型号;功率;负责人\nA1;3 kW;王五\n".encode(), "p.csv").blocks
    assert block == Block("| 型号 | 功率 |\n|---|---|\n| A1 | 3 kW |", line=1, kind="table")
