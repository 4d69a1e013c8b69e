"""What a whole house promises on its own file, it promises on a PostgreSQL database, too."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from inspect import signature
from types import ModuleType

import pytest

from posthouse.store.postgres.connect import connect
from posthouse.store.postgres.database import Database
from tests.cluster import Cluster
from tests.house import (
    kit,
    test_edits,
    test_recall,
    test_turn_lanes,
)
from tests.house.shared_book import open_shared_book

TAKES_HOURS = "test_only_what_is_recent_enough"  # of virtual time, in which gateways stay alive

MODULES = (
    test_edits,
    test_recall,
    test_turn_lanes,
)


def promises(*modules: ModuleType) -> Iterator[Callable[[], None]]:
    """The tests of these modules that need nothing but a house."""
    for module in modules:
        for name, thing in vars(module).items():
            if name.startswith("test_") and name != TAKES_HOURS and not signature(thing).parameters:
                yield thing


def name_of(test: Callable[[], None]) -> str:
    return f"{test.__module__.rpartition('.')[2]}-{test.__name__}"


@pytest.mark.parametrize("test", list(promises(*MODULES)), ids=name_of)
def test_on_postgresql(
    test: Callable[[], None], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(connect(cluster.wiped())) as connection:
        database = Database(connection)
        monkeypatch.setattr(kit, "open_book", partial(open_shared_book, database))
        test()
