"""What every connection is told, whatever the server's own settings are."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from posthouse.store.postgres.connect import connect
from tests.cluster import EMPTY, Cluster

# As a server may be set up.
LAX = "&options=-c%20synchronous_commit%3Doff%20-c%20enable_seqscan%3Don"


@pytest.fixture
def connection(cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with closing(connect(cluster.url(EMPTY) + LAX)) as connection:
        yield connection


def setting(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_what_is_committed_is_on_the_disk(connection: psycopg.Connection[Any]) -> None:
    assert setting(connection, "synchronous_commit") == "on"


def test_nothing_is_found_by_reading_a_whole_table(connection: psycopg.Connection[Any]) -> None:
    """A plan is kept from when its table was empty, where reading all of it looks cheapest."""
    assert setting(connection, "enable_seqscan") == "off"
    assert setting(connection, "jit") == "off"


def test_nothing_takes_for_ever(connection: psycopg.Connection[Any]) -> None:
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert all(setting(connection, limit) != "0" for limit in limits)


def test_migrations_and_copies_take_as_long_as_they_take(cluster: Cluster) -> None:
    with closing(connect(cluster.url(EMPTY), is_patient=True)) as connection:
        assert setting(connection, "statement_timeout") == "0"


def test_readers_write_nothing(cluster: Cluster) -> None:
    with (
        closing(connect(cluster.url(EMPTY), is_reading=True)) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("DELETE FROM chat_tags")
