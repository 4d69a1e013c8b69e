"""The chats on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec, TypeVar

from posthouse.model.address import Chat, ChatMode, Place, SessionKind
from posthouse.model.errors import Refused
from posthouse.store.queries import load
from posthouse.store.sqlite import rows
from posthouse.store.sqlite.committer import Committer
from posthouse.store.sqlite.database import Database

SQL = load("sqlite/chats.sql")

P = ParamSpec("P")
T = TypeVar("T")

KNOWN_MAX = 10_000  # chats kept at hand


class SqliteChats:
    """``Chats`` on one SQLite database; a chat that is known is found without a write.

    Chats are kept at hand, since every message asks for one: the file has one owner, and each
    write goes through this object and forgets them.
    """

    def __init__(self, committer: Committer, reading: Database) -> None:
        self._committer = committer
        self._reading = reading
        self._at_hand: dict[tuple[str, str], Chat] = {}

    async def resolve(self, place: Place, now: float) -> Chat:
        where = (place.bot, place.platform_id)
        chat = self._at_hand.get(where) or _at(self._reading, place)
        if chat is None or _is_renamed(chat, place):
            return await self._commit(_resolve, place, now)
        if len(self._at_hand) >= KNOWN_MAX:
            self._at_hand.clear()
        self._at_hand[where] = chat
        return chat

    async def get(self, chat: int) -> Chat | None:
        return _get(self._reading, chat)

    async def find(self, bot: str, platform_id: str) -> Chat | None:
        return _at(self._reading, Place(bot, platform_id))

    async def list(self, limit: int = 1000) -> tuple[Chat, ...]:
        return tuple(rows.chat(row) for row in self._reading.all(SQL["recent"], limit=limit))

    async def alias(self, chat: int, platform_id: str) -> None:
        await self._commit(_alias, chat, platform_id)

    async def set_mode(
        self, chat: int, mode: ChatMode, now: float, until_at: float | None = None
    ) -> Chat:
        return await self._commit(_set_mode, chat, mode, now, until_at)

    async def set_session_kind(self, chat: int, kind: SessionKind) -> Chat:
        return await self._commit(_set_session_kind, chat, kind)

    async def set_language(self, chat: int, language: str) -> Chat:
        return await self._commit(_set_language, chat, language)

    async def set_handler(self, chat: int, handler: str) -> Chat:
        return await self._commit(_set_handler, chat, handler)

    async def set_tags(self, chat: int, tags: tuple[str, ...]) -> None:
        await self._commit(_set_tags, chat, tags)

    async def tags(self, chats: tuple[int, ...]) -> Mapping[int, tuple[str, ...]]:
        found = self._reading.all(SQL["tags"], chats=rows.json(chats))
        return {chat: rows.words(tags) for chat, tags in found}

    async def tagged(self, tag: str, limit: int = 1000) -> tuple[Chat, ...]:
        return tuple(map(rows.chat, self._reading.all(SQL["tagged"], tag=tag, limit=limit)))

    async def _commit(
        self,
        operation: Callable[Concatenate[Database, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        try:
            return await self._committer.commit("chat", operation, *args, **kwargs)
        finally:
            self._at_hand.clear()


def _at(database: Database, place: Place) -> Chat | None:
    row = database.one(SQL["at"], bot=place.bot, platform_id=place.platform_id)
    return None if row is None else rows.chat(row)


def _get(database: Database, chat: int) -> Chat | None:
    row = database.one(SQL["get"], chat=chat)
    return None if row is None else rows.chat(row)


def _known(database: Database, chat: int) -> Chat:
    found = _get(database, chat)
    if found is None:
        raise Refused(f"chat {chat} is not in the book: `posthouse why` lists the chats")
    return found


def _is_renamed(chat: Chat, place: Place) -> bool:
    return bool(place.title) and place.title != chat.title


def _resolve(database: Database, place: Place, now: float) -> Chat:
    chat = _at(database, place)  # another arrival may have entered it meanwhile
    if chat is None:
        return _enter(database, place, now)
    if _is_renamed(chat, place):
        database.run(SQL["title"], chat=chat.id, title=place.title)
    return _known(database, chat.id)


def _enter(database: Database, place: Place, now: float) -> Chat:
    row = database.one(
        SQL["enter"],
        bot=place.bot,
        platform_id=place.platform_id,
        kind=place.kind,
        title=place.title,
        now=now,
        language=place.language,
    )
    assert row is not None
    database.run(SQL["alias"], chat=row[0], platform_id=place.platform_id)
    return _known(database, row[0])


def _alias(database: Database, chat: int, platform_id: str) -> None:
    _known(database, chat)
    database.run(SQL["alias"], chat=chat, platform_id=platform_id)
    database.run(SQL["send_to"], chat=chat, platform_id=platform_id)


def _set_mode(
    database: Database, chat: int, mode: ChatMode, now: float, until_at: float | None
) -> Chat:
    database.run(SQL["mode"], chat=chat, mode=mode, now=now, until_at=until_at)
    return _known(database, chat)


def _set_session_kind(database: Database, chat: int, kind: SessionKind) -> Chat:
    database.run(SQL["session_kind"], chat=chat, session_kind=kind)
    return _known(database, chat)


def _set_language(database: Database, chat: int, language: str) -> Chat:
    database.run(SQL["language"], chat=chat, language=language)
    return _known(database, chat)


def _set_handler(database: Database, chat: int, handler: str) -> Chat:
    database.run(SQL["handler"], chat=chat, handler=handler)
    return _known(database, chat)


def _set_tags(database: Database, chat: int, tags: tuple[str, ...]) -> None:
    _known(database, chat)
    database.run(SQL["untag"], chat=chat)
    database.run(SQL["tag"], chat=chat, tags=rows.json(tags))
