"""A bot's table in the settings file, below what is there; its secrets in files of their own."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from posthouse.cli.init import template
from posthouse.model.errors import OperatorMistake

SECRETS = "secrets"  # a folder beside the settings file
_BARE = re.compile(r"[A-Za-z0-9_-]+")
WEB = '[bots.web]                       # {}\nchannel = "web"\n'


def add_bot(
    config: Path, name: str, fields: Mapping[str, str], secrets: Mapping[str, str], language: str
) -> None:
    """Write a bot into a settings file, which is made if there is none.

    Args:
        config: the settings file.
        name: what the house calls the bot.
        fields: its options.
        secrets: further options, which are written into files that only this user can read.
        language: of the explanations in a new file.

    Raises:
        OperatorMistake: there is a bot of that name, or a file cannot be written.
    """
    try:
        before = config.read_text("utf-8") if config.exists() else template(language)
        after = _with_bot(before, config, name, fields, secrets, language)
        for key, value in secrets.items():
            _write(config.parent / _secret_file(name, key), value + "\n")
        _write(config, after)
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorMistake(
            f"Cannot write {config}: {error}. Choose another place with --config.",
            zh=f"写不了 {config}：{error}。请用 --config 换一个位置。",
        ) from None


def refuse_a_second(config: Path, name: str) -> None:
    """Look whether the name is free.

    Raises:
        OperatorMistake: the settings file has such a bot, or cannot be read.
    """
    if config.exists() and name in _bots(config.read_text("utf-8"), config):
        raise OperatorMistake(
            f"{config} has a bot {name} already. Give this one another name with --name.",
            zh=f"{config} 里已有机器人 {name}。请用 --name 另起一个名字。",
        )


def _with_bot(
    before: str,
    config: Path,
    name: str,
    fields: Mapping[str, str],
    secrets: Mapping[str, str],
    language: str,
) -> str:
    lines = [f"[bots.{name if _BARE.fullmatch(name) else json.dumps(name)}]"]
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    lines += [f'{key} = {{ file = "{_secret_file(name, key)}" }}' for key in secrets]
    if not _bots(before, config):  # the page goes when others are named, unless it is named too
        why = "网页聊天" if language == "zh" else "the chat page"
        lines = [*WEB.format(why).splitlines(), "", *lines]
    after = before.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n"
    _bots(after, config)
    return after


def _bots(text: str, config: Path) -> Mapping[str, object]:
    try:
        found = tomllib.loads(text).get("bots", {})
    except tomllib.TOMLDecodeError as error:
        raise OperatorMistake(
            f"{config} is no TOML: {error}. Correct it first; nothing was written.",
            zh=f"{config} 不是正确的 TOML：{error}。请先改正；没有写入。",
        ) from None
    return found if isinstance(found, dict) else {}


def _secret_file(name: str, key: str) -> str:
    return f"{SECRETS}/{name}.{key}"


def _write(path: Path, text: str) -> None:
    """Replace a file at once; what holds secrets is for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    draft.replace(path)
