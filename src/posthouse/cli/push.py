"""``posthouse push``: say something in chats, by the house's own door or with a token over HTTP."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from posthouse.api.message import Answer, Message
from posthouse.api.push_tasks import PUSH_AS, TAKE_BACK, PushAs, TakeBack
from posthouse.cli.house import counter_of
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.model.errors import OperatorMistake, TryLater
from posthouse.settings.load import TOKEN_VARIABLE, URL_VARIABLE
from posthouse.settings.settings import Settings

STDIN = "-"
STDIN_CHARACTERS_MAX = 1_000_000
ANSWER_WITHIN_S = 90.0
GOOD = frozenset({"sent", "withdrawn", "dropped"})
MIME = "application/json"

# Programs colour what they print; a chat shows the codes as rubbish.
_COLOURS = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\))")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class Wanted(Struct, frozen=True, kw_only=True):
    """What somebody wants pushed, in their own words."""

    to: tuple[str, ...] = ()
    text: str = ""
    is_plain: bool = False
    image: Path | None = None
    file: Path | None = None
    is_at_most_once: bool = False


class Away(Struct, frozen=True):
    """A house somewhere else: its address, and a token for it."""

    url: str
    token: str


def away_of(url: str, environ: Mapping[str, str]) -> Away | None:
    """Return the house that is meant when it is not this machine's.

    Raises:
        OperatorMistake: there is an address, but no token for it.
    """
    url = url or environ.get(URL_VARIABLE, "")
    if not url:
        return None
    token = environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise OperatorMistake(
            f"{url} asks for a token: set {TOKEN_VARIABLE} (`posthouse tokens add` makes one).",
            zh=f"{url} 需要令牌：请设置 {TOKEN_VARIABLE}（用 posthouse tokens add 生成）。",
        )
    return Away(url.rstrip("/"), token)


async def push(
    settings: Settings, wanted: Wanted, key: str, wait_s: float, away: Away | None, *, as_json: bool
) -> int:
    """Push, and say what became of it; 0 when everybody got it."""
    message = message_of(wanted)
    key = key or secrets.token_hex(16)
    if away is not None:
        path = f"/api/v1/messages?wait=sent&wait_s={wait_s:.3f}"
        body = msgspec.json.encode(message)
        answer = await asyncio.to_thread(_ask, away, "POST", path, body, key)
    else:
        async with counter_of(settings) as house:
            answer = await house.ask(PUSH_AS, PushAs(message=message, key=key, wait_s=wait_s))
    return _tell(answer, as_json=as_json)


async def take_back(
    settings: Settings, key: str, wait_s: float, away: Away | None, *, as_json: bool
) -> int:
    """Take an earlier push back, and say what became of it."""
    if away is not None:
        path = f"/api/v1/messages/{quote(key, safe='')}?wait=sent&wait_s={wait_s:.3f}"
        answer = await asyncio.to_thread(_ask, away, "DELETE", path, None, "")
    else:
        async with counter_of(settings) as house:
            answer = await house.ask(TAKE_BACK, TakeBack(key=key, wait_s=wait_s))
    return _tell(answer, as_json=as_json)


def message_of(wanted: Wanted) -> Message:
    """Make the body of a push.

    Raises:
        OperatorMistake: a target is none, or a file cannot be read.
    """
    body: dict[str, object] = {"to": [_target(to) for to in wanted.to]}
    if text := _text(wanted.text):
        body["text" if wanted.is_plain else "markdown"] = text
    if wanted.image is not None:
        body["image"] = _upload(wanted.image)
    if wanted.file is not None:
        body["file"] = _upload(wanted.file)
    if wanted.is_at_most_once:
        body["policy"] = "at_most_once"
    try:
        return msgspec.convert(body, Message)
    except msgspec.ValidationError as problem:
        raise OperatorMistake(
            f"This cannot be pushed: {problem}", zh=f"不能推送：{problem}"
        ) from None


def _target(to: str) -> int | str | dict[str, str]:
    """Read ``7``, ``tag:night`` or ``ops:oc_1`` (a bot, and a chat as its platform names it)."""
    if to.isascii() and to.isdigit():
        return int(to)
    bot, colon, chat = to.partition(":")
    if bot == "tag" or not colon:
        return to
    return {"bot": bot, "chat": chat}


def _text(text: str) -> str:
    if text != STDIN:
        return text
    read = sys.stdin.read(STDIN_CHARACTERS_MAX).replace("\r\n", "\n")
    return _CONTROL.sub("", _COLOURS.sub("", read)).rstrip("\n")


def _upload(path: Path) -> dict[str, str]:
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise OperatorMistake(
            f"Cannot read {path}: {problem.strerror}.", zh=f"读不了 {path}：{problem.strerror}。"
        ) from None
    return {"base64": base64.b64encode(data).decode(), "name": path.name}


def _ask(away: Away, method: str, path: str, body: bytes | None, key: str) -> Answer:
    address = urlsplit(away.url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    headers = {"Authorization": f"Bearer {away.token}", "Content-Type": MIME}
    if key:
        headers["Idempotency-Key"] = key
    try:
        connection = kind(address.hostname or "", address.port, timeout=ANSWER_WITHIN_S)
        connection.request(method, address.path + path, body, headers)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
    except (OSError, http.client.HTTPException) as problem:
        raise TryLater(
            f"{away.url} does not answer ({problem}). Again with --key {key} says nothing twice.",
            zh=f"{away.url} 没有回应（{problem}）。用 --key {key} 重试不会重复发送。",
        ) from None
    if answer.status in {http.client.OK, http.client.ACCEPTED}:
        return msgspec.json.decode(raw, type=Answer)
    raise _problem(answer.status, raw)


def _problem(status: int, raw: bytes) -> OperatorMistake | TryLater:
    try:
        said = json.loads(raw)
        zh, en = str(said["zh"]), str(said["en"])
    except (ValueError, KeyError, TypeError):
        zh = en = f"HTTP {status}"
    return (TryLater if status >= http.client.INTERNAL_SERVER_ERROR else OperatorMistake)(en, zh=zh)


def _tell(answer: Answer, *, as_json: bool) -> int:
    terminal = Terminal()
    if as_json:
        terminal.json(answer)
    else:
        terminal.say(f"key {answer.key}", f"key {answer.key}")
        for line in answer.targets:
            said = terminal.words(str(line.zh), str(line.en))
            terminal.line(f"  {line.to} → chat:{line.chat}  {line.state}  {said}".rstrip())
    return OK if all(line.state in GOOD for line in answer.targets) else PROBLEM_FOUND
