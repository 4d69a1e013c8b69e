"""What stands in SQL for SQLite is understood by PostgreSQL, or said again in its own words."""

import re
from collections.abc import Iterator
from importlib.resources import files

import psycopg
import pytest
from psycopg import sql

from posthouse.store.postgres.columns import COLUMNS
from posthouse.store.postgres.database import Statement, own_words, statement
from posthouse.store.queries import Query, load
from posthouse.store.sql.database import Row
from tests.cluster import EMPTY, Cluster

FOLDER = files("posthouse.store.sql").joinpath("sqlite")
OF_FILES_ALONE = {"file", "transaction", "tables"}  # how SQLite is opened, committed, copied
WITHOUT_SQLITE = {"about", "connect", "schema", "tables", "transaction"}
GIVEN_BESIDES = {"gateways.enter": {"now"}}  # SQLite has no use for it
SHARED = [
    query
    for name in sorted(file.name for file in FOLDER.iterdir())
    if name.endswith(".sql") and name[0] != "0" and name[:-4] not in OF_FILES_ALONE
    for query in load(f"sqlite/{name}").values()
    if query.name != "upkeep.integrity"
]


@pytest.fixture(scope="module")
def connection(cluster: Cluster) -> Iterator[psycopg.Connection[Row]]:
    with psycopg.connect(cluster.url(EMPTY), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("query", SHARED, ids=lambda query: query.name)
def test_postgresql_understands(query: Query, connection: psycopg.Connection[Row]) -> None:
    connection.execute(f"PREPARE tried AS {statement(query).text}")
    connection.execute("DEALLOCATE tried")


@pytest.mark.parametrize("query", SHARED, ids=lambda query: query.name)
def test_no_row_grows_when_a_newer_version_adds_a_column(query: Query) -> None:
    """A view has the columns it was made with; what a statement made itself has its own."""
    text = statement(query).text.replace("count(*)", "")
    whole = re.findall(r"\w+\.\*|(?:SELECT|RETURNING) \*(?: FROM \w+)?", text)
    of_views = {"s.*", "SELECT * FROM web_shown", "SELECT * FROM newest_numbers"}
    assert {*whole} - of_views - {"SELECT *"} == set(), query.name


@pytest.mark.parametrize("table", COLUMNS)
def test_whole_rows_are_those_of_the_schema(
    table: str, connection: psycopg.Connection[Row]
) -> None:
    whole = sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table))
    found = connection.execute(whole).description or ()
    assert tuple(column.name for column in found) == tuple(COLUMNS[table].split())


def test_own_words_stand_for_something() -> None:
    known = {query.name for query in SHARED} | {"upkeep.size"}
    own = {name for name in own_words() if name.partition(".")[0] not in WITHOUT_SQLITE}
    assert own <= known, "these replace nothing"


def test_both_know_the_same_values() -> None:
    by_name = {query.name: query for query in SHARED}
    for name, words in own_words().items():
        if name in by_name:
            given = set(re.findall(r":([a-z]\w*)", by_name[name])) | GIVEN_BESIDES.get(name, set())
            unknown = set(statement(words).names) - given
            assert not unknown, f"{name} wants values that nobody gives"


def test_values_are_numbered_in_order_and_casts_left_alone() -> None:
    text = "SELECT :b::int8, :a, 'push:' || :b, '12:x' FROM t WHERE c = :a"
    wanted = Statement("SELECT $1::int8, $2, 'push:' || $1, '12:x' FROM t WHERE c = $2", ("b", "a"))
    assert statement(text) == wanted
