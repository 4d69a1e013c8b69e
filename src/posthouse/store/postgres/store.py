"""The shared store: one PostgreSQL database, several gateways."""

from __future__ import annotations

import time
from collections.abc import Callable

from posthouse.store.postgres.committer import PostgresCommitter
from posthouse.store.postgres.reading import PostgresReading
from posthouse.store.postgres.schema import bring_up_to_date
from posthouse.store.postgres.upkeep import PostgresUpkeep
from posthouse.store.sql.committer import Hook
from posthouse.store.sql.outputs import NewKey
from posthouse.store.sql.store import SqlStore, new_key


class PostgresStore(SqlStore):
    """A store in a PostgreSQL database."""

    def __init__(
        self,
        committer: PostgresCommitter,
        reading: PostgresReading,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        new_key: NewKey = new_key,
    ) -> None:
        upkeep = PostgresUpkeep(committer, reading, url, clock)
        super().__init__(committer, reading, upkeep, is_alone=False, new_key=new_key)
        self._reading = reading

    @classmethod
    def open(
        cls,
        url: str,
        *,
        at: Hook | None = None,
        clock: Callable[[], float] = time.time,
        new_key: NewKey = new_key,
    ) -> PostgresStore:
        """Open the database and bring its schema up to date.

        Args:
            url: ``postgresql://user:password@host/name``, or as libpq takes it otherwise.
            at: called with a name of ``points.POINTS`` at that moment; must not raise.
            clock: stamps backups.
            new_key: makes the keys of notices, 128 random bits in hex.

        Raises:
            OperatorMistake: the database cannot be used; the message says why and what to do.
        """
        bring_up_to_date(url)
        return cls(
            PostgresCommitter(url, at), PostgresReading(url), url, clock=clock, new_key=new_key
        )

    async def close(self) -> None:
        """Write what waits and let go of the database; later writes raise ``StoreClosed``."""
        await super().close()
        await self._reading.close()
