"""What a token may do.

``push``, ``push:bot=ops``, ``push:chat=7``, ``push:tag=day``, ``read``, ``ask``, ``ask:bot=ops``,
``ask:chat=7``, ``ask:person=ou_1``, ``ask:base=help``, ``ask:handler=hr``, ``relay``,
``relay:bot=ops``.
"""

from __future__ import annotations

import re

from posthouse.model.address import Chat
from posthouse.model.errors import OperatorMistake

PUSH = "push"
READ = "read"
ASK = "ask"  # in no chat and as nobody; the narrower ones add places, people and knowledge
ASK_BASE = "ask:base="
RELAY = "relay"  # of a relay: to fetch what waits there
SCOPES_MAX = 50
TAGS_MAX = 50
TAG = r"[\w.-]{1,64}"  # letters of any language, digits, _ . -

NAME = r"[A-Za-z0-9_-]{1,64}"  # of a bot, a handler, a base

_TAG = re.compile(TAG)
_SCOPE = re.compile(
    rf"push|read|ask|relay|(?:push|ask|relay):bot={NAME}|(?:push|ask):chat=[0-9]{{1,18}}"
    rf"|push:tag={TAG}|ask:(?:base|handler)={NAME}|ask:person=\S{{1,256}}"
)


def checked_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Return scopes without repeats.

    Raises:
        OperatorMistake: there is none, or one is not a scope.
    """
    unknown = [scope for scope in scopes if not _SCOPE.fullmatch(scope)]
    if unknown or not scopes or len(scopes) > SCOPES_MAX:
        raise OperatorMistake(
            f"{unknown[0] if unknown else 'nothing'} is not a scope; give 1 to {SCOPES_MAX} of:"
            " push, push:bot=NAME, push:chat=NUMBER, push:tag=NAME, read, ask, ask:bot=NAME,"
            " ask:chat=NUMBER, ask:person=ID, ask:base=NAME, ask:handler=NAME, relay,"
            " relay:bot=NAME.",
            zh=f"{unknown[0] if unknown else '空'} 不是权限范围；请给出 1 到 {SCOPES_MAX} 个："
            "push、push:bot=名字、push:chat=编号、push:tag=标签、read、ask、ask:bot=名字、"
            "ask:chat=编号、ask:person=平台ID、ask:base=知识库、ask:handler=名字、relay、"
            "relay:bot=名字。",
        )
    return tuple(dict.fromkeys(scopes))


def checked_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return tags in alphabetical order, each once.

    Raises:
        OperatorMistake: one is not a tag, or there are too many.
    """
    wrong = [tag for tag in tags if not _TAG.fullmatch(tag)]
    if wrong or len(tags) > TAGS_MAX:
        raise OperatorMistake(
            f"{wrong[0]!r} is not a tag: 1 to 64 letters, digits and . _ - are."
            if wrong
            else f"A chat has at most {TAGS_MAX} tags.",
            zh=f"{wrong[0]!r} 不是标签：标签由 1 到 64 个字母、数字和 . _ - 组成。"
            if wrong
            else f"一个会话最多 {TAGS_MAX} 个标签。",
        )
    return tuple(sorted(set(tags)))


def may_push(scopes: tuple[str, ...]) -> bool:
    """Whether there is anything at all that may be pushed."""
    return any(scope == PUSH or scope.startswith("push:") for scope in scopes)


def may_push_with_bot(scopes: tuple[str, ...], bot: str) -> bool:
    """Whether every chat of a bot may be written to, also one that is not in the book yet."""
    return PUSH in scopes or f"push:bot={bot}" in scopes


def may_push_to_tag(scopes: tuple[str, ...], tag: str) -> bool:
    """Whether every chat with a tag may be written to."""
    return PUSH in scopes or f"push:tag={tag}" in scopes


def may_push_to(scopes: tuple[str, ...], chat: Chat, tags: tuple[str, ...]) -> bool:
    """Whether a chat may be written to."""
    return (
        may_push_with_bot(scopes, chat.bot)
        or f"push:chat={chat.id}" in scopes
        or any(may_push_to_tag(scopes, tag) for tag in tags)
    )


def may_ask(scopes: tuple[str, ...]) -> bool:
    """Whether there is anything at all that may be asked."""
    return any(scope == ASK or scope.startswith("ask:") for scope in scopes)


def may_ask_in(scopes: tuple[str, ...], chat: int, bot: str) -> bool:
    """Whether a chat's rules and knowledge may be asked; ``bot`` is empty for one not there."""
    return f"ask:chat={chat}" in scopes or bool(bot and f"ask:bot={bot}" in scopes)


def may_ask_nowhere(scopes: tuple[str, ...], bases: tuple[str, ...]) -> bool:
    """Whether something may be asked outside of chats: anything, or just of these bases."""
    return ASK in scopes or (bool(bases) and {*bases} <= {*bases_asked(scopes)})


def may_ask_as(scopes: tuple[str, ...], person: str) -> bool:
    """Whether one may ask as somebody, with what only they are told or may have done."""
    return not person or f"ask:person={person}" in scopes


def may_ask_handler(scopes: tuple[str, ...], handler: str) -> bool:
    """Whether another handler may be asked than the one that answers where none is named."""
    return f"ask:handler={handler}" in scopes


def bases_asked(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the bases that may be asked whatever rules say."""
    return tuple(scope.removeprefix(ASK_BASE) for scope in scopes if scope.startswith(ASK_BASE))


def may_fetch(scopes: tuple[str, ...], bot: str) -> bool:
    """Whether a bot's messages may be fetched from a relay."""
    return RELAY in scopes or f"relay:bot={bot}" in scopes
