"""What operators' tools ask about pushes: tokens, tags of chats, pushes without a token, reload."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from posthouse.api.callers import Caller
from posthouse.api.desk import Desk, Nothing, Running, Task
from posthouse.api.message import Answer, Message, check
from posthouse.model.address import Chat
from posthouse.model.errors import OperatorMistake, PosthouseError, TryLater
from posthouse.model.scopes import PUSH, checked_scopes, checked_tags
from posthouse.model.secret import hashed, new_token
from posthouse.settings.reload import Change, ScenesRead
from posthouse.store.access import Token
from posthouse.store.pushes import OWNER

CLI = "cli"  # what the audit calls who may read the lock file
CHATS_MAX = 10_000
NAME_CHARACTERS_MAX = 64
_OWNER = Caller(OWNER, (PUSH,), "cli")


class NewToken(Struct, frozen=True, kw_only=True):
    """A token that is wanted."""

    name: str
    scopes: tuple[str, ...]
    expires_at: float | None = None


class Issued(Struct, frozen=True):
    """A token, and the only sight of its secret."""

    token: Token
    secret: str


class Revoke(Struct, frozen=True):
    """The number of a token that is to be worth nothing."""

    token: int


class TaggedChat(Struct, frozen=True):
    """A chat with its tags."""

    chat: Chat
    tags: tuple[str, ...]


class SetTags(Struct, frozen=True):
    """The tags a chat is to have, and no others."""

    chat: int
    tags: tuple[str, ...]


class PushAs(Struct, frozen=True, kw_only=True):
    """A push by the house's owner; without a key it is given one."""

    message: Message
    key: str
    wait_s: float = 15.0


class TakeBack(Struct, frozen=True, kw_only=True):
    """An earlier push of the house's owner."""

    key: str
    wait_s: float = 15.0


class Read(Struct, frozen=True):
    """Whether changed settings are only to be looked at."""

    is_rehearsal: bool = False


async def add_token(desk: Desk, new: NewToken) -> Issued:
    """Make a token; its secret is shown this once.

    Raises:
        OperatorMistake: a scope is none, or the name is empty or too long.
    """
    if not 0 < len(new.name.strip()) <= NAME_CHARACTERS_MAX or not new.name.isprintable():
        raise OperatorMistake(
            f"A token's name has 1 to {NAME_CHARACTERS_MAX} characters.",
            zh=f"令牌的名字要有 1 到 {NAME_CHARACTERS_MAX} 个字符。",
        )
    scopes = checked_scopes(new.scopes)
    secret = new_token()
    token = await desk.access.add_token(
        new.name, scopes, hashed(secret), CLI, desk.now(), new.expires_at
    )
    return Issued(token, secret)


async def tokens(desk: Desk, _nothing: Nothing) -> tuple[Token, ...]:
    """Return all tokens; their secrets are known to nobody here."""
    return await desk.access.tokens()


async def revoke_token(desk: Desk, wanted: Revoke) -> bool:
    """Let a token be worth nothing from now on."""
    return await desk.access.revoke_token(wanted.token, CLI, desk.now())


async def list_chats(desk: Desk, _nothing: Nothing) -> tuple[TaggedChat, ...]:
    """Return the chats, the most recently used first."""
    chats = await desk.chats.list(CHATS_MAX)
    tags = await desk.chats.tags(tuple(chat.id for chat in chats))
    return tuple(TaggedChat(chat, tags.get(chat.id, ())) for chat in chats)


async def tag_chat(desk: Desk, wanted: SetTags) -> TaggedChat:
    """Give a chat other tags.

    Raises:
        OperatorMistake: there is no such chat, or a tag is none.
    """
    tags = checked_tags(wanted.tags)
    chat = await desk.chats.get(wanted.chat)
    if chat is None:
        raise OperatorMistake(
            f"There is no chat {wanted.chat}; `posthouse chats list` shows them.",
            zh=f"没有编号为 {wanted.chat} 的会话；posthouse chats list 可列出。",
        )
    await desk.chats.set_tags(chat.id, tags)
    details = msgspec.json.encode({"tags": tags}).decode()
    await desk.access.audit(CLI, "chat.tag", f"chat:{chat.id}", details, desk.now())
    return TaggedChat(chat, tags)


async def push(desk: Desk, wanted: PushAs) -> Answer:
    """Say something.

    Raises:
        OperatorMistake: the house does not run, or the push cannot be said as it is.
        TryLater: not everything was written; again, with the same key.
    """
    pushing = _running(desk).pushing
    try:
        check(wanted.message)
        pushed = await pushing.push(_OWNER, wanted.key, wanted.message)
    except PosthouseError as problem:
        raise _mistake(problem) from problem
    answer, _ = await pushing.answer(pushed, wanted.wait_s)
    return answer


async def take_back(desk: Desk, wanted: TakeBack) -> Answer:
    """Take an earlier push back.

    Raises:
        OperatorMistake: the house does not run, or there is no such push.
    """
    pushing = _running(desk).pushing
    try:
        recalled = await pushing.recall(await pushing.find(OWNER, wanted.key))
    except PosthouseError as problem:
        raise _mistake(problem) from problem
    answer, _ = await pushing.answer(recalled, wanted.wait_s)
    return answer


async def reload(desk: Desk, wanted: Read) -> tuple[Change, ...]:
    """Read the settings again.

    Raises:
        OperatorMistake: the house does not run, or a setting is wrong.
    """
    found = await _running(desk).reload(is_rehearsal=wanted.is_rehearsal)
    if found and not wanted.is_rehearsal:
        details = msgspec.json.encode({"keys": [change.key for change in found]}).decode()
        await desk.access.audit(CLI, "settings.reload", "settings", details, desk.now())
    return found


async def reload_scenes(desk: Desk, _: Nothing) -> tuple[ScenesRead, ...]:
    """Read the scenes again.

    Raises:
        OperatorMistake: the house does not run.
    """
    return await _running(desk).reload_scenes()


def _running(desk: Desk) -> Running:
    if desk.running is None:
        raise OperatorMistake(
            "The house does not run; start it with `posthouse run` first.",
            zh="驿站没有运行；请先用 posthouse run 启动。",
        )
    return desk.running


def _mistake(problem: PosthouseError) -> PosthouseError:
    if isinstance(problem, TryLater):
        return problem
    return OperatorMistake(str(problem), zh=problem.zh)


ADD_TOKEN = Task("add_token", NewToken, add_token, Issued)
TOKENS = Task("tokens", Nothing, tokens, tuple[Token, ...])
REVOKE_TOKEN = Task("revoke_token", Revoke, revoke_token, bool)
CHATS = Task("chats", Nothing, list_chats, tuple[TaggedChat, ...])
TAG = Task("tag", SetTags, tag_chat, TaggedChat)
PUSH_AS = Task("push", PushAs, push, Answer)
TAKE_BACK = Task("take_back", TakeBack, take_back, Answer)
RELOAD = Task("reload", Read, reload, tuple[Change, ...])
RELOAD_SCENES = Task("reload_scenes", Nothing, reload_scenes, tuple[ScenesRead, ...])

PUSH_TASKS: Mapping[str, Task[Struct, object]] = {
    task.name: task  # type: ignore[misc]  # each task checks its own arguments
    for task in (
        ADD_TOKEN,
        TOKENS,
        REVOKE_TOKEN,
        CHATS,
        TAG,
        PUSH_AS,
        TAKE_BACK,
        RELOAD,
        RELOAD_SCENES,
    )
}
