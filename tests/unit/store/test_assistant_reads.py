"""What the assistant asks the book at every question is found by an index, as long as it may be."""

import re
from collections.abc import Awaitable, Callable

import apsw
import pytest

from posthouse.store.asked import SpendingOn
from posthouse.store.conduct import Scope
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import open_memory_store

READS: dict[str, Callable[[SqlStore], Awaitable[object]]] = {
    "bases": lambda store: store.documents.base("help"),
    "changes": lambda store: store.documents.changes("help", 7),
    "documents": lambda store: store.documents.documents("help", 1, after="a"),
    "sources": lambda store: store.documents.sources("help"),
    "quarantine": lambda store: store.documents.quarantined("help"),
    "a question": lambda store: store.asked.of_turn(7),
    "how many": lambda store: store.asked.count(1.0, "b", "ann"),
    "the queue": lambda store: store.asked.open_questions(before=9),
    "the queue of a base": lambda store: store.asked.open_questions("help"),
    "questions": lambda store: store.asked.recent(before=9),
    "questions of a base": lambda store: store.asked.recent("help"),
    "who was told": lambda store: store.asked.told("help:a#1"),
    "labels": lambda store: store.asked.labels("help"),
    "spent": lambda store: store.asked.spent(1.0),
    "spent in a chat": lambda store: store.asked.spent(1.0, chat=7),
    "spent for somebody": lambda store: store.asked.spent(1.0, person="ann"),
    "shares": lambda store: store.asked.shares(SpendingOn.CHAT, 1.0),
    "spent on trials": lambda store: store.asked.spent_on_trials(1.0, "a"),
    "shares of trials": lambda store: store.asked.trial_shares(1.0),
    "a rule": lambda store: store.conduct.rule(Scope(handler="a", bot="b", chat=7, person="ann")),
    "a handoff": lambda store: store.conduct.handoff("a", 7, "ann"),
    "handoffs": lambda store: store.conduct.handoffs(),
    "a gate": lambda store: store.conduct.gate("help"),
    "gates": lambda store: store.conduct.gates("help"),
}


@pytest.mark.parametrize("name", READS)
async def test_no_table_is_read_whole(name: str) -> None:
    store = open_memory_store()
    connection = store._reading.connection
    seen: list[str] = []
    connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: seen.append(str(event["sql"])))
    await READS[name](store)
    connection.trace_v2(0, None)
    assert seen
    for statement in seen:
        values = dict.fromkeys(re.findall(r":(\w+)", statement), 1)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        steps = [str(step[3]) for step in plan]
        scans = [step for step in steps if step.startswith("SCAN") and "CONSTANT ROW" not in step]
        whole = [step for step in scans if "USING INDEX" not in step]
        assert not whole, steps
    await store.close()
