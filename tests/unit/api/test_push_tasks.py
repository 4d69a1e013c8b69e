"""What the owner's tools do about pushes, and what the audit keeps of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from posthouse.api.desk import Books, Desk, Nothing
from posthouse.api.message import Message
from posthouse.api.push_tasks import (
    NewToken,
    PushAs,
    Read,
    Revoke,
    SetTags,
    add_token,
    list_chats,
    push,
    reload,
    revoke_token,
    tag_chat,
    tokens,
)
from posthouse.api.pushing import Pushing
from posthouse.model.address import Place
from posthouse.model.errors import OperatorMistake
from posthouse.model.secret import hashed
from posthouse.settings.reload import Change, Effect, ScenesRead
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.wakeup.local import LocalWakeup

NOW = 1000.0
CHANGE = Change("routes", "[]", "[…]", Effect.NOW)


class FakeHouse:
    """A house that reads settings in which one thing has changed."""

    pushing: Pushing

    async def reload(self, *, is_rehearsal: bool) -> tuple[Change, ...]:
        return (CHANGE,)

    async def reload_scenes(self) -> tuple[ScenesRead, ...]:
        return (ScenesRead("commands", is_in_force=True, names=("app",), problems={}),)


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    opened = open_memory_store()
    await opened.chats.resolve(Place("b", "room", title="Room"), NOW)
    yield opened
    await opened.close()


def desk_of(store: SqliteStore, running: FakeHouse | None = None) -> Desk:
    books = Books(
        store.journal,
        store.reader,
        store.chats,
        store.holding,
        store.upkeep,
        store.grants,
        store.access,
    )
    return Desk(books, LocalWakeup(), ("b",), lambda: NOW, running)


async def _audited(store: SqliteStore) -> list[tuple[str, str, object]]:
    lines = reversed(await store.access.audit_lines())
    return [(line.action, line.subject, json.loads(line.details)) for line in lines]


async def test_a_token_is_shown_once_and_kept_as_a_hash(store: SqliteStore) -> None:
    desk = desk_of(store)
    issued = await add_token(desk, NewToken(name="ci", scopes=("read", "read")))
    assert issued.secret.startswith("ph_")
    assert issued.token.scopes == ("read",)
    assert await store.access.token(hashed(issued.secret), NOW) is not None
    rows = store._reading.connection.execute("SELECT * FROM tokens").fetchall()
    assert issued.secret not in repr(rows)
    assert [each.name for each in await tokens(desk, Nothing())] == ["ci"]
    assert await revoke_token(desk, Revoke(issued.token.id))
    assert not await revoke_token(desk, Revoke(issued.token.id))
    assert await store.access.token(hashed(issued.secret), NOW) is None


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "\x1b[31m"])
async def test_a_token_needs_a_name(name: str, store: SqliteStore) -> None:
    with pytest.raises(OperatorMistake, match="name"):
        await add_token(desk_of(store), NewToken(name=name, scopes=("push",)))


async def test_tags_are_set_and_audited(store: SqliteStore) -> None:
    desk = desk_of(store)
    await tag_chat(desk, SetTags(1, ("night", "夜班", "night")))
    (chat,) = await list_chats(desk, Nothing())
    assert chat.tags == ("night", "夜班")
    assert await _audited(store) == [("chat.tag", "chat:1", {"tags": ["night", "夜班"]})]


@pytest.mark.parametrize(
    ("chat", "tags"), [(2, ("a",)), (1, ("a b",)), (1, ("",)), (1, ("a\n",)), (1, ("x" * 65,))]
)
async def test_wrong_tags_change_nothing(
    chat: int, tags: tuple[str, ...], store: SqliteStore
) -> None:
    with pytest.raises(OperatorMistake):
        await tag_chat(desk_of(store), SetTags(chat, tags))
    assert await _audited(store) == []


async def test_a_reload_is_audited_and_a_look_is_not(store: SqliteStore) -> None:
    desk = desk_of(store, FakeHouse())
    assert await reload(desk, Read(is_rehearsal=True)) == (CHANGE,)
    assert await _audited(store) == []
    assert await reload(desk, Read()) == (CHANGE,)
    assert await _audited(store) == [("settings.reload", "settings", {"keys": ["routes"]})]


async def test_a_house_that_stands_still_says_so(store: SqliteStore) -> None:
    desk = desk_of(store)
    with pytest.raises(OperatorMistake, match="does not run"):
        await push(desk, PushAs(message=Message(to=1, text="x"), key="k"))
    with pytest.raises(OperatorMistake, match="does not run"):
        await reload(desk, Read())
