"""The details of a line of the audit, from JSON to words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from posthouse.console.pages import Times
from posthouse.gateway.grant_words import describe
from posthouse.model.permission import ANY, Field

_MARK = "_at"  # how the names of moments end
_NAMES = {
    "field": ("什么", "what"),
    "from_at": ("从", "from"),
    "until_at": ("到", "until"),
    "expires_at": ("到期", "expires"),
    "effect": ("效果", "effect"),
    "note": ("备注", "note"),
    "bot": ("机器人", "bot"),
    "role": ("角色", "role"),
    "scopes": ("范围", "scopes"),
    "members": ("成员", "members"),
    "address": ("地址", "address"),
    "chat": ("会话", "chat"),
    "id": ("编号", "number"),
    "session": ("登录", "session"),
    "keys": ("配置项", "settings"),
    "changed": ("已生效", "changed"),
    "after_restart": ("重启后生效", "after a restart"),
    "handler": ("处理程序", "handler"),
    "person": ("人", "person"),
    "rule": ("规则", "rule"),
    "base": ("知识库", "base"),
    "gate": ("门控", "gate"),
    "question": ("问题", "question"),
    "is_exact": ("原样回答", "said exactly"),
    "count": ("数量", "count"),
    "kind": ("种类", "kind"),
    "place": ("位置", "place"),
    "path": ("路径", "path"),
    "documents": ("文档", "documents"),
    "files": ("文件", "files"),
    "deliveries": ("消息", "messages"),
    "scenes_broken": ("加载失败的场景", "broken scenes"),
}
_YES_NO = {True: ("是", "yes"), False: ("否", "no")}


def details_in_words(stored: str, times: Times, language: str) -> str:
    """Show what is known of a change: moments as dates, and nothing where there is nothing."""
    try:
        values = json.loads(stored or "{}")
    except ValueError:
        return stored
    if not isinstance(values, dict):
        return stored
    return " · ".join(_pieces(values, times, language))


def _pieces(values: Mapping[str, object], times: Times, language: str) -> Iterator[str]:
    for name, value in values.items():
        if value is not None and value != "":
            zh, en = _NAMES.get(name, (name, name))
            yield f"{zh if language == 'zh' else en}: {_shown(name, value, times, language)}"


def _shown(name: str, value: object, times: Times, language: str) -> str:
    match value:
        case bool():
            zh, en = _YES_NO[value]
            return zh if language == "zh" else en
        case int() | float() if name.endswith(_MARK):
            return times.date(value)
        case list():
            return ", ".join(_shown(name, each, times, language) for each in value)
        case dict() if name == "field":
            return _field(value)
        case dict():
            return f"({', '.join(_pieces(value, times, language))})"
        case _:
            return str(value)


def _field(value: Mapping[str, object]) -> str:
    known = {part: str(value[part]) for part in Field.__struct_fields__ if part in value}
    field = Field(**known)
    return describe(field) if field.bot == ANY else f"{field.bot} {describe(field)}"
