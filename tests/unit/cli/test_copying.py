"""``posthouse db copy``: from the file of one house into a database that several share."""

import importlib.util
import json
import time
from pathlib import Path

import psycopg
import pytest

from posthouse.bootstrap import DATABASE, SHARED_NEEDS
from posthouse.cli.copying import copy
from posthouse.model.errors import OperatorMistake
from posthouse.settings.data_directory import DataDirectory
from posthouse.store.asked import Label, LabelOrigin
from posthouse.store.conduct import Handoff, Rule
from posthouse.store.postgres.store import PostgresStore
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import SqliteStore
from posthouse.store.sqlite.tables import SqliteTables
from posthouse.testing.conformance.scene import BEGAN_AT, LEASE_S, Scene, Store
from tests.cluster import EMPTY, Cluster
from tests.conformance.test_store import parts
from tests.unit.store.test_crash_of_books import QUESTION, SCOPE, knowledge_before, put_documents

HOUR_S = 3600.0
SAID = 1200  # more than are copied at once


@pytest.fixture
async def house(tmp_path: Path) -> Path:
    """The data directory of a house that has lived."""
    store = SqliteStore.open(tmp_path / DATABASE)
    scene = await Scene.open(parts(store))
    await scene.told("how much?", "42 \N{SNOWMAN}", message_id="om1")
    for number in range(SAID):
        await scene.say(f"{number}\0", who=f"person {number % 7}")
    await store.access.audit("cli", "pause", "chat:1", "{}", 1.0)
    await fill_the_assistants_books(store)
    await scene.recall()
    await store.close()
    return tmp_path


async def fill_the_assistants_books(store: SqlStore) -> None:
    await knowledge_before(store)
    await put_documents(store)
    (first, _) = await store.documents.documents("help")
    await store.documents.remove("help", (first.id,), BEGAN_AT)
    await store.documents.quarantine("help", "help:b.md#1", "cli", BEGAN_AT)
    await store.asked.record(QUESTION)
    label = Label(text="how?", is_wanted=True, origin=LabelOrigin.FILE, at=BEGAN_AT)
    await store.asked.add_labels("help", (label,))
    await store.conduct.set_rule(SCOPE, Rule(tone="dry"), "cli", BEGAN_AT)
    handoff = Handoff(handler="assistant", chat=1, person="ann", since_at=BEGAN_AT, turn=1)
    await store.conduct.hand_off(handoff)
    gate = await store.conduct.add_gate("help", bytes(range(256)), "{}", "cli", BEGAN_AT)
    await store.conduct.use_gate("help", gate, "cli", BEGAN_AT)


async def the_assistants_books(store: SqlStore) -> list[object]:
    return [
        await store.documents.bases(),
        await store.documents.sources(),
        await store.documents.changes("help", 0),
        await store.documents.quarantined("help"),
        await store.asked.told("help:a.md#1"),
        await store.asked.recent("help"),
        await store.asked.labels("help"),
        await store.conduct.rules("assistant"),
        await store.conduct.handoffs(),
        await store.conduct.gate("help"),
    ]


async def everything(store: Store) -> object:
    """What is found in a book: who waits, what was said, and how it is counted."""
    gateway = await store.journal.enter("g1", BEGAN_AT + LEASE_S, LEASE_S)
    claimed = await store.journal.claim_turns(gateway, BEGAN_AT + LEASE_S, 1000)
    return (
        [(each.turn.id, each.turn.text.rstrip("\0\N{REPLACEMENT CHARACTER}")) for each in claimed],
        await store.upkeep.counts(),
        await store.upkeep.check(),
        [delivery.delivery for delivery in await store.reader.said_since(1, 0.0)],
    )


