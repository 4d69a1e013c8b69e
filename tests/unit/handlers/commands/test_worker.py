"""What a worker does before its first call, where the system refuses something."""

from __future__ import annotations

import os
import sys

import pytest

from posthouse.handlers.commands.worker import _give_way_to_the_house


@pytest.mark.skipif(sys.platform != "linux", reason="it asks nowhere else")
def test_a_worker_that_may_not_choose_its_scheduling_works_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def refuse(pid: int, *_: object) -> None:
        asked.append(pid)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    _give_way_to_the_house()
    assert asked == [0]
