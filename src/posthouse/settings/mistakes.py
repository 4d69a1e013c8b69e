"""A wrong setting in words: which key, where it stands, what was wanted, and how to mend it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from posthouse.model.errors import OperatorMistake
from posthouse.settings.language import Said
from posthouse.settings.origin import Layer, Origins, is_secret_name, origin_of
from posthouse.settings.settings import Settings

MISTAKES_SHOWN_MAX = 10
SHOWN_MAX = 60  # characters of a wrong value

_Model = TypeVar("_Model", bound=BaseModel)

_SHAPES = {
    "int": Said("一个整数", "a whole number"),
    "float": Said("一个数字", "a number"),
    "finite_number": Said("一个有限的数字", "a finite number"),
    "bool": Said("true 或 false", "true or false"),
    "string": Said("一段加引号的文字", "text in quotes"),
    "string_pattern_mismatch": Said(
        "由字母、数字、- 和 _ 组成的名称", "a name of letters, digits, - and _"
    ),
    "path": Said("一个加引号的路径", "a path in quotes"),
    "tuple": Said('一个列表，如 ["a", "b"]', 'a list such as ["a", "b"]'),
    "list": Said('一个列表，如 ["a", "b"]', 'a list such as ["a", "b"]'),
    "dict": Said("一张表", "a table"),
    "model": Said("一张表", "a table"),
    "not_a_timezone": Said("时区名，如 Asia/Shanghai", "a time zone such as Asia/Shanghai"),
    "not_an_address": Said(
        "以 http:// 或 https:// 开头的地址", "an address that begins with http:// or https://"
    ),
    "not_commands": Said(
        '写成 "场景.命令" 的列表，如 ["weather.now"]',
        'commands, each written like "weather.now"',
    ),
    "not_a_store": Said(
        "留空，或 sqlite:///路径、postgresql://用户@主机/库名",
        "nothing (a database in the data directory), sqlite:///path, "
        "or postgresql://user@host/name",
    ),
}

_SENTENCES = {
    "missing": Said("缺少这一项，请补上", "is missing; add it"),
    "not_one_end": Said(
        "每条规则必须且只能有 handler、ignore、refuse 之一",
        "a rule needs exactly one of handler, ignore, refuse",
    ),
}


def as_mistake(
    error: ValidationError,
    origins: Origins,
    prefix: str = "",
    model: type[BaseModel] = Settings,
) -> OperatorMistake:
    """Say what is wrong with settings.

    Args:
        error: what the types said.
        origins: where each key came from.
        prefix: the key of the table that was checked, with a dot; empty for the whole file.
        model: what was checked.
    """
    details = error.errors(include_url=False)[:MISTAKES_SHOWN_MAX]
    said = [_sentence(detail, origins, prefix, model) for detail in details]
    return OperatorMistake("\n".join(one.en for one in said), zh="\n".join(one.zh for one in said))


def section(model: type[_Model], options: Mapping[str, object], key: str) -> _Model:
    """Read the further keys of a bot or handler with the same sentences for mistakes.

    Args:
        model: what the keys should be.
        options: the table as it was written.
        key: the table's name, such as ``bots.support``.

    Raises:
        OperatorMistake: a key is unknown, missing or wrong.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        raise as_mistake(error, {}, f"{key}.", model) from None


def _sentence(detail: ErrorDetails, origins: Origins, prefix: str, model: type[BaseModel]) -> Said:
    path = tuple(str(step) for step in detail["loc"] if step != "[key]")
    key = prefix + ".".join(path)
    where = _where(key, origins)
    if detail["type"] == "extra_forbidden":
        return _unknown(key, path, model, where)
    sentence = _said_of(detail)
    if sentence is not None:
        key = key or "[[routes]]"
        return Said(f"{key}{where.zh}：{sentence.zh}。", f"{key}{where.en}: {sentence.en}.")
    wanted = _shape(detail)
    given = _shown(key, detail["input"], origins)
    example = _example(model, path)
    return Said(
        f"{key} = {given}{where.zh}：应为{wanted.zh}{example.zh}。",
        f"{key} = {given}{where.en}: wanted {wanted.en}{example.en}.",
    )


def _where(key: str, origins: Origins) -> Said:
    origin = origin_of(key, origins)
    if origin.layer is Layer.DEFAULT or not origin.name:
        return Said("", "")
    return Said(f"（来自 {origin.name}）", f" (from {origin.name})")


