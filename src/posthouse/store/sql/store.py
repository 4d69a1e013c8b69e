"""Everything a house remembers, each protocol under its name, on any SQL database."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from posthouse.store.sql.access import SqlAccess
from posthouse.store.sql.asked import SqlAsked
from posthouse.store.sql.chats import SqlChats
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.conduct import SqlConduct
from posthouse.store.sql.documents import SqlDocuments
from posthouse.store.sql.grants import SqlGrants
from posthouse.store.sql.holding import SqlHolding
from posthouse.store.sql.journal import SqlJournal
from posthouse.store.sql.parcels import SqlParcels
from posthouse.store.sql.pushes import SqlPushes
from posthouse.store.sql.questions import Asking, SqlQuestions
from posthouse.store.sql.reader import SqlReader
from posthouse.store.sql.reading import Reading
from posthouse.store.sql.rooms import SqlRooms
from posthouse.store.upkeep import Upkeep

KEY_BYTES = 16  # of a delivery's key


def new_key() -> str:
    """Make 128 random bits, in hex."""
    return secrets.token_hex(KEY_BYTES)


class SqlStore:
    """See the module.

    Args:
        committer: where writes go.
        reading: where reads go.
        upkeep: the product's own.
        is_alone: nobody else writes this book, so what was read may be kept at hand.
        new_key: makes the keys of notices, 128 random bits in hex.
    """

    def __init__(
        self,
        committer: Committer,
        reading: Reading,
        upkeep: Upkeep,
        *,
        is_alone: bool,
        new_key: Callable[[], str] = new_key,
    ) -> None:
        asking = Asking(reading) if is_alone else None
        self._committer = committer
        self.journal = SqlJournal(committer, reading, asking, new_key)
        self.chats = SqlChats(committer, reading, is_alone=is_alone)
        self.questions = SqlQuestions(reading, asking)
        self.holding = SqlHolding(committer, reading)
        self.upkeep = upkeep
        self.reader = SqlReader(reading)
        self.rooms = SqlRooms(committer, reading)
        self.grants = SqlGrants(committer, reading, is_alone=is_alone)
        self.access = SqlAccess(committer, reading)
        self.pushes = SqlPushes(committer, reading)
        self.parcels = SqlParcels(committer, reading)
        self.documents = SqlDocuments(committer, reading)
        self.asked = SqlAsked(committer, reading)
        self.conduct = SqlConduct(committer, reading)

    async def close(self) -> None:
        """Write what waits and let go of the database; later writes raise ``StoreClosed``."""
        await self._committer.close()
