"""Pushes."""

from __future__ import annotations

import msgspec

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Delivery
from posthouse.model.errors import Refused
from posthouse.store.pushes import KeyUsed, Push, TakenBack, Target, Words
from posthouse.store.queries import load
from posthouse.store.sql import about, amends, ledger, outputs, rows
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.outputs import Author
from posthouse.store.sql.reading import Reading

SQL = load("sqlite/pushes.sql")
STEP = "push"  # in ``store/points.py``
DELIVERIES_MAX = 50_000  # of one push

_targets = msgspec.json.Decoder(tuple[Target, ...])


class SqlPushes:
    """``Pushes`` on a SQL database."""

    def __init__(self, committer: Committer, reading: Reading) -> None:
        self._commit = committer.commit
        self._reading = reading

    async def begin(
        self, token: int, key: str, body_hash: bytes, targets: tuple[Target, ...], now: float
    ) -> Push:
        return await self._commit(
            STEP, (f"push {token}:{key}",), _begin, token, key, body_hash, targets, now
        )

    async def find(self, token: int, key: str, body_hash: bytes | None = None) -> Push | None:
        return await self._reading.ask(_find, token, key, body_hash)

    async def put(self, push: int, ordinal: int, words: Words, now: float) -> tuple[int, ...]:
        return await self._commit(STEP, about.push(push), _put, push, ordinal, words, now)

    async def begin_edit(self, push: int, body_hash: bytes) -> Push:
        return await self._commit(STEP, about.push(push), _begin_edit, push, body_hash)

    async def put_edit(
        self, push: Push, ordinal: int, words: Words, capabilities: Capabilities, now: float
    ) -> None:
        await self._commit(
            STEP, about.push(push.id), _put_edit, push, ordinal, words, capabilities, now
        )

    async def recall(self, push: int, now: float) -> Push:
        return await self._commit(STEP, about.push(push), _recall, push, now)

    async def deliveries(self, push: Push) -> tuple[Delivery, ...]:
        found = await self._reading.all(SQL["deliveries"], origin=push.origin, limit=DELIVERIES_MAX)
        return tuple(map(rows.delivery, found))


def _begin(
    database: Database,
    token: int,
    key: str,
    body_hash: bytes,
    targets: tuple[Target, ...],
    now: float,
) -> Push:
    database.run(
        SQL["begin"],
        token=token,
        key=key,
        body_hash=body_hash,
        targets=rows.json(targets),
        now=now,
    )
    found = _find(database, token, key, body_hash)
    assert found is not None
    return found


def _find(database: Database, token: int, key: str, body_hash: bytes | None) -> Push | None:
    row = database.one(SQL["find"], token=token, key=key)
    if row is None:
        return None
    if body_hash is not None and row[7] != body_hash:
        raise KeyUsed(zh="这个 Idempotency-Key 已用于另一份内容；新消息请换一个新的。")
    return _push(row)


def _put(database: Database, push: int, ordinal: int, words: Words, now: float) -> tuple[int, ...]:
    known = _push(_known(database, push))
    said = database.all(SQL["said"], origin=known.origin, ordinal=ordinal)
    if said or known.edits or known.recalled_at is not None:
        return tuple(number for (number,) in said)
    return _say(database, known.targets[ordinal], words, now)


def _say(database: Database, target: Target, words: Words, now: float) -> tuple[int, ...]:
    for question in words.questions:
        outputs.ask(database, target.chat, question)
    return outputs.put(database, Author(target.chat, target.bot), words.deliveries, now)


def _begin_edit(database: Database, push: int, body_hash: bytes) -> Push:
    row = _known(database, push)
    if _push(row).recalled_at is not None:
        raise TakenBack(zh="这条推送已被撤回；请用新的 key 另发一条。")
    if row[8] == body_hash:
        return _push(row)
    database.run(SQL["edit"], push=push, edit_hash=body_hash)
    return _push(_known(database, push))


def _put_edit(
    database: Database,
    push: Push,
    ordinal: int,
    words: Words,
    capabilities: Capabilities,
    now: float,
) -> None:
    known = _push(_known(database, push.id))
    if known.edits != push.edits or known.recalled_at is not None:
        return
    if database.one(SQL["is_edited"], origin=push.edit_origin(ordinal)) is not None:
        return
    target = known.targets[ordinal]
    amends.put(database, Author(target.chat, target.bot), words.amends, now)
    for number in words.withdraw:
        was = ledger.entry(database, number)
        if was is not None:
            ledger.take_back(database, was, capabilities, now)
    _say(database, target, words, now)


def _recall(database: Database, push: int, now: float) -> Push:
    database.run(SQL["recall"], push=push, now=now)
    return _push(_known(database, push))


def _known(database: Database, push: int) -> Row:
    row = database.one(SQL["get"], push=push)
    if row is None:
        raise Refused(f"push {push} is not in the book any more", zh=f"记录中已没有推送 {push}")
    return row


def _push(row: Row) -> Push:
    number, token, key, targets, put_at, edits, recalled_at = row[:7]
    return Push(
        id=number,
        token=token,
        key=key,
        targets=_targets.decode(targets),
        put_at=put_at,
        edits=edits,
        recalled_at=recalled_at,
    )
