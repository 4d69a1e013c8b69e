"""Every table that a migration makes is copied from one database to another."""

from pathlib import Path

import apsw
import psycopg

from posthouse.store.sql.tables import TABLES
from posthouse.store.sqlite.store import SqliteStore
from tests.cluster import EMPTY, Cluster

OF_THE_PRODUCT = {"schema_versions"}  # which migrations have been made here


async def test_sqlite_has_no_other_tables(tmp_path: Path) -> None:
    await SqliteStore.open(tmp_path / "house.db").close()
    database = apsw.Connection(str(tmp_path / "house.db"))
    found = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    assert {name for (name,) in found} - OF_THE_PRODUCT == {*TABLES}


def test_postgresql_has_no_other_tables(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url(EMPTY)) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert {name for (name,) in found} - OF_THE_PRODUCT == {*TABLES}
