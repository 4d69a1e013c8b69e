"""Which columns of a table may be answered from, which are only shown, which never leave.

A list of past tickets or questions names people, numbers and cars. Such columns are recognised by
their names and are not even stored; what is printed before a table is taken over says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from posthouse.model.errors import OperatorMistake

HEADER_WITHIN_ROWS = 10  # a table may begin below a title
NAMES_MIN = 2
NAME_CHARACTERS_MAX = 60


class Mark(StrEnum):
    """What may happen with a column."""

    ANSWER = "answer"  # searched, quoted, handed to a model
    SHOW = "show"  # shown beside a quotation
    NEVER = "never"  # not stored


class Role(StrEnum):
    """What a column is about."""

    QUESTION = "question"
    DETAIL = "detail"
    SOLUTION = "solution"
    FACT = "fact"  # category, priority, state, …
    PERSON = "person"
    OTHER = "other"


class Column(Struct, frozen=True):
    """A column of a table: its name, what it is about, what may happen with it."""

    name: str
    role: Role
    mark: Mark


_ALIASES: Mapping[Role, str] = {
    Role.QUESTION: """
        标题 主题 问题 问题标题 提问 标准问题 相似问题
        title subject question summary query
    """,
    Role.DETAIL: """
        描述 问题描述 详细描述 内容 现象 故障现象 背景
        description detail details body symptom content
    """,
    Role.SOLUTION: """
        解决方案 解决办法 解决方法 处理方案 处理结果 处理方法 答案 回答 回复 标准答案
        人工处理 原因 根因
        solution resolution answer reply fix workaround response cause
    """,
    Role.FACT: """
        分类 类别 类型 模块 产品 优先级 状态 满意度 评分 标签 版本 编号 工单号 工单编号
        序号 来源 链接 创建时间 更新时间 解决时间 关闭时间
        category type module product component priority status state satisfaction rating score tags
        tag label version created updated resolved closed date id no number ticket source link url
    """,
    Role.PERSON: """
        姓名 名字 客户 客户名 客户名称 联系人 提交人 处理人 负责人 创建人 报告人 经办人
        用户 用户名 昵称 工号 手机 手机号
        手机号码 电话 联系电话 联系方式 邮箱 电子邮箱 微信 地址 住址
        身份证 身份证号 证件号 车架号 车牌 车牌号 银行卡 银行卡号 账号 密码
        name username customer contact reporter requester assignee owner author user phone mobile
        tel telephone email mail address vin plate idcard ssn passport account password token secret
        wechat qq openid user_id
    """,
}
_PERSONAL_PART = re.compile(
    r"姓名|联系人|手机|电话|邮箱|身份证|证件|车架|车牌|银行卡|密码|住址|\bvin\b|phone|mobile|e-?mail"
    r"|password|secret|token|id.?card|passport|license.?plate",
    re.IGNORECASE,
)
_MARKS: Mapping[Role, Mark] = {
    Role.QUESTION: Mark.ANSWER,
    Role.DETAIL: Mark.ANSWER,
    Role.SOLUTION: Mark.ANSWER,
    Role.FACT: Mark.SHOW,
    Role.PERSON: Mark.NEVER,
}
_ROLES = {alias: role for role, aliases in _ALIASES.items() for alias in aliases.split()}


def columns_of(names: Sequence[str], wanted: Mapping[str, str] | None = None) -> tuple[Column, ...]:
    """Mark the columns of a table.

    In a list of tickets or questions an unknown column never leaves: nobody knows what is in it.
    Another table, say of prices, is there to be answered from.

    Args:
        names: the head of the table.
        wanted: what a person has decided, by the column's name.

    Raises:
        OperatorMistake: a mark is none.
    """
    chosen = {_bare(name): _mark(name, mark) for name, mark in (wanted or {}).items()}
    roles = [_role(name) for name in names]
    of_unknown = Mark.NEVER if Role.SOLUTION in roles else Mark.ANSWER
    return tuple(
        Column(name, role, chosen.get(_bare(name), _MARKS.get(role, of_unknown)))
        for name, role in zip(names, roles, strict=True)
    )


def is_list(columns: Sequence[Column]) -> bool:
    """Whether each row is a question or a ticket of its own."""
    return any(column.role is Role.SOLUTION for column in columns)


def head_of(rows: Sequence[Sequence[str]]) -> int:
    """Return which row names the columns: the one with the most names known, else the first."""
    known = [
        sum(_role(cell) is not Role.OTHER for cell in row) for row in rows[:HEADER_WITHIN_ROWS]
    ]
    best = max(known, default=0)
    return known.index(best) if best >= NAMES_MIN else 0


def _mark(name: str, mark: str) -> Mark:
    try:
        return Mark(mark)
    except ValueError:
        raise OperatorMistake(
            f'Column "{name}" cannot be "{mark}"; choose answer, show or never.',
            zh=f"列“{name}”不能是“{mark}”；可选 answer、show、never。",
        ) from None


def _bare(name: str) -> str:
    return re.sub(r"[\s_:：*（(].*$|[\s*]", "", name.strip().lower())


def _role(name: str) -> Role:
    if len(name) > NAME_CHARACTERS_MAX:
        return Role.OTHER
    whole = name.strip().lower()
    role = _ROLES.get(whole) or _ROLES.get(_bare(name))
    if role is not None:
        return role
    return Role.PERSON if _PERSONAL_PART.search(whole) else Role.OTHER