def _unknown(key: str, path: tuple[str, ...], model: type[BaseModel], where: Said) -> Said:
    known = _keys_beside(model, path[:-1])
    close = difflib.get_close_matches(path[-1].lower(), known, n=1, cutoff=0.6)
    if close:
        hint = Said(f"是不是想写 {close[0]}？", f"did you mean {close[0]}?")
    elif section_with := _section_with(path[-1], model):
        hint = Said(f"它属于 [{section_with}]。", f"it belongs below [{section_with}].")
    else:
        names = ", ".join(known)
        hint = Said(f"请删去它。这里可用的有：{names}。", f"remove it. Known here: {names}.")
    return Said(
        f"没有 {key} 这个设置{where.zh}；{hint.zh}", f"{key} is no setting{where.en}; {hint.en}"
    )


def _keys_beside(model: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    for step in path:
        field = model.model_fields.get(step)
        inner = _model_of(field.annotation) if field else None
        if inner is None and not step.isdigit():
            return []
        model = inner or model
    return sorted(model.model_fields)


def _model_of(annotation: object) -> type[BaseModel] | None:
    """Return the table behind a field: a section, or what a list or table of them holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if (found := _model_of(inner)) is not None:
            return found
    return None


def _section_with(name: str, model: type[BaseModel]) -> str:
    for key, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and name in inner.model_fields:
            return key
    return ""


def _said_of(detail: ErrorDetails) -> Said | None:
    context = detail.get("ctx", {})
    special: dict[str, Callable[[], Said]] = {
        "channel_not_yet": lambda: Said(
            f"平台 {context['channel']} 不在此版本中；请先去掉这个机器人，或改用 web",
            f"channel {context['channel']} is not part of this version;"
            " remove this bot for now, or use web",
        ),
        "not_a_pattern": lambda: Said(
            f"不是正确的正则表达式：{context['why']}",
            f"not a regular expression: {context['why']}",
        ),
        "no_such_handler": lambda: Said(
            f"规则里的 handler {context['handler']} 没有配置；已有：{context['names']}",
            f"a rule leads to the handler {context['handler']},"
            f" which is not configured; there are: {context['names']}",
        ),
        "no_such_model": lambda: Said(
            f"fallbacks 里的模型 {context['model']} 没有配置；已有：{context['names']}",
            f"fallbacks names the model {context['model']},"
            f" which is not configured; there are: {context['names']}",
        ),
        "no_such_bot": lambda: Said(
            f"规则里的 bot {context['bot']} 没有配置；已有：{context['names']}",
            f"a rule speaks of the bot {context['bot']},"
            f" which is not configured; there are: {context['names']}",
        ),
    }
    if detail["type"] in special:
        return special[detail["type"]]()
    return _SENTENCES.get(detail["type"])


def _shape(detail: ErrorDetails) -> Said:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "literal_error" | "enum":
            expected = str(context["expected"])
            return Said(f"其中之一：{expected.replace(' or ', '、')}", f"one of {expected}")
        case "greater_than_equal":
            return Said(f"不小于 {context['ge']}", f"at least {context['ge']}")
        case "greater_than":
            return Said(f"大于 {context['gt']}", f"more than {context['gt']}")
        case "less_than_equal":
            return Said(f"不大于 {context['le']}", f"at most {context['le']}")
        case kind:
            shape = _SHAPES.get(kind) or _SHAPES.get(kind.partition("_")[0])
            return shape or Said(detail["msg"], detail["msg"])


def _shown(key: str, value: object, origins: Origins) -> str:
    """Show a wrong value, unless it may be a secret in the wrong place."""
    if is_secret_name(key) or origin_of(key, origins).reference:
        return "****"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"


def _example(model: type[BaseModel], path: tuple[str, ...]) -> Said:
    for step in path[:-1]:
        field = model.model_fields.get(step)
        inner = _model_of(field.annotation) if field else None
        if inner is None:
            return Said("", "")
        model = inner
    field = model.model_fields.get(path[-1]) if path else None
    default = field.get_default() if field else None
    if not isinstance(default, str | int | float | tuple) or default == "":
        return Said("", "")
    line = f"{path[-1]} = {json.dumps(default, ensure_ascii=False)}"
    return Said(f"，例如 {line}", f", for example {line}")
