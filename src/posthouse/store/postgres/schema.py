"""Bringing a database up to date: numbered migrations, all or none, by one gateway at a time."""

from __future__ import annotations

import psycopg
from psycopg import errors

from posthouse.model.errors import OperatorMistake
from posthouse.store.migrate import migrations, pending
from posthouse.store.postgres.connect import connect
from posthouse.store.postgres.database import PRODUCT, Database
from posthouse.store.postgres.problems import explained
from posthouse.store.queries import load
from posthouse.store.sql.database import Row

SQL = load("postgres/schema.sql")

TRIES_MAX = 10


def bring_up_to_date(url: str) -> None:
    """Create what is missing; whoever comes at the same time waits until it is done.

    Raises:
        OperatorMistake: the database cannot be used; the message says why and what to do.
    """
    try:
        _until_nobody_stands_in_the_way(url)
    except errors.DuplicateTable as problem:
        raise OperatorMistake(
            f"the database of `store` holds tables of another program ({problem}): "
            "create a database for Posthouse alone",
            zh="store 里的数据库存有别的程序的表：请为驿站单独建一个数据库",
        ) from problem
    except psycopg.Error as problem:
        raise explained(problem) from problem


def _until_nobody_stands_in_the_way(url: str) -> None:
    """Migrate beside gateways at work, with whose locks ours may meet in a circle."""
    for left in reversed(range(TRIES_MAX)):
        try:
            with connect(url, is_patient=True) as connection, connection.transaction():
                _migrate(connection)
        except errors.DeadlockDetected:
            if not left:
                raise
        else:
            return


def _migrate(connection: psycopg.Connection[Row]) -> None:
    database = Database(connection)
    database.run(SQL["alone"])
    database.run(SQL["versions"])
    row = database.one(SQL["version"])
    for migration in pending(0 if row is None else int(row[0]), migrations(PRODUCT)):
        connection.execute(migration.sql, prepare=False)
        database.run(SQL["done"], number=migration.number, name=migration.name)
