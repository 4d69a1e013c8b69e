"""Every statement has a name, a sentence, a user and a plan that does not read whole tables."""

import re
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import pytest

from posthouse.store import queries
from posthouse.store.sqlite import file

SQL = files("posthouse.store.sql").joinpath("sqlite")
CODE = [
    path
    for folder in ("sql", "sqlite")
    for path in (Path(queries.__file__).parent / folder).glob("*.py")
]
QUERY_FILES = sorted(
    entry.name for entry in SQL.iterdir() if entry.name.endswith(".sql") and entry.name[0] != "0"
)

# Tables of a few rows, what a statement made itself, and (n, in pruning) a look that ends at the
# first young row. A partial index holds only what is open or in trouble.
MAY_SCAN = re.compile(
    r"SCAN (house|gateways|holders|parcel_leases|h$|chain|json_each|n$|CONSTANT ROW|\(|sqlite_"
    r"|\w+ USING (COVERING )?INDEX"
    r" (turns_waiting|turns_buried|deliveries_open|deliveries_troubled|amends_queued|questions_open"
    r"|events_undecodable|parcels_waiting))"
)
# These look at every row on purpose.
WHOLE_TABLE = {
    "access.drop_dead_codes",  # a handful of purposes
    "access.has_admin",  # a console has a few operators, a house a few tokens
    "access.operators",
    "access.sessions",  # at most twenty for each operator
    "access.tokens",
    "chats.recent",
    "gateways.bound_lanes",  # at a start, and when a clock was set back
    "conduct.handoffs",  # those that are open
    "documents.all_sources",  # there are a few
    "documents.bases",
    "gateways.bound_paces",
    "grants.list",  # for people who look through it
    "grants.operators",  # there are a few
    "grants.people",
    "grants.strangers",
    "questions.asking",  # once, and only the few that are open
    "reader.heard_lately",  # the newest events only
    "reader.is_ours",  # the few rows that its own subquery chose
    "reader.whose",  # the same
    "reader.of_message",  # a bot's chats, then one look into each
    "rooms.errands",  # there are a few at a time
    "rooms.rooms_of",
    "upkeep.miscounted_turns",
    "upkeep.miscounted_sends",
    "upkeep.miscounted_amends",
    "upkeep.asleep",
    "upkeep.wrong_current",
    "upkeep.miscounted_recalls",
    "upkeep.miscounted_bases",
}


def test_a_file_is_split_into_named_statements() -> None:
    text = "-- name: one\n-- The first.\nSELECT 1;\n\n-- name: two\n-- The second.\nSELECT\n  2;\n"
    assert queries.parse(text) == {"one": "SELECT 1", "two": "SELECT\n  2"}


@pytest.mark.parametrize(
    "text",
    ["-- name: a\n-- x\nSELECT 1;\n-- name: a\n-- x\nSELECT 2;", "-- name: a\n-- Nothing.\n"],
    ids=["twice", "empty"],
)
def test_a_wrong_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a stands twice or is empty"):
        queries.parse(text)


@pytest.mark.parametrize("name", QUERY_FILES)
def test_every_statement_says_what_it_is_for(name: str) -> None:
    text = SQL.joinpath(name).read_text("utf-8")
    for match in re.finditer(r"^-- name: (\w+)\n(.*)$", text, re.MULTILINE):
        assert re.match(r"-- [A-Z].*", match[2]), f"{name}: {match[1]} has no sentence"


@pytest.mark.parametrize("name", QUERY_FILES)
def test_every_statement_is_used_and_every_use_exists(name: str) -> None:
    defined = set(queries.load(f"sqlite/{name}"))
    code = "\n".join(path.read_text("utf-8") for path in CODE)
    own = next(
        path.read_text("utf-8").split('"""', 2)[2]  # without the module's docstring
        for path in CODE
        if f'= load("sqlite/{name}")' in path.read_text("utf-8")
    )
    used = set(re.findall(r'(?<!\.)SQL\["(\w+)"\]', own))
    assert used <= defined, f"{name} lacks statements"
    unused = [query for query in defined if f'"{query}"' not in code]
    assert not unused, f"nobody uses these of {name}"


@pytest.mark.parametrize("name", [name for name in QUERY_FILES if name != "tables.sql"])
def test_no_statement_reads_a_whole_table(name: str) -> None:
    connection = file.open_memory().connection
    for query, sql in queries.load(f"sqlite/{name}").items():
        if not sql.startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
            continue
        if f"{name.removesuffix('.sql')}.{query}" in WHOLE_TABLE:
            continue
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", defaultdict(int)).fetchall()
        scans = [
            str(step[3])
            for step in plan
            if str(step[3]).startswith("SCAN") and not MAY_SCAN.match(str(step[3]))
        ]
        assert not scans, f"{name}: {query}"
    connection.close()
