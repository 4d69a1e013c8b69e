"""The health of the book: old rows, wrong counters, gauges."""

from __future__ import annotations

from posthouse.store.queries import load
from posthouse.store.sql import rows
from posthouse.store.sql.about import NOTHING
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database
from posthouse.store.sql.reading import Reading
from posthouse.store.upkeep import Pruned, Retention

SQL = load("sqlite/upkeep.sql")

SEEN_S_MIN = 7 * 86400.0  # longer than any platform repeats itself

_COUNTED = (
    "turns_waiting",
    "turns_running",
    "turns_buried",
    "amends_waiting",
    "events_undecodable",
)
_STATES = ("queued", "sending", "unknown", "failed", "doubtful")

_CHECKS = {
    "miscounted_turns": "lane {0} counts {1} waiting, there are {2}",
    "miscounted_sends": "lane {0} counts {1} waiting, there are {2}",
    "miscounted_amends": "lane {0} counts {1} waiting, there are {2}",
    "asleep": "lane {0} has {1} waiting, and when it is ready says otherwise",
    "lost_turns": "turn {0} waits, but its lane {1} does not exist",
    "lost_deliveries": "delivery {0} is open, but chat {1} has no send lane",
    "wrong_current": "lane {0} works on turn {1}, which is not its to do",
    "two_unclear": "chat {0} has {1} deliveries on their way at once",
    "miscounted_recalls": "recall {0} waits for {1} outcomes, there are {2}",
    "miscounted_bases": "base {0} counts {1} documents, there are {2}",
}


class SqlUpkeep:
    """What ``Upkeep`` does alike on every SQL database."""

    def __init__(self, committer: Committer, reading: Reading) -> None:
        self._commit = committer.commit
        self._reading = reading
        self._lanes_from = ""  # where the last round of removing lanes ended

    async def prune(self, retention: Retention, now: float, rows_max: int = 500) -> Pruned:
        pruned, self._lanes_from = await self._commit(
            "prune", NOTHING, _prune, retention, now, rows_max, self._lanes_from
        )
        return pruned

    async def counts(self) -> dict[str, int]:
        return await self._reading.ask(_counts)


def miscounted(database: Database) -> list[str]:
    """Return what lanes, turns and deliveries say about one another that is not so."""
    found: list[str] = []
    for name, sentence in _CHECKS.items():
        found += [sentence.format(*row) for row in database.all(SQL[name])]
    return found


def _counts(database: Database) -> dict[str, int]:
    counts = {name: _count(database, name) for name in _COUNTED}
    counts |= {f"deliveries_{state}": 0 for state in _STATES}
    for name in ("deliveries_open", "deliveries_troubled"):
        for state, count in database.all(SQL[name]):
            counts[f"deliveries_{state}"] = count
    return counts


# --- old rows -------------------------------------------------------------------------------


def _prune(
    database: Database, retention: Retention, now: float, rows_max: int, lanes_from: str
) -> tuple[Pruned, str]:
    before = now - retention.messages_s
    seen_before = now - max(retention.seen_s, SEEN_S_MIN)
    keys = database.count(SQL["prune_seen"], before=seen_before, rows_max=rows_max)
    events = database.count(SQL["prune_raw"], before=now - retention.raw_s, rows_max=rows_max)
    events += database.count(SQL["prune_events"], before=before, rows_max=rows_max)
    gone = database.all(SQL["prune_turns"], before=before, rows_max=rows_max)
    database.run(SQL["prune_once"], turns=rows.json(tuple(turn for (turn,) in gone)))
    deliveries = database.count(SQL["prune_deliveries"], before=before, rows_max=rows_max)
    for name in ("prune_amends", "prune_questions", "prune_recalls", "prune_pushes"):
        database.run(SQL[name], before=before, rows_max=rows_max)
    has_more = _prune_the_assistants(database, before, rows_max)
    lanes_from = _prune_lanes(database, lanes_from, rows_max)
    database.run(SQL["give_back"])
    removed = (events, len(gone), deliveries, keys)
    return Pruned(*removed, is_done=not (any(removed) or has_more)), lanes_from


def _prune_the_assistants(database: Database, before: float, rows_max: int) -> bool:
    """Forget old questions, spending and handoffs that are over; whether there were any."""
    removed = [
        database.count(SQL[name], before=before, rows_max=rows_max)
        for name in ("prune_asked", "prune_spending", "prune_trial_spending", "prune_handoffs")
    ]
    for name in ("prune_asked_bases", "prune_asked_passages"):
        database.run(SQL[name])
    return any(removed)


def _prune_lanes(database: Database, after: str, rows_max: int) -> str:
    """Look at a bounded number of lanes; returns where the next round begins."""
    row = database.one(SQL["lanes_after"], after=after, rows_max=rows_max)
    database.run(SQL["prune_lanes"], after=after, rows_max=rows_max)
    return str(row[0]) if row is not None and row[1] == rows_max else ""


def _count(database: Database, name: str) -> int:
    row = database.one(SQL[name])
    return 0 if row is None else int(row[0])