async def test_nothing_is_lost_and_work_goes_on(
    house: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copy(f"sqlite:{house}", cluster.wiped(), as_json=True) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["tables"]["events"]["rows"] == SAID + 1
    assert report["rows"] > 2 * SAID
    shared = PostgresStore.open(cluster.url(EMPTY))
    alone = SqliteStore.open(house / DATABASE)
    try:
        assert await everything(parts(shared)) == await everything(parts(alone))
        books = await the_assistants_books(alone)
        assert all(books)
        assert await the_assistants_books(shared) == books
        scene = await Scene.open(parts(shared))
        fresh = await scene.say("one more", who="newcomer", message_id="om2")
        assert fresh.event == SAID + 2, "numbers go on where they were"
    finally:
        await shared.close()
        await alone.close()


def test_a_database_with_messages_is_refused(house: Path, cluster: Cluster) -> None:
    url = cluster.wiped()
    copy(f"sqlite:{house}", url, as_json=True)
    with pytest.raises(OperatorMistake, match="empty database"):
        copy(f"sqlite:{house}", url, as_json=True)


def test_a_house_that_runs_is_refused(house: Path, cluster: Cluster) -> None:
    directory = DataDirectory(house)
    try:
        with pytest.raises(OperatorMistake):
            copy(f"sqlite:{house}", cluster.wiped(), as_json=True)
    finally:
        directory.release()


def test_what_arrives_changed_does_not_count(
    house: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cluster.wiped()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.reason = 'spoiled'; RETURN NEW; END $$"
        )
        connection.execute(
            "CREATE TRIGGER spoil BEFORE INSERT ON turns FOR EACH ROW EXECUTE FUNCTION spoil()"
        )
        try:
            with pytest.raises(ValueError, match="turns: "):
                copy(f"sqlite:{house}", url, as_json=True)
            assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)
        finally:
            connection.execute("DROP FUNCTION spoil CASCADE")


async def test_a_backup_arrives_held(house: Path, cluster: Cluster) -> None:
    alone = SqliteStore.open(house / DATABASE)
    await alone.upkeep.backup(house / "copy.db")
    await alone.close()
    copy(f"sqlite:{house / 'copy.db'}", cluster.wiped(), as_json=True)
    shared = PostgresStore.open(cluster.url(EMPTY))
    assert (await shared.holding.house()).is_held
    assert await shared.asked.told("help:a.md#1")
    await shared.close()


async def test_there_is_a_way_back(house: Path, cluster: Cluster, tmp_path: Path) -> None:
    url, back = cluster.wiped(), tmp_path / "back.db"
    copy(f"sqlite:{house}", url, as_json=True)
    copy(url, f"sqlite:{back}", as_json=True)
    with SqliteTables.reading(house / DATABASE) as first, SqliteTables.reading(back) as second:
        assert list(second.rows("lanes")) == list(first.rows("lanes"))
        assert second.last_numbers() == first.last_numbers()


async def test_a_shared_database_at_work_is_refused(
    house: Path, cluster: Cluster, tmp_path: Path
) -> None:
    url, back = cluster.wiped(), tmp_path / "back.db"
    copy(f"sqlite:{house}", url, as_json=True)
    shared = PostgresStore.open(url)
    gateway = await shared.journal.enter("g7", time.time(), HOUR_S)
    with pytest.raises(OperatorMistake, match="g7 is at work"):
        copy(url, f"sqlite:{back}", as_json=True)
    assert not back.exists()
    await shared.journal.renew(gateway, time.time(), 0.0)
    await shared.close()
    copy(url, f"sqlite:{back}", as_json=True)


@pytest.mark.parametrize("address", ["mysql://h/d", "/data", "postgres"])
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(OperatorMistake, match="sqlite:DIR"):
        copy(address, "sqlite:x", as_json=True)


@pytest.mark.parametrize("missing", SHARED_NEEDS)
def test_what_is_not_installed_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == missing else find(name)
    )
    with pytest.raises(OperatorMistake, match=rf"needs {missing}: pip install") as mistake:
        copy("postgresql://nobody@127.0.0.1:1/a", "sqlite:nowhere", as_json=True)
    assert "posthouse[postgres]" in mistake.value.zh
