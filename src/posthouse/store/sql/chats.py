"""The chats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec, TypeVar

from posthouse.model.address import Chat, ChatMode, Place, SessionKind
from posthouse.model.errors import Refused
from posthouse.store.queries import load
from posthouse.store.sql import about, rows
from posthouse.store.sql.about import About
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database
from posthouse.store.sql.reading import Reading

SQL = load("sqlite/chats.sql")

P = ParamSpec("P")
T = TypeVar("T")

KNOWN_MAX = 10_000  # chats kept at hand


class SqlChats:
    """``Chats`` on a SQL database; a chat that is known is found without a write.

    Where nobody else writes, chats are kept at hand, since every message asks for one: each write
    goes through this object and forgets them.
    """

    def __init__(self, committer: Committer, reading: Reading, *, is_alone: bool) -> None:
        self._committer = committer
        self._reading = reading
        self._is_alone = is_alone
        self._at_hand: dict[tuple[str, str], Chat] = {}

    async def resolve(self, place: Place, now: float) -> Chat:
        where = (place.bot, place.platform_id)
        chat = self._at_hand.get(where) or await self._reading.ask(_at, place)
        if chat is None or _is_renamed(chat, place):
            return await self._commit(
                about.place(place.bot, place.platform_id), _resolve, place, now
            )
        if self._is_alone:
            self._keep(where, chat)
        return chat

    def _keep(self, where: tuple[str, str], chat: Chat) -> None:
        if len(self._at_hand) >= KNOWN_MAX:
            self._at_hand.clear()
        self._at_hand[where] = chat

    async def get(self, chat: int) -> Chat | None:
        return await self._reading.ask(_get, chat)

    async def find(self, bot: str, platform_id: str) -> Chat | None:
        return await self._reading.ask(_at, Place(bot, platform_id))

    async def list(self, limit: int = 1000) -> tuple[Chat, ...]:
        return tuple(rows.chat(row) for row in await self._reading.all(SQL["recent"], limit=limit))

    async def alias(self, chat: int, platform_id: str) -> None:
        await self._commit((chat,), _alias, chat, platform_id)

    async def set_mode(
        self, chat: int, mode: ChatMode, now: float, until_at: float | None = None
    ) -> Chat:
        return await self._commit((chat,), _set_mode, chat, mode, now, until_at)

    async def set_session_kind(self, chat: int, kind: SessionKind) -> Chat:
        return await self._commit((chat,), _set_session_kind, chat, kind)

    async def set_language(self, chat: int, language: str) -> Chat:
        return await self._commit((chat,), _set_language, chat, language)

    async def set_handler(self, chat: int, handler: str) -> Chat:
        return await self._commit((chat,), _set_handler, chat, handler)

    async def set_tags(self, chat: int, tags: tuple[str, ...]) -> None:
        await self._commit((chat,), _set_tags, chat, tags)

    async def tags(self, chats: tuple[int, ...]) -> Mapping[int, tuple[str, ...]]:
        found = await self._reading.all(SQL["tags"], chats=rows.json(chats))
        return {chat: rows.words(tags) for chat, tags in found}

    async def tagged(self, tag: str, limit: int = 1000) -> tuple[Chat, ...]:
        return tuple(map(rows.chat, await self._reading.all(SQL["tagged"], tag=tag, limit=limit)))

    async def _commit(
        self,
        things: About,
        operation: Callable[Concatenate[Database, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        try:
            return await self._committer.commit("chat", things, operation, *args, **kwargs)
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
